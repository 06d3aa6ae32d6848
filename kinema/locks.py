"""One user of a folder at a time, on one machine or on several that share it.

What protects is flock, where the file system has it and it reaches all machines that see the folder. Elsewhere it is a
file that says which process of which machine holds the lock; it is written everywhere, so that errors can say so, too.
It needs `fcntl`: Linux and macOS.
"""

import contextlib
import fcntl
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kinema.processes import Process

log = logging.getLogger(__name__)
LOCK = ".lock"
OWNER = ".lock.owner"
CHILDREN_SECONDS = 15.0  # until loader processes of a killed training have ended
MOUNTS = Path("/proc/self/mountinfo")
# File systems of one machine, and those whose locks reach all machines unless these options say otherwise.
OF_ONE_MACHINE = {
    *("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "overlay", "fuseblk", "vfat", "exfat", "ntfs3"),
}
LOCAL_OPTIONS: dict[str, set[str]] = {
    "nfs": {"nolock", "local_lock=flock", "local_lock=all"},
    "nfs4": {"local_lock=flock", "local_lock=all"},
    "cifs": {"nobrl"},
    "smb3": {"nobrl"},
    "lustre": {"localflock", "noflock"},
    **{kind: set() for kind in ("ceph", "gpfs", "gfs2", "ocfs2")},
}


@dataclass(frozen=True, kw_only=True)
class Owner(Process):
    """A process that has a folder, and what for."""

    since: str
    purpose: str

    def __str__(self) -> str:
        return f"{super().__str__()}, since {self.since}"


@contextmanager
def sole_user(folder: Path, *, purpose: str) -> Iterator[None]:
    """Keep a second process out of a folder while the block runs; RuntimeError says what the first one does there.

    After `kill -9` of a workflow its cluster jobs live on, and the next workflow starts them again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # a file, opened for writing, since network file systems lock nothing else
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        _take(folder, descriptor, Owner.this(since=now, purpose=purpose))
        try:
            yield
        finally:
            (folder / OWNER).unlink(missing_ok=True)
    finally:
        os.close(descriptor)


@contextmanager
def one_of_several(lock: Path, *, last: Callable[[], None]) -> Iterator[None]:
    """One of several users, on this machine, of what a file stands for. A killed one is a user no more.

    Who leaves last calls `last`, and is alone then.
    """
    descriptor = _shared(lock)
    try:
        yield
    finally:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            last()
            lock.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def one_after_another(lock: Path) -> Iterator[None]:
    """Wait until nobody else on this machine is in such a block with the same file."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def not_twice(lock: Path) -> Iterator[None]:
    """The same for users of a project, to spare work alone: where its file system has no locks, work is done twice."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("%s: waits for another process", lock)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            log.warning("%s: its file system has no locks (%s)", lock, error.strerror)
        yield
    finally:
        os.close(descriptor)


def _shared(lock: Path) -> int:
    """Descriptor of a shared lock on the file that has this name: who left last may have removed another one."""
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with contextlib.suppress(FileNotFoundError):
            if lock.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)


def _take(folder: Path, descriptor: int, ours: Owner) -> None:
    file = folder / OWNER
    try:
        is_locked = _flock(descriptor, file)
    except BlockingIOError as error:
        raise RuntimeError(_busy(ours, _read(file))) from error
    except OSError as error:
        is_locked = False
        log.warning("%s: its file system has no locks (%s); the file %s is what protects", folder, error.strerror, file)
    if file.exists():
        _judge(file, ours, is_locked=is_locked)
    try:
        with file.open("x", encoding="utf-8") as out:
            json.dump(asdict(ours), out)
    except FileExistsError:
        raise RuntimeError(_busy(ours, _read(file))) from None
    except OSError:
        file.unlink(missing_ok=True)
        if not is_locked:
            raise


def _flock(descriptor: int, file: Path) -> bool:
    """True, or BlockingIOError where a process has the lock.

    What a killed one had started has it too, for the seconds until it notices.
    """
    until = time.monotonic() + CHILDREN_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            owner = _read(file)
            if owner is None or owner.is_alive() is not False or time.monotonic() > until:
                raise
        time.sleep(0.1)


def _judge(file: Path, ours: Owner, *, is_locked: bool) -> None:
    """Remove what an earlier owner left; RuntimeError where it may still be at work."""
    owner = _read(file)
    if is_locked and (_reaches_all(file.parent) or (owner and owner.boot and owner.boot == ours.boot)):
        is_alive: bool | None = False
    else:
        is_alive = owner.is_alive() if owner else None
    if is_alive:
        raise RuntimeError(_busy(ours, owner))
    if is_alive is None:
        raise RuntimeError(
            f"{file}: another process may be {ours.purpose} ({owner or 'who wrote it cannot be read'}), and from here "
            "it cannot be told whether it still runs: locks of this file system do not reach from machine to machine. "
            f"If it has ended, remove {file} and run again."
        )
    if owner:
        log.info("%s: %s, is gone; its lock is removed", file.parent, owner)
    file.unlink(missing_ok=True)


def _busy(ours: Owner, owner: Owner | None) -> str:
    who = f" ({owner})" if owner else ""
    return f"another process is {ours.purpose}{who}; wait for it or end it, then run again."


def _read(file: Path) -> Owner | None:
    try:
        return Owner(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _reaches_all(folder: Path) -> bool:
    """Whether flock tells of all machines that see a folder; where the system does not say, it is believed to."""
    try:
        lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return True
    place, best = folder.resolve(), ("/", "", "")
    for line in lines:
        left, _, right = line.partition(" - ")
        mount, options = left.split()[4].encode().decode("unicode_escape"), left.split()[5]
        kind, _, more = right.split(" ", 2)
        if place.is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind, f"{options},{more}")
    _, kind, options = best
    if kind in OF_ONE_MACHINE:
        return True
    return kind in LOCAL_OPTIONS and not LOCAL_OPTIONS[kind] & set(options.split(","))
