"""Pieces of Markdown pages: text that is shown as it is, and tables that can be read in the plain text, too."""

import re
from collections.abc import Sequence


def as_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line; underscores within words need no escape."""
    text = re.sub(r"([\\`*\[\]<>|$~&#])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[bool] | bool = True) -> str:
    """A table whose columns line up in the plain text too; with `numbers` all but the first are set to the right.

    `numbers` may as well say it of every column.
    """
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    right = [numbers and column > 0 for column in range(len(header))] if isinstance(numbers, bool) else list(numbers)

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if last else cell.ljust(width)
            for cell, width, last in zip(cells, widths, right, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (width - last) + ":" * last for width, last in zip(widths, right, strict=True)]
    return "\n".join([line(header), line(rule), *(line(row) for row in rows)])
