"""Output files that are there whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinema.disk import full_disk_named

LOCK = ".lock"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`: moved onto it when the block ends well, removed when it does not.

    Where there is no space for it, the error is a DiskFullError.
    """
    # the suffix stays last: writers such as OpenVINO's choose by it
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        with full_disk_named(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def sole_user(folder: Path, *, purpose: str) -> Iterator[None]:
    """Keep a second process out of a folder while the block runs; RuntimeError says what the first one does there.

    After `kill -9` of a workflow its cluster jobs live on, and the next workflow starts them again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # a file, opened for writing, since network file systems lock nothing else
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RuntimeError(f"another process is {purpose}; wait for it or end it, then run again.") from error
        yield
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
