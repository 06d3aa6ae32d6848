"""GPUs of this machine, each for one job at a time.

Snakemake counts GPUs and does not say which; a job takes the first one that it sees, and so would all jobs that run
side by side. Here a job locks the GPUs that it gets, until it has ended, however that was. Jobs of other users are not
seen.
"""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from kinema.input_error import InputError
from kinema.job import ON_SCREEN
from kinema.locks import one_after_another

log = logging.getLogger(__name__)
VISIBLE = "CUDA_VISIBLE_DEVICES"
STARTED_BESIDE = "LOCAL_RANK"  # processes that others started share their GPUs
POLL_SECONDS = 1.0


@contextmanager
def sole_gpus(number: int | None) -> Iterator[None]:
    """Let this process, and those that it starts, see so many GPUs that no other job of this user has.

    Waits until as many are free. None: all that there are, which nobody locks; 0: none. InputError where there are
    fewer; a machine without any is none of that, since a job may compute on its processor.
    """
    names = _names() if number and STARTED_BESIDE not in os.environ else []
    if number == 0:
        names = []
    elif not names:
        yield
        return
    if number is not None and number > len(names):
        raise InputError(
            f"resources: the job asks for gpu={number}, but this machine shows {len(names)}; ask for fewer"
        )
    before = os.environ.get(VISIBLE)
    with ExitStack() as held:
        os.environ[VISIBLE] = ",".join(_taken(names, number or 0, held))
        try:
            yield
        finally:
            os.environ.pop(VISIBLE) if before is None else os.environ.update({VISIBLE: before})


def _taken(names: list[str], number: int, held: ExitStack) -> list[str]:
    """So many of these names, locked until `held` is closed: all at once, so that no two jobs wait for each other."""
    told = False
    while True:
        with one_after_another(_lock("all")):
            free = [(name, descriptor) for name in names if (descriptor := _try(_lock(name))) is not None]
            for _, descriptor in free if len(free) < number else free[number:]:
                os.close(descriptor)
            if len(free) >= number:
                for _, descriptor in free[:number]:
                    held.callback(os.close, descriptor)
                return [name for name, _ in free[:number]]
        if not told:
            text = "waiting for %d free GPUs; of %d here %d are free, other jobs of yours have the rest"
            log.warning(text, number, len(names), len(free), extra=ON_SCREEN)
            told = True
        time.sleep(POLL_SECONDS)


def _try(path: Path) -> int | None:
    """Descriptor of a lock on a file, which ends with it; None where another process has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _lock(name: str) -> Path:
    """File of a lock; a job of SLURM counts GPUs anew from 0, so the same name is another GPU there."""
    place = os.environ.get("SLURM_JOB_ID", "machine")
    return Path(tempfile.gettempdir()) / f"kinema-{os.getuid()}-gpu-{place}-{name.replace('/', '_')}.lock"


def _names() -> list[str]:
    """GPUs that this process may see, as CUDA_VISIBLE_DEVICES calls them."""
    if (visible := os.environ.get(VISIBLE)) is not None:
        return [name for name in visible.split(",") if name.strip()]
    import torch  # seconds, which a job on a processor need not wait for

    # asks the driver's library, and leaves CUDA untouched, which would look at the variable only once
    return [str(number) for number in range(torch.cuda.device_count())]
