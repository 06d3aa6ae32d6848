"""Locks of a killed Snakemake: removed where it is dead beyond doubt, else left and told."""

import json
import os
import subprocess
import sys

import pytest

from kinema.stale_locks import note_holder, remove_stale_locks

LOCK = "0.output.lock"


@pytest.fixture
def state(tmp_path):
    """A folder .snakemake that is locked by somebody."""
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / LOCK).write_text("results/a\n")
    return tmp_path


def hold(state, pid, *, file=LOCK, **changes):
    """Note a holder that is the process `pid`, or one that differs from it."""
    note_holder(state, [state / "locks" / file])
    (note,) = (state / "lock_holders").glob(f"*-{os.getpid()}.json")
    holder = json.loads(note.read_text()) | {"pid": pid} | changes
    note.unlink()
    (note.parent / f"{holder['host']}-{pid}.json").write_text(json.dumps(holder))


def is_locked(state, file=LOCK):
    return (state / "locks" / file).exists()


@pytest.fixture
def ended():
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_locks_of_a_dead_process_are_removed_and_told(state, ended):
    hold(state, ended)
    (line,) = remove_stale_locks(state)
    assert f"(process {ended} on " in line
    assert "which was killed" in line
    assert not is_locked(state)
    assert not list((state / "lock_holders").iterdir())
    assert remove_stale_locks(state) == []


def test_a_killed_process_that_nobody_waited_for_is_dead(state):
    script = (
        "import sys, time; from pathlib import Path; from kinema.stale_locks import note_holder\n"
        "note_holder(Path(sys.argv[1]), [Path(sys.argv[2])]); print(flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, state, state / "locks" / LOCK]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    process.stdout.readline()
    assert remove_stale_locks(state) == []
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert len(remove_stale_locks(state)) == 1
    process.wait()


def test_locks_of_a_living_process_stay(state):
    note_holder(state, [state / "locks" / LOCK])
    assert remove_stale_locks(state) == []
    assert is_locked(state)


def test_while_another_process_lives_no_lock_is_removed(state, ended):
    (state / "locks/1.output.lock").write_text("results/b\n")
    hold(state, ended)
    hold(state, os.getpid(), file="1.output.lock")
    assert remove_stale_locks(state) == []
    assert is_locked(state)


@pytest.mark.parametrize(
    "changes",
    [{"host": "elsewhere"}, {"machine": "another"}, {"namespace": "pid:[1]"}],
)
def test_of_another_machine_or_container_nothing_is_known(state, ended, changes):
    hold(state, ended, **changes)
    (line,) = remove_stale_locks(state)
    assert "cannot tell whether it lives" in line
    assert "snakemake --unlock" in line
    assert is_locked(state)


@pytest.mark.parametrize("changes", [{"boot": "before"}, {"started": "1"}, {"boot": "before", "namespace": "pid:[1]"}])
def test_a_number_that_another_process_has_by_now_is_no_life(state, machine, changes):
    hold(state, os.getpid(), **changes)
    assert len(remove_stale_locks(state)) == 1
    assert not is_locked(state)


def test_locks_that_were_made_anew_are_not_those_that_were_noted(state, ended):
    hold(state, ended)
    (state / "locks" / LOCK).unlink()
    (state / "locks" / LOCK).write_text("results/b\n")
    assert remove_stale_locks(state) == []
    assert is_locked(state)
    assert not list((state / "lock_holders").iterdir()), "a note of locks that are gone goes too"


def test_locks_of_nobody_stay(state, tmp_path):
    assert remove_stale_locks(state) == []
    assert is_locked(state)
    assert remove_stale_locks(tmp_path / "no/such/folder") == []


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": 3}', '{"files": {"0.output.lock": 1}}', "\x00"])
def test_a_damaged_note_stops_nothing(state, content):
    (state / "lock_holders").mkdir()
    (state / "lock_holders/x-1.json").write_text(content)
    assert remove_stale_locks(state) == []
    assert is_locked(state)


def test_a_run_without_locks_is_not_noted(tmp_path):
    note_holder(tmp_path, [])
    assert not list(tmp_path.iterdir())


def test_nothing_but_the_standard_library_is_needed():
    code = "import sys, kinema.stale_locks; print([m for m in ('yaml', 'pydantic', 'snakemake') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
