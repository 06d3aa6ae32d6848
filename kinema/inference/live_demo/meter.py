"""How fast it goes: frames a second, and how long after its arrival a frame has its label."""

import statistics
import time
from collections import deque

RECENT_SECONDS = 2.0
MOST = 10_000  # frames of which the lag is kept


class Meter:
    """Counts frames that are done."""

    def __init__(self) -> None:
        self.num_frames = 0
        self._started_at = self._last = time.monotonic()
        self._recent: deque[float] = deque()
        self._lags: deque[float] = deque(maxlen=MOST)

    def add(self, arrived: float) -> None:
        """A frame that arrived then, by `time.monotonic`, is done."""
        self._last = time.monotonic()
        self.num_frames += 1
        self._lags.append(self._last - arrived)
        self._recent.append(self._last)
        while self._recent[0] < self._last - RECENT_SECONDS:
            self._recent.popleft()

    @property
    def fps(self) -> float:
        """Frames a second of late."""
        span = self._last - self._recent[0] if self._recent else 0
        return (len(self._recent) - 1) / span if span > 0 else 0.0

    @property
    def mean_fps(self) -> float:
        """Frames a second of all."""
        span = self._last - self._started_at
        return self.num_frames / span if span > 0 else 0.0

    @property
    def lag(self) -> float:
        """Milliseconds from arrival to label, of late."""
        return 1000 * statistics.median(list(self._lags)[-25:]) if self._lags else 0.0

    @property
    def lags(self) -> tuple[float, float]:
        """Milliseconds: the median, and what 95 % are below."""
        ordered = sorted(self._lags)
        if not ordered:
            return 0.0, 0.0
        return 1000 * ordered[len(ordered) // 2], 1000 * ordered[int(0.95 * (len(ordered) - 1))]
