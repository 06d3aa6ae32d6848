"""Numbers of videos -> bars with a label each: what a page holds is these, never the numbers themselves."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_BARS = 12
STEPS = (1, 2, 5)  # times a power of ten: the widths of bins


@dataclass(frozen=True)
class Part:
    """A stretch of a bar that begins at `start`, both in percent of the longest bar; `kind` is its colour."""

    kind: str
    start: float
    percent: float


@dataclass(frozen=True)
class Bar:
    """A number with its label; `parts` lie side by side and are as long together."""

    label: str
    number: int
    parts: list[Part]


def plain_bars(counts: Sequence[tuple[str, int]]) -> list[Bar]:
    """Bars of one colour."""
    return stacked_bars([(label, {"plain": number}) for label, number in counts])


def stacked_bars(rows: Sequence[tuple[str, dict[str, int]]]) -> list[Bar]:
    """Bars of the numbers of several kinds, in their order."""
    longest = max((sum(numbers.values()) for _, numbers in rows), default=0) or 1
    bars = []
    for label, numbers in rows:
        parts, start = [], 0
        for kind, number in numbers.items():
            if number:
                parts.append(Part(kind, round(100 * start / longest, 2), round(100 * number / longest, 2)))
            start += number
        bars.append(Bar(label, start, parts))
    return bars


def binned(values: np.ndarray) -> list[tuple[str, int]]:
    """How many of the values, (N,) and not below 0, lie in bins of one round width; the last bin may be open.

    Bins reach over 98 of 100 values and are at most `MOST_BARS`; a label is `2 to 4`, its end excluded.
    """
    if not len(values):
        return []
    low, high = float(values.min()), float(np.quantile(values, 0.98))
    width = _round_width((high - low) / (MOST_BARS - 2))
    first = math.floor(low / width)
    number = min(MOST_BARS, math.floor(high / width) - first + 1)
    places = np.minimum(np.floor(values / width).astype(np.int64) - first, number)
    counts = np.bincount(places, minlength=number + 1).tolist()
    decimals = max(0, -math.floor(math.log10(width) + 1e-9))
    edges = [f"{(first + place) * width:,.{decimals}f}" for place in range(number + 1)]
    found = [(f"{low} to {high}", count) for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    return [*found, *([(f"{edges[-1]} and more", counts[number])] if counts[number] else [])]


def most_common(values: Sequence[str], *, number: int = 8) -> list[tuple[str, int]]:
    """How often each value is there, the most common first; what is rarer is counted together."""
    counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    rest = counts[number:]
    return [*counts[:number], *([(f"{len(rest):,} others", sum(count for _, count in rest))] if rest else [])]


def _round_width(wanted: float) -> float:
    """The least of `STEPS` times a power of ten that is not below what is wanted; of nothing a tenth."""
    if wanted <= 0:
        return 0.1
    power = 10.0 ** math.floor(math.log10(wanted))
    return next((step * power for step in STEPS if step * power >= wanted), 10 * power)
