"""Tries a request again where its failure may pass, each time after twice the time."""

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from kinema.media.failures import StoppedError
from kinema.media.remote.errors import StoreError

T = TypeVar("T")
TRIES = 5  # in a row without any progress
FIRST_WAIT_SECONDS = 1.0


def retried(attempt: Callable[[], T], *, stop: threading.Event | None = None, progress: Callable[[], int] = int) -> T:
    """What `attempt` returns; it is called again after a StoreError that may pass, the last of which is raised.

    `progress` is a number that grows where an attempt came further than any before it, though it failed: the count of
    tries begins anew then. Raises StoppedError once `stop` is set.
    """
    tries, furthest = 0, progress()
    while True:
        try:
            return attempt()
        except StoreError as error:
            if error.kind != "passing":
                raise
            tries = 1 if progress() > furthest else tries + 1
            furthest = max(furthest, progress())
            if tries == TRIES:
                raise StoreError("passing", f"{error}, {TRIES} times in a row") from None
        _wait(FIRST_WAIT_SECONDS * 2 ** (tries - 1) * random.uniform(0.5, 1.5), stop)


def _wait(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise StoppedError
