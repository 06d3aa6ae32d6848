"""Pictures from a thread that decodes to the one that uses them: a queue of few, so that memory is bounded."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Arrival:
    """A decoded picture: `seconds` since the first of its source, and when it `arrived` (`time.monotonic`)."""

    seconds: float
    picture: Any
    arrived: float


class Arrivals:
    """At most `most` pictures. Where it is full, whoever brings one waits; with `drops` the oldest one makes way."""

    def __init__(self, most: int, *, drops: bool):
        self._most, self._drops = most, drops
        self._waiting: deque[Arrival] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._error: Exception | None = None
        self.num_dropped = 0

    @property
    def is_over(self) -> bool:
        """Nothing is there and nothing will come; the error by which the source ended is raised."""
        with self._changed:
            if self._waiting or not self._is_closed:
                return False
            if self._error:
                raise self._error
            return True

    def put(self, seconds: float, picture: Any) -> bool:
        """The next picture; False where nobody wants any more."""
        with self._changed:
            while not self._drops and len(self._waiting) >= self._most and not self._is_closed:
                self._changed.wait()
            if self._is_closed:
                return False
            if len(self._waiting) >= self._most:
                self._waiting.popleft()
                self.num_dropped += 1
            self._waiting.append(Arrival(seconds, picture, time.monotonic()))
            self._changed.notify_all()
            return True

    def get(self, timeout_seconds: float) -> Arrival | None:
        """The oldest one; None where there is none within the time, or after `wake`."""
        with self._changed:
            if not self._waiting and not self._is_closed:
                self._changed.wait(timeout_seconds)
            if not self._waiting:
                return None
            self._changed.notify_all()
            return self._waiting.popleft()

    def wake(self) -> None:
        """Let `get` return: something else is to be done."""
        with self._changed:
            self._changed.notify_all()

    def close(self, error: Exception | None = None) -> None:
        """Nothing comes any more, or is wanted; what is there stays."""
        with self._changed:
            self._error = self._error or error
            self._is_closed = True
            self._changed.notify_all()
