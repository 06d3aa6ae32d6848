"""training.csv -> the curves of a training, with the epoch that was kept, and its numbers as a table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinema.report.chart import Chart, line, short, ticks, x_axis, y_axis

MOST_ROWS = 60
Row = Mapping[str, float]
FIGURES: tuple[tuple[str, dict[str, str]], ...] = (
    ("Loss", {"train_loss": "training"}),
    (
        "Accuracy",
        {
            "val_video_top1": "validation videos",
            "train_clip_top1": "training clips, augmented",
            "val_clip_top1": "validation clips",
        },
    ),
    ("Learning rate", {"lr": "learning rate"}),
    ("Seconds a step", {"step_seconds": "computing", "data_seconds": "waiting for data"}),
)
KINDS = ("first", "second", "third")
HEADS = {"epoch": "epoch", "lr": "learning rate", "seconds": "seconds"} | {
    column: f"{title.lower()}: {name}" for title, names in FIGURES for column, name in names.items() if column != "lr"
}


@dataclass(frozen=True)
class Curves:
    """The figures, what they say in words, and the numbers behind them: heads and rows of a table."""

    charts: tuple[Chart, ...]
    told: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kept_row: int | None


def curves_of(history: Sequence[Row], kept_epoch: int | None) -> Curves | None:
    """The curves of a training, epochs counted from 1; None where nothing was trained.

    `kept_epoch` counts from 0, as training.csv does.
    """
    if not history:
        return None
    charts = [_chart(title, names, history, kept_epoch) for title, names in FIGURES]
    columns = [column for column in HEADS if any(column in row for row in history)]
    stride = -(-len(history) // MOST_ROWS)
    last = len(history) - 1
    shown = [n for n, row in enumerate(history) if n % stride == 0 or n == last or row.get("epoch") == kept_epoch]
    kept = next((place for place, n in enumerate(shown) if history[n].get("epoch") == kept_epoch), None)
    return Curves(
        charts=tuple(chart for chart in charts if chart),
        told=_told(history, kept_epoch),
        heads=tuple(HEADS[column] for column in columns),
        rows=tuple(tuple(_cell(history[n], column) for column in columns) for n in shown),
        kept_row=kept,
    )


def _chart(title: str, names: Mapping[str, str], history: Sequence[Row], kept_epoch: int | None) -> Chart | None:
    values = [row[column] for row in history for column in names if math.isfinite(row.get(column, math.nan))]
    if not values:
        return None
    x = x_axis([row["epoch"] + 1 for row in history])
    y = y_axis(values, from_zero=title in ("Accuracy", "Seconds a step"))
    lines = tuple(
        line(name, kind, [(row["epoch"] + 1, row.get(column)) for row in history], x, y, x_word="epoch")
        for kind, (column, name) in zip(KINDS, names.items(), strict=False)
        if any(math.isfinite(row.get(column, math.nan)) for row in history)
    )
    ends = "; ".join(f"{each.name} {_ends(history, column)}" for each, column in _with_columns(lines, names))
    return Chart(
        title=title,
        told=f"{title} by epoch: {ends}",
        x_title="epoch",
        lines=lines,
        x_ticks=ticks(x, are_whole=True),
        y_ticks=ticks(y),
        mark=None if kept_epoch is None else x.place(kept_epoch + 1),
        mark_text="" if kept_epoch is None else "kept epoch",
    )


def _with_columns(lines: Sequence, names: Mapping[str, str]) -> list[tuple]:
    columns = {name: column for column, name in names.items()}
    return [(each, columns[each.name]) for each in lines]


def _ends(history: Sequence[Row], column: str) -> str:
    known = [row[column] for row in history if column in row]
    return f"from {short(known[0])} to {short(known[-1])}" if len(known) > 1 else short(known[0])


def _told(history: Sequence[Row], kept_epoch: int | None) -> str:
    number = f"{len(history)} epoch{'' if len(history) == 1 else 's'}"
    kept = "" if kept_epoch is None else f"; kept were the weights of epoch {kept_epoch + 1}, the upright line"
    waited, computed = (sum(row.get(name, 0) for row in history) for name in ("data_seconds", "step_seconds"))
    share = f". {waited / (waited + computed):.0%} of the time was waited for data" if computed else ""
    return f"{number}{kept}{share}."


def _cell(row: Row, column: str) -> str:
    if column not in row:
        return ""
    return short(row[column] + 1 if column == "epoch" else row[column])
