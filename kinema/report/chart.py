"""Numbers -> what the templates draw as inline SVG: axes with round ticks, lines, marks; in pixels of 440 x 220."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 440.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 10.0, 36.0  # around the area of the lines
MOST_POINTS = 150  # of a line: more cannot be told apart
LOG_SPAN = 30.0  # an axis whose largest value is so many times its smallest is logarithmic
Point = tuple[float, float | None]  # x, y; without y nothing is known at this x


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what stands there."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """From values to pixels."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """[pixel] Where a value lies."""
        low, high, at = (math.log10(each) if self.is_log else each for each in (self.low, self.high, value))
        return round(self.start + (at - low) / ((high - low) or 1) * (self.end - self.start), 1)


@dataclass(frozen=True)
class Dot:
    """A point of a line, and its words."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line through dots; `kind` is its style: first, second or third."""

    name: str
    kind: str
    dots: tuple[Dot, ...]

    @property
    def path(self) -> str:
        """`d` of its SVG path."""
        return "M" + "L".join(f"{dot.x} {dot.y}" for dot in self.dots) if self.dots else ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What is drawn; `told` says it to those who do not see it. `mark` is the x of a line from top to bottom."""

    title: str
    told: str
    x_title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    mark: float | None = None
    mark_text: str = ""
    ideal: tuple[float, float, float, float] | None = None
    """x1, y1, x2, y2 of a line to compare with."""
    width: float = WIDTH
    height: float = HEIGHT
    left: float = field(default=LEFT)
    right: float = field(default=WIDTH - RIGHT)
    top: float = field(default=TOP)
    bottom: float = field(default=HEIGHT - BOTTOM)


def x_axis(values: Sequence[float]) -> Axis:
    """An axis from the least to the largest of these values."""
    return Axis(min(values), max(values), LEFT, WIDTH - RIGHT)


def y_axis(values: Sequence[float], *, from_zero: bool = False) -> Axis:
    """An axis that ends on round values around these; logarithmic where they span more than LOG_SPAN."""
    low, high = min(values), max(values)
    if not from_zero and low > 0 and high / low > LOG_SPAN:
        return Axis(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high)), HEIGHT - BOTTOM, TOP, True)
    low = min(low, 0.0) if from_zero else low
    step = _step(low, high)
    return Axis(math.floor(low / step) * step, math.ceil(high / step) * step, HEIGHT - BOTTOM, TOP)


def fraction_axis(*, is_x: bool = False) -> Axis:
    """An axis from 0 to 1."""
    return Axis(0, 1, LEFT, WIDTH - RIGHT) if is_x else Axis(0, 1, HEIGHT - BOTTOM, TOP)


def ticks(axis: Axis, *, are_whole: bool = False) -> tuple[Tick, ...]:
    """Round values of an axis; with `are_whole` whole ones alone."""
    if axis.is_log:
        exponents = range(round(math.log10(axis.low)), round(math.log10(axis.high)) + 1)
        chosen = [10.0**exponent for exponent in exponents][:: max(1, len(exponents) // 5)]
    else:
        step = math.ceil(_step(axis.low, axis.high)) if are_whole else _step(axis.low, axis.high)
        first, last = math.ceil(axis.low / step - 1e-9), math.floor(axis.high / step + 1e-9)
        chosen = [number * step for number in range(first, last + 1)]
        if are_whole:
            chosen = sorted({axis.low, *(value for value in chosen if value - axis.low >= step / 2)})
    return tuple(Tick(axis.place(value), short(value)) for value in chosen)


def line(name: str, kind: str, points: Sequence[Point], x: Axis, y: Axis, *, x_word: str) -> Line:
    """A line through the points that are known, thinned to MOST_POINTS."""
    known = [(at, value) for at, value in points if value is not None and math.isfinite(value)]
    stride = max(1, math.ceil(len(known) / MOST_POINTS))
    kept = [*known[::stride], *(known[-1:] if known and (len(known) - 1) % stride else [])]
    dots = (Dot(x.place(at), y.place(value), f"{x_word} {short(at)}: {short(value)}") for at, value in kept)
    return Line(name, kind, tuple(dots))


def short(value: float) -> str:
    """Three digits that count."""
    if not math.isfinite(value):
        return str(value)
    if value and (abs(value) < 1e-3 or abs(value) >= 1e5):
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{float(f'{value:.3g}'):g}"


def _step(low: float, high: float) -> float:
    """A round distance of which four or five fit between two values."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power * 4.5 >= span)
