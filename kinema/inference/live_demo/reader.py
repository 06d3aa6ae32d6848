"""The thread that decodes."""

import threading
import time

from kinema.inference.live_demo.arrivals import Arrivals
from kinema.inference.live_demo.source import Source


def read_into(
    source: Source, arrivals: Arrivals, *, stop: threading.Event, most_seconds: float | None, is_paced: bool
) -> None:
    """Put the pictures of a source into a queue and close it; an error is raised where they are taken."""
    try:
        _read(source, arrivals, stop=stop, most_seconds=most_seconds, is_paced=is_paced or source.is_paced)
    except Exception as error:
        arrivals.close(error)
    finally:
        arrivals.close()


def _read(
    source: Source, arrivals: Arrivals, *, stop: threading.Event, most_seconds: float | None, is_paced: bool
) -> None:
    start = time.monotonic()
    for seconds, picture in source.video.pictures():
        if stop.is_set() or (most_seconds is not None and seconds >= most_seconds):
            return
        if is_paced:
            ahead = start + seconds - time.monotonic()
            if ahead > 0:
                stop.wait(ahead)
            else:
                start -= ahead  # it fell behind: what follows keeps its distance, and is not hurried after
        if not arrivals.put(seconds, picture):
            return
