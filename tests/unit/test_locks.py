"""One user of a folder: held by flock, by a file where there is none, and let go of by who is gone."""

import dataclasses
import errno
import fcntl
import json
import logging
import os
import socket
import subprocess
import sys
import threading

import pytest

from kinema import locks
from kinema.locks import OWNER, Owner, not_twice, one_of_several, sole_user

MOUNTED = "22 1 0:1 / {folder} rw,relatime shared:1 - {kind} server:/share rw,{options}\n"
NO_FLOCK = [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS]


def lock(folder):
    return sole_user(folder, purpose="training here")


def left_by(folder, **changes) -> Owner:
    """The file of an owner, as one of this machine that is killed leaves it."""
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    ours = Owner.this(since="then", purpose="training here")
    owner = dataclasses.replace(ours, **{"pid": int(dead.stdout), "started": "1"} | changes)
    folder.mkdir(exist_ok=True)
    (folder / OWNER).write_text(json.dumps(dataclasses.asdict(owner)))
    return owner


@pytest.fixture(params=NO_FLOCK)
def no_flock(request, monkeypatch):
    def flock(*args):
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)


def mounted(tmp_path, monkeypatch, kind, options="vers=3"):
    (tmp_path / "mounts").write_text(MOUNTED.format(folder=tmp_path, kind=kind, options=options))
    monkeypatch.setattr(locks, "MOUNTS", tmp_path / "mounts")


def test_a_second_user_is_told_who_the_first_one_is(tmp_path):
    message = rf"another process is training here \(process {os.getpid()} on {socket.gethostname()}, since"
    with lock(tmp_path):
        with pytest.raises(RuntimeError, match=message), lock(tmp_path):
            pass
        with pytest.raises(RuntimeError, match=message), lock(tmp_path):
            pass
    with lock(tmp_path):
        pass
    assert not (tmp_path / OWNER).exists()


def test_without_flock_a_file_protects(tmp_path, no_flock, caplog):
    with lock(tmp_path), pytest.raises(RuntimeError, match=rf"process {os.getpid()} on"), lock(tmp_path):
        pass
    assert "has no locks" in caplog.text
    with lock(tmp_path):
        pass


def test_work_may_be_done_twice_where_there_are_no_locks(tmp_path, no_flock, caplog):
    with not_twice(tmp_path / "lock"), not_twice(tmp_path / "lock"):
        pass
    assert "has no locks" in caplog.text


def test_work_that_is_not_done_twice_waits_for_who_does_it(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    order: list[str] = []

    def second():
        with not_twice(tmp_path / "lock"):
            order.append("second")

    with not_twice(tmp_path / "lock"):
        thread = threading.Thread(target=second)
        thread.start()
        while thread.is_alive() and "waits for another process" not in caplog.text:
            thread.join(0.01)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("change", [{}, {"pid": os.getpid()}, {"boot": "another"}], ids=["dead", "other", "rebooted"])
def test_a_dead_process_of_this_machine_leaves_no_lock(tmp_path, no_flock, machine, caplog, change):
    owner = left_by(tmp_path, **change)
    with caplog.at_level(logging.INFO), lock(tmp_path):
        pass
    assert f"process {owner.pid} on {owner.host}, since {owner.since}, is gone; its lock is removed" in caplog.text


@pytest.mark.parametrize("change", [{"host": "far", "boot": "another"}, {"namespace": "pid:[1]"}])
def test_a_process_that_cannot_be_seen_from_here_keeps_its_lock(tmp_path, no_flock, change):
    owner = left_by(tmp_path, **change)
    message = (
        rf"{OWNER}: another process may be training here \(process {owner.pid} on {owner.host}, .* remove .*{OWNER}"
    )
    with pytest.raises(RuntimeError, match=message), lock(tmp_path):
        pass
    assert (tmp_path / OWNER).exists()


@pytest.mark.parametrize(
    ("kind", "options", "is_judged"),
    [
        ("ext4", "", True),
        ("nfs4", "vers=4.2,local_lock=none", True),
        ("nfs", "vers=3,local_lock=all", False),
        ("lustre", "flock", True),
        ("lustre", "localflock", False),
        ("fuse.sshfs", "", False),
        ("9p", "", False),
    ],
)
def test_flock_judges_other_machines_where_it_reaches_them(tmp_path, monkeypatch, kind, options, is_judged):
    mounted(tmp_path, monkeypatch, kind, options)
    left_by(tmp_path, host="far", boot="another")
    if is_judged:
        with lock(tmp_path):
            pass
        return
    with pytest.raises(RuntimeError, match=r"on far, since .*do not reach from machine to machine"), lock(tmp_path):
        pass


def test_flock_judges_containers_of_one_machine(tmp_path, monkeypatch):
    mounted(tmp_path, monkeypatch, "9p")
    left_by(tmp_path, host="container", namespace="pid:[1]")
    with lock(tmp_path):
        pass


def test_what_cannot_be_read_is_no_owner_where_flock_judges(tmp_path, monkeypatch):
    (tmp_path / OWNER).write_text("{")
    with lock(tmp_path):
        pass
    (tmp_path / OWNER).write_text("{")
    mounted(tmp_path, monkeypatch, "9p")
    with pytest.raises(RuntimeError, match="who wrote it cannot be read"), lock(tmp_path):
        pass


def test_a_lock_ends_with_its_process(tmp_path, caplog):
    script = (
        "import os, sys; from pathlib import Path; from kinema.locks import sole_user\n"
        "with sole_user(Path(sys.argv[1]), purpose='training here'): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert (tmp_path / OWNER).exists()
    with caplog.at_level(logging.INFO), lock(tmp_path):
        pass
    assert "is gone; its lock is removed" in caplog.text


def test_children_of_a_killed_process_are_waited_for(tmp_path):
    script = (
        "import os, sys, time; from pathlib import Path; from kinema.locks import sole_user\n"
        "with sole_user(Path(sys.argv[1]), purpose='training here'):\n"
        "    time.sleep(2) if os.fork() == 0 else os.kill(os.getpid(), 9)\n"
        "    os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    with lock(tmp_path):
        pass


def test_the_last_of_several_users_is_alone(tmp_path):
    place, seen = tmp_path / "used.lock", []
    with one_of_several(place, last=lambda: seen.append("outer")):
        with one_of_several(place, last=lambda: seen.append("inner")):
            pass
        assert not seen
    assert seen == ["outer"]
    assert not place.exists()


def test_who_comes_while_the_last_one_leaves_has_a_lock_that_counts(tmp_path):
    """The file that it waited for is gone then; a third one must not find another."""
    place, inside, leave = tmp_path / "used.lock", threading.Event(), threading.Event()

    def use():
        with one_of_several(place, last=lambda: None):
            inside.set()
            leave.wait(30)

    descriptor = os.open(place, os.O_RDWR | os.O_CREAT)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    user = threading.Thread(target=use)
    user.start()
    assert not inside.wait(0.3)
    place.unlink()
    os.close(descriptor)
    assert inside.wait(30)
    again = os.open(place, os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(again)
    leave.set()
    user.join()
