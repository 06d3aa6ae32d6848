"""Whether a noted process lives: only what is beyond doubt is said."""

import dataclasses
import json
import os
import subprocess
import sys

import pytest

from kinema import processes
from kinema.processes import Process

NOTE = (
    "import dataclasses, json; from kinema.processes import Process\n"
    "print(json.dumps(dataclasses.asdict(Process.this())), flush=True); input()"
)


@pytest.fixture
def other():
    """A process that waits, and its note."""
    process = subprocess.Popen([sys.executable, "-c", NOTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process, Process(**json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


def this(**changes) -> Process:
    return dataclasses.replace(Process.this(), **changes)


def test_a_process_lives_until_it_ends_though_nobody_waits_for_it(other):
    process, note = other
    assert note != Process.this()
    assert note.is_alive() is True
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on
    assert note.is_alive() is False
    process.wait()
    assert note.is_alive() is False


@pytest.mark.parametrize(
    ("changes", "is_alive"),
    [
        ({}, True),
        ({"started": "1"}, False),
        ({"boot": "before"}, False),
        ({"boot": "before", "namespace": "pid:[1]"}, False),
        ({"namespace": "pid:[1]"}, None),
        ({"host": "far"}, None),
        ({"machine": "far"}, None),  # of the same name
        ({"boot": ""}, None),
    ],
)
def test_the_same_number_is_not_the_same_process(machine, changes, is_alive):
    assert this(**changes).is_alive() is is_alive


def test_without_an_id_a_machine_of_the_same_name_may_be_another(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "MACHINE_ID", tmp_path / "none")
    assert this().is_alive() is True
    assert this(boot="before").is_alive() is None


def test_a_process_that_the_system_hides_may_be_another(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "PROC", tmp_path / "none")
    assert this(started="123").is_alive() is None
    assert this().is_alive() is True, "where nothing is told of any process, its number has to do"


def test_a_name_that_is_no_text_stops_nothing(other, tmp_path, monkeypatch):
    _, note = other
    name = b"\xc3 (a) \xff"
    (tmp_path / str(note.pid)).mkdir()
    (tmp_path / str(note.pid) / "stat").write_bytes(b"7 (" + name + b") S" + b" 0" * 18 + b" 123 0\n")
    monkeypatch.setattr(processes, "PROC", tmp_path)
    hidden = Process.this()
    note = dataclasses.replace(note, boot=hidden.boot, namespace=hidden.namespace, machine=hidden.machine)
    assert dataclasses.replace(note, started="123").is_alive() is True
    assert dataclasses.replace(note, started="124").is_alive() is False


def test_a_note_can_say_more():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Note(Process):
        purpose: str

    note = Note.this(purpose="a test")
    assert note.purpose == "a test"
    assert note.is_alive() is True
    assert str(note) == f"process {os.getpid()} on {note.host}"
