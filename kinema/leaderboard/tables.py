"""The rows of the leaderboard -> Markdown for a reader, and CSV with every number for a program."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from kinema.leaderboard.columns import OTHERS, RANKED, Column, filled, made_columns
from kinema.leaderboard.rows import Row, differing_versions
from kinema.leaderboard.told import notes, outdated_line, verdict
from kinema.markdown import as_text, table

CSV_COLUMNS = (
    *("rank", "model", "accuracy", "accuracy_low", "accuracy_high", "coverage", "num_videos", "subset"),
    "views",
    *("is_chosen_on_these", "difference_to_best", "only_best_right", "only_this_right", "mcnemar_p"),
    *("parameters", "gmacs", "exported_bytes", "clip_seconds", "measured_on", "training_seconds"),
    *("commit", "training_data", "versions_that_differ"),
    "why_not_ranked",
)


def as_csv(rows: Sequence[Row]) -> str:
    """A line a model; fractions are between 0 and 1, and what is not known is empty."""
    versions = differing_versions(rows)
    file = io.StringIO()
    writer = csv.DictWriter(file, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_values(row, versions.get(row.name)) for row in rows)
    return file.getvalue()


def as_markdown(dataset: str, rows: Sequence[Row], *, outdated: str | None) -> str:
    """The verdict, the ranking, what is not comparable, and what each model was made with."""
    ranked, others = [row for row in rows if row.rank], [row for row in rows if not row.rank]
    told = [*verdict(rows), *outdated_line(dataset, outdated)]
    parts = [f"# Leaderboard of {as_text(dataset)}", "\n".join(map(as_text, told))]
    if ranked:
        parts += [_table(RANKED, ranked), *map(as_text, notes(rows))]
    if others:
        parts += ["## Without a rank", _table(OTHERS, others)]
    columns = made_columns(differing_versions(rows))
    if len(filled(columns, rows)) > 1:
        parts += ["## What each was made with", _table(columns, rows)]
    return "\n\n".join(parts) + "\n"


def _table(columns: Sequence[Column], rows: Sequence[Row]) -> str:
    shown = filled(columns, rows)
    cells = [[as_text(column.cell(row).text) for column in shown] for row in rows]
    return table([column.title for column in shown], cells, numbers=[column.is_number for column in shown])


def _values(row: Row, versions: str | None) -> dict[str, Any]:
    values: dict[str, Any] = {"rank": row.rank, "model": row.name, "why_not_ranked": row.reason}
    if score := row.score:
        values |= {"accuracy": score.accuracy, "coverage": score.coverage, "num_videos": score.num_videos}
        values |= {"accuracy_low": score.interval.low, "accuracy_high": score.interval.high}
        values |= {"subset": score.subset, "views": score.views}
        values["is_chosen_on_these"] = "yes" if score.is_chosen_here else "no"
    if paired := row.against_best:
        values |= {"difference_to_best": paired.difference, "mcnemar_p": paired.p}
        values |= {"only_best_right": paired.only_best, "only_this_right": paired.only_this}
    made = {"commit": row.made.commit, "training_data": row.made.data, "versions_that_differ": versions}
    return values | vars(row.cost) | made
