"""Things to run -> seconds that each took, in turns, so that what else the machine does falls on all of them alike."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kinema.records.benchmark import Quantiles

MIN_ROUNDS = 5
TURN_SECONDS = 0.1  # what is faster is run again and again in its turn
MOST_PASSES = 20  # in a turn
PAUSE_SECONDS = 0.1  # before a turn: threads of OpenMP that wait for work are busy for so long

Run = Callable[[], object]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Rounds:
    """Seconds of the passes (R, P) of each thing, P passes in its turn of each of R rounds."""

    seconds: Sequence[np.ndarray]

    @property
    def num_rounds(self) -> int:
        """How many there were."""
        return len(self.seconds[0])

    def split(self, counts: Sequence[int]) -> list["Rounds"]:
        """Those of the first so many things, of the next ones, and so on."""
        ends = np.cumsum(counts)
        return [Rounds(self.seconds[end - count : end]) for end, count in zip(ends, counts, strict=True)]

    def quantiles(self, which: int) -> Quantiles:
        """[seconds] Of all passes."""
        return quantiles(self.seconds[which])

    def ratios(self, slow: int, fast: int) -> np.ndarray:
        """(R,) How many passes of `fast` one of `slow` takes, round by round, of the medians of their turns."""
        one, other = (np.median(self.seconds[which], axis=1) for which in (slow, fast))
        return one / other


def quantiles(values: np.ndarray) -> Quantiles:
    """Median, 10th and 90th percentile."""
    low, median, high = (float(value) for value in np.percentile(values, (10, 50, 90)))
    return Quantiles(median=median, low=low, high=high)


def in_rounds(
    runs: Sequence[Run],
    *,
    seconds: float,
    clock: Clock = time.perf_counter,
    pause: Callable[[float], None] = time.sleep,
) -> Rounds:
    """Run all in turns for so many seconds, and `MIN_ROUNDS` rounds at least; then every other round backwards.

    Each is run twice before: what is done once is not measured, nor is the first pass of a turn of several, which finds
    the processor's cache as another left it.
    """
    passes = [_passes(run, clock) for run in runs]
    found: list[list[list[float]]] = [[] for _ in runs]
    until = clock() + seconds
    for order in _orders(len(runs)):
        for which in order:
            pause(PAUSE_SECONDS)
            found[which].append(_turn(runs[which], passes[which], clock))
        if len(found[0]) >= MIN_ROUNDS and clock() >= until:
            break
    return Rounds([np.array(of_one) for of_one in found])


def _orders(count: int) -> Iterator[Sequence[int]]:
    """Forwards and backwards, so that none always follows the same one."""
    while True:
        yield range(count)
        yield range(count - 1, -1, -1)


def _passes(run: Run, clock: Clock) -> int:
    """How many there are in a turn."""
    run()
    took = _timed(run, clock)
    return max(1, min(MOST_PASSES, round(TURN_SECONDS / took))) if took > 0 else MOST_PASSES


def _turn(run: Run, passes: int, clock: Clock) -> list[float]:
    if passes > 1:
        run()
    return [_timed(run, clock) for _ in range(passes)]


def _timed(run: Run, clock: Clock) -> float:
    started_at = clock()
    run()
    return clock() - started_at
