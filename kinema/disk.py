"""A file system without space -> an error that names it, whatever the library that wanted to write there says.

Each writer has its own words ("unexpected pos 9624640", "basic_ios::clear"), and few name a path.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROBE_BYTES = 2**16  # a place that does not take so many has no space
SHARED_MEMORY = Path("/dev/shm")  # where processes keep what they share; small in containers
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
# what OpenVINO and PyTorch say where they could not write, and may have removed what they had written
WRITERS_WORDS = ("basic_ios::clear", "iostream error", "unexpected pos", "PytorchStreamWriter failed writing")


class DiskFullError(OSError):
    """No space left; the text says where, and what to do."""


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Failures while `path` is written become a DiskFullError where there, or in TMPDIR, is no space."""
    try:
        yield
    except DiskFullError:
        raise
    except Exception as error:
        if place := full_place(error, path.parent):
            raise disk_full(place, writing=path) from error
        raise


def full_place(error: BaseException, *folders: Path) -> Path | None:
    """Which of these folders, or TMPDIR, is full after an error; the first one where only the error says so."""
    for folder in (*folders, *_temporary_folder()):
        if not _has_room(folder):
            return folder
    return folders[0] if any(_speaks_of_space(one) for one in chain(error)) else None


def _speaks_of_space(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in NO_SPACE
    return any(words in str(error) for words in WRITERS_WORDS)


def disk_full(folder: Path, *, writing: Path | None = None) -> DiskFullError:
    """What to raise."""
    remedy = "free some"
    if folder in _temporary_folder():
        remedy += ", or set TMPDIR to a folder with more,"
    if folder == SHARED_MEMORY:
        remedy += " (docker: --shm-size),"
    what = f"{writing} cannot be written: " if writing else ""
    free = shutil.disk_usage(_existing(folder)).free / 1e6
    where = f"{folder}, on the file system {_mount_point(folder)} ({free:.1f} MB free)"
    return DiskFullError(errno.ENOSPC, f"{what}no space left in {where}; {remedy} and run again")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and those behind it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _temporary_folder() -> tuple[Path, ...]:
    try:
        return (Path(tempfile.gettempdir()),)
    except FileNotFoundError:  # it tries to write there
        return ()


def _has_room(folder: Path) -> bool:
    """Asked by writing, since quotas are seen in no other way."""
    try:
        with tempfile.TemporaryFile(dir=_existing(folder)) as file:
            file.write(os.urandom(PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in NO_SPACE
    return True


def _existing(folder: Path) -> Path:
    return next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())


def _mount_point(folder: Path) -> Path:
    place = _existing(folder)
    return next(parent for parent in (place, *place.parents) if parent.is_mount())
