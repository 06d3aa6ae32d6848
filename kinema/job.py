"""What every adapter needs: a job to run by hand, a log file, and progress that suits where it is shown."""

import logging
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, TypeVar

import yaml

from kinema.input_error import InputError
from kinema.made import ffmpeg_of, write_made
from kinema.processes import is_first_process
from kinema.snakemake_folder import forget_records

T = TypeVar("T")
log = logging.getLogger(__name__)
ON_SCREEN = {"is_shown": True}  # `extra` of a log call whose line is also for who watches the workflow
PLAIN_INTERVAL_SECONDS = 15.0
SPIN_COUNT = "1000"  # turns of a loop for which a thread waits awake; a few microseconds


class Interrupted(RuntimeError):
    """A signal asked a job to end. The message says where the next run goes on; a job prints that alone.

    `is_further` says whether the next run has less to do than this one had.
    """

    def __init__(self, message: str, *, is_further: bool = False):
        super().__init__(message)
        self.is_further = is_further


TOLD = (InputError, Interrupted)  # by their message alone, without a traceback


def job_from_argv(argv: list[str] | None = None) -> SimpleNamespace:
    """The job described by a YAML file, shaped like the `snakemake` object: input, output, params and so on.

    This is how an adapter runs by hand: `python workflow/scripts/<rule>.py job.yaml`.
    """
    argv = sys.argv[1:] if argv is None else argv
    if len(argv) != 1:
        raise SystemExit(
            "usage: python workflow/scripts/<rule>.py job.yaml   (keys: input, output, params, resources, log, threads)"
        )
    values = yaml.safe_load(Path(argv[0]).read_text())
    sections: dict = {name: {} for name in ("input", "output", "params", "resources")}
    return SimpleNamespace(**{**sections, "log": [], "threads": 1, **values})


def share_library(folder: str | Path) -> None:
    """Make processes started from now on import `kinema` from this folder, before any that is installed.

    The digests of the rules are of this code; a job that ran another would give results they do not stand for.
    """
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([inherited] if inherited else [])])


def wait_asleep() -> None:
    """Make the threads of processes started from now on sleep when they wait for each other, after a short while.

    As it comes, OpenMP has them run on, for up to a tenth of a second. Where another process wants the same core, and
    loaders do, that takes the core from the very thread that they wait for: on two cores with one busy neighbour, a
    training step took six times as long. Alone on them it loses a tenth by this. The user's own setting stays.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", SPIN_COUNT)


@contextmanager
def running(job: Any) -> Iterator[None]:
    """What every adapter does around its work: the log, and beside the outputs a record of the versions at work."""
    outputs = [Path(path) for path in (job.output.values() if isinstance(job.output, dict) else job.output)]
    with job_log(job.log):
        if is_first_process():
            forget_records(outputs)
        yield
        if is_first_process():
            ffmpeg = getattr(job, "resources", {}).get("ffmpeg")
            more = {} if ffmpeg is None else ffmpeg_of(ffmpeg)
            write_made(outputs, rule=getattr(job, "rule", Path(sys.argv[0]).stem), more=more)


@contextmanager
def job_log(files: Iterable[str]) -> Iterator[None]:
    """Send the log records, warnings and the traceback of this block to the job's log file; none of what is TOLD.

    A process that ends by the error then prints the error alone and names the file.

    Snakemake does not redirect a script's output by itself. Without a log file records go to stderr, and so do those of
    the other processes of a job; their errors are in the file, too. Records marked by `extra=ON_SCREEN` go to both.
    """
    paths, is_first = [Path(file) for file in files], is_first_process()
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    mode = "w" if is_first else "a"
    handlers: list[logging.Handler] = [logging.FileHandler(path, mode=mode, encoding="utf-8") for path in paths]
    for handler in handlers:
        handler.setLevel(logging.NOTSET if is_first else logging.ERROR)
    if not handlers or not is_first:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S"))
    if paths and is_first:
        handlers.append(_screen())
    root = logging.getLogger()
    before = root.level
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        yield
    except Exception as error:
        is_told = isinstance(error, TOLD)
        root.error("%s: %s", type(error).__name__, error, exc_info=not is_told)
        if is_told or paths:
            sys.excepthook = partial(_say, logged=error, paths=[] if is_told else paths)
        raise
    finally:
        logging.captureWarnings(False)
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _screen() -> logging.Handler:
    """Prints, on stderr, the lines alone that are marked as ON_SCREEN."""
    handler = logging.StreamHandler()
    handler.addFilter(lambda record: getattr(record, "is_shown", False))
    handler.setFormatter(logging.Formatter("kinema: %(message)s"))
    return handler


def _say(
    kind: type[BaseException],
    error: BaseException,
    traceback: TracebackType | None,
    *,
    logged: BaseException,
    paths: Sequence[Path],
) -> None:
    """End a process by the logged error without the traceback, which would hide it and is in these files."""
    if error is not logged:
        sys.__excepthook__(kind, error, traceback)
        return
    place = f"\nThe traceback is in {', '.join(map(str, paths))}." if paths else ""
    print(f"{kind.__name__}: {error}{place}", file=sys.stderr)


def progress(items: Iterable[T], *, description: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` and show how far they are: a bar on a terminal, else a log line every 15 seconds."""
    if sys.stderr.isatty() and (screen := _the_screen()):
        with screen:
            yield from _with_bar(items, description, total)
    else:
        yield from _with_lines(items, description, total)


def _with_bar(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track

    yield from track(items, description=description, total=total, console=Console(stderr=True), transient=True)


def _with_lines(items: Iterable[T], description: str, total: int | None) -> Iterator[T]:
    of = f"/{total}" if total else ""
    started_at = spoke_at = time.monotonic()
    count = 0
    for count, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - spoke_at >= PLAIN_INTERVAL_SECONDS:
            log.info("%s: %d%s, %.1f/s", description, count, of, count / (now - started_at))
            spoke_at = now
    log.info("%s: %d%s in %.1f s", description, count, of, time.monotonic() - started_at)


def _the_screen():
    """A lock that one job of this workflow holds while it draws; None where another job is drawing already.

    Shards run side by side on one terminal; two bars would write over each other.
    """
    import fcntl

    path = Path(tempfile.gettempdir()) / f"kinema-screen-{os.getuid()}-{os.getppid()}"
    try:
        # everyone may write there: what someone else put in its place is neither followed nor changed
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError:
        return None
    file, found = os.fdopen(descriptor, "rb"), os.fstat(descriptor)
    try:
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_nlink != 1:
            raise BlockingIOError
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with this process, however it ends
    except OSError:
        file.close()
        return None
    return file
