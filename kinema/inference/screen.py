"""Rows of an output -> a table on a terminal, or lines of fields between tabs for other programs."""

import contextlib
from collections.abc import Callable, Iterator

from kinema.inference.rows import NONE, Row

Write = Callable[[list[Row]], None]


@contextlib.contextmanager
def lines(*, is_timeline: bool) -> Iterator[Write]:
    """Print each row as it comes: video, [from, to,] probability, class. Of what failed, stderr tells."""

    def write(rows: list[Row]) -> None:
        for row in rows:
            for cells in _cells(row, is_timeline) if row["status"] == "ok" else ():
                print(*cells, sep="\t", flush=True)

    yield write


@contextlib.contextmanager
def table(*, is_timeline: bool) -> Iterator[Write]:
    """Print a table at the end."""
    found: list[Row] = []
    yield found.extend
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    has_times = is_timeline or any(row.get("clip") is not None for row in found)
    first = Column("video", overflow="fold")  # a name that is cut tells nobody which video it is
    shown = Table(first, *(["from", "to"] if has_times else []), "probability", "class")
    for row in found:
        if row["status"] == "failed":
            reason = Text(f"failed: {row['reason']}", style="red")
            shown.add_row(Text(row["video"]), *([""] * (3 if has_times else 1)), reason)
            continue
        for number, (video, *cells) in enumerate(_cells(row, is_timeline)):
            shown.add_row(Text("" if number else video), *map(Text, cells))
    Console().print(shown)


def _cells(row: Row, is_timeline: bool) -> Iterator[tuple[str, ...]]:
    """Lines of a row, each of texts."""
    times = () if row["start"] is None else (f"{row['start']:.2f}", f"{row['end']:.2f}")
    if is_timeline:
        yield row["video"], *times, f"{row['confidence']:.4f}", NONE if row["answer"] is None else row["answer"]
        return
    if row["answer"] is None:
        yield row["video"], *times, f"{row['confidence']:.4f}", f"{NONE} of these: less than {row['threshold']:.4f}"
    for one in row["top"]:
        yield row["video"], *times, f"{one['probability']:.4f}", one["label"]
