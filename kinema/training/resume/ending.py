"""A training that ends early -> an error that says what happened and where the next run goes on."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lightning.pytorch.utilities.exceptions import SIGTERMException

from kinema.disk import SHARED_MEMORY, DiskFullError, chain, disk_full, full_place
from kinema.job import Interrupted
from kinema.processes import is_first_process
from kinema.training.resume.callbacks import ResumePoints
from kinema.training.resume.runs import note_interruption, resume_points
from kinema.words import CRASHES, interrupted, next_run


@contextmanager
def resumable(points: ResumePoints, last: Path | None, *, curves_folder: Path) -> Iterator[None]:
    """Errors of a machine that runs out of something, and signals, say what happened and where the next run goes on.

    Of a run that goes on from the point `last`, so does what cannot be restored. Curves are written to `curves_folder`.
    """
    folder = points.folder
    try:
        yield
    except SIGTERMException as error:
        raise _interruption(points, *error.args[:1]) from None
    except (KeyboardInterrupt, SystemExit):  # Lightning makes the one into the other
        raise _interruption(points, "SIGINT") from None
    except Exception as error:
        if reason := _reason(error, folder, curves_folder):
            raise RuntimeError(f"{reason}. {next_run(resume_points(folder))}") from error
        if last and not points.has_begun:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise RuntimeError(f"{last}: training cannot go on from here: {reason}. Remove this file.") from error
        raise


@contextmanager
def crashes_named(folder: Path, goes_on: str) -> Iterator[None]:
    """Errors of a machine that runs out of something say so, and `goes_on`; `folder` is where it writes."""
    try:
        yield
    except Exception as error:
        if reason := _reason(error, folder):
            raise RuntimeError(f"{reason}. {goes_on}") from error
        raise


def _interruption(points: ResumePoints, signal: str = "SIGTERM") -> Interrupted:
    """What ends the job, and is kept for the last lines of the workflow."""
    text = interrupted(signal, points.place)
    if is_first_process():
        with suppress(OSError):
            note_interruption(points.folder.parent, text)
    return Interrupted(text, is_further=points.is_further)


def _reason(error: Exception, *folders: Path) -> str | None:
    """What ran out, by the error or one behind it: that of a dead process comes up anywhere, and others catch it."""
    behind = list(chain(error))
    for one in behind:
        if isinstance(one, DiskFullError):
            return str(one.strerror)
    if any(isinstance(one, OSError) for one in behind) and (full := full_place(error, *folders, SHARED_MEMORY)):
        return str(disk_full(full).strerror)
    texts = ["out of memory" if isinstance(one, MemoryError) else str(one) for one in behind]
    return next((reason for text in texts for part, reason in CRASHES.items() if part in text), None)
