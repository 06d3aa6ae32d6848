"""The rows of the leaderboard -> one HTML page that needs no network: kinema/report/templates/leaderboard.html."""

from collections.abc import Sequence
from typing import Any

from kinema.leaderboard.columns import INTERVAL, OTHERS, RANKED, Column, filled, made_columns
from kinema.leaderboard.rows import Row, differing_versions
from kinema.leaderboard.told import notes, outdated_line, verdict
from kinema.report.template import render

TEMPLATE = "leaderboard.html"


def as_page(dataset: str, rows: Sequence[Row], *, outdated: str | None) -> str:
    """The page; what comes from names and records is text in it, whatever it holds."""
    ranked, others = [row for row in rows if row.rank], [row for row in rows if not row.rank]
    made = made_columns(differing_versions(rows))
    tables = [
        _table("Ranking", RANKED, ranked, _axis(rows)),
        _table("Without a rank", OTHERS, others, _axis(rows)),
        _table("What each was made with", made, rows if len(filled(made, rows)) > 1 else [], _axis(rows)),
    ]
    shown = [found for found in tables if found["rows"]]
    return render(
        TEMPLATE,
        dataset=dataset,
        verdict=verdict(rows),
        outdated=list(outdated_line(dataset, outdated)),
        notes=list(notes(rows)),
        tables=shown,
        sections=[(f"section{number}", found["title"]) for number, found in enumerate(shown, start=1)],
    )


def _table(title: str, columns: Sequence[Column], rows: Sequence[Row], axis: tuple[float, float]) -> dict[str, Any]:
    """What the template reads of a table."""
    shown = filled(columns, rows)
    return {
        "title": title,
        "columns": shown,
        "rows": [
            [
                {
                    "text": (found := column.cell(row)).text,
                    "value": "" if found.value is None else found.value,
                    "is_number": column.is_number,
                    "bar": _bar(row, axis) if column is INTERVAL else None,
                }
                for column in shown
            ]
            for row in rows
        ],
    }


def _axis(rows: Sequence[Row]) -> tuple[float, float]:
    """Ends of the axis on which the intervals are drawn."""
    intervals = [row.score.interval for row in rows if row.score]
    return min((each.low for each in intervals), default=0.0), max((each.high for each in intervals), default=1.0)


def _bar(row: Row, axis: tuple[float, float]) -> dict[str, float] | None:
    """[percent of the axis] Where the interval of an accuracy begins and ends, and where the accuracy lies."""
    if row.score is None:
        return None
    low, high = axis
    ends = {"low": row.score.interval.low, "high": row.score.interval.high, "accuracy": row.score.accuracy}
    return {name: round(100 * (end - low) / ((high - low) or 1), 2) for name, end in ends.items()}
