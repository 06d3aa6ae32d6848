"""A benchmark -> tables on a terminal, and what they say, in sentences."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from kinema.inference.benchmark.machine import busy_line
from kinema.records.benchmark import Benchmark, MeasuredModel, Measurement, Quantiles

MIN_WIDTH = 110  # where the output is no terminal
RANGE = "10 to 90 %"


def show(found: Benchmark) -> None:
    """Print all of it."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, MIN_WIDTH))
    for model in found.models:
        console.print(Text(f"{model.path}: {model.model}, {model.input}", style="bold"))
        console.print(_table(model))
        if model.videos:
            console.print(_video_table(model, found.video or ""))
        for advice in model.advice:
            console.print(Text(f"Here: {advice.text}."))
        console.print()
    for line in [*found.left_out, *_of_machine(found)]:
        console.print(Text(f"{line}."))


def _table(model: MeasuredModel) -> Table:
    table = _empty("file", "runs in", "a pass", numbers=("ms", RANGE, "answers/s", "speed", RANGE))
    for one in model.measurements:
        speed = f"{one.speed.median:.2f}", f"{one.speed.low:.2f} to {one.speed.high:.2f}"
        cells = one.file, _runs_in(one), _pass(one), *_ms(one.seconds), number(one.answers_per_second), *speed
        table.add_row(*map(Text, cells))
    return table


def _video_table(model: MeasuredModel, video: str) -> Table:
    steps = ("decode", "preprocess", "network", "all", RANGE)
    table = _empty(f"ms from {Path(video).name} to its answer", "clips", numbers=steps)
    for way in model.videos:
        each = (_ms(step)[0] for step in (way.decode, way.preprocess, way.network))
        table.add_row(*map(Text, (f"{way.file}, {way.precision}", str(way.num_clips), *each, *_ms(way.total))))
    return table


def _empty(*texts: str, numbers: Sequence[str]) -> Table:
    table = Table(*(Column(title, no_wrap=True) for title in texts))
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _pass(one: Measurement) -> str:
    if one.is_stream:
        return "a new frame"
    return "a clip" if one.batch == 1 else f"{one.batch} clips"


def _runs_in(one: Measurement) -> str:
    return f"{one.runtime}, {one.precision}" + ("" if one.is_default else " forced")


def _ms(found: Quantiles) -> tuple[str, str]:
    median, low, high = (number(1000 * value) for value in (found.median, found.low, found.high))
    return median, f"{low} to {high}"


def number(value: float) -> str:
    """Three digits, or more where it is large."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _of_machine(found: Benchmark) -> Iterator[str]:
    machine = found.machine
    flags = f" ({' '.join(machine.flags)})" if machine.flags else ""
    threads = f", {machine.threads} threads" if machine.threads else ""
    yield f"Measured on {machine.cpu}{flags}, {machine.num_cores} cores{threads}, {found.num_rounds} rounds in turn"
    yield ", ".join(f"{name} {version}" for name, version in found.versions.items())
    if busy := busy_line(machine):
        yield busy
