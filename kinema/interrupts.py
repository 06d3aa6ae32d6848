"""Ctrl-C, as a terminal sends it to Snakemake and to all of its jobs at once."""

import itertools
import signal
import threading
from types import FrameType


def leave_the_second_to_jobs() -> None:
    """Let this Snakemake end by the first Ctrl-C, as it does, and pay no heed to the second.

    By the first it waits until its jobs have ended; a training saves a resume point meanwhile. The second ends these at
    once; Snakemake, broken off in its waiting, would only fail with a traceback. A third one still does that.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # as for what a shell starts in the background
    count = itertools.count(1)

    def interrupted(number: int, frame: FrameType | None) -> None:
        if next(count) != 2:
            signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupted)
