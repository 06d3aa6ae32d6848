"""The user's own CSV, TSV or Parquet table -> the dialect.

Columns: `video` (file name without extension, or a path below the video folder), `label`, `subset`, optional `group`
(videos of one group belong in one subset: a person, a scene), optional `start` and `end` (only this part of the file).
Labels are numbered in alphabetical order, so the order of rows never changes a class.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kinema.annotations.dialect import Dialect, subsets_of
from kinema.annotations.rows import EXTENSION, Problems, read_tables
from kinema.annotations.segments import with_segments
from kinema.config import Annotations

REQUIRED = ("video", "label", "subset")
OPTIONAL = ("group", "start", "end")


def read_table(files: Sequence[Path], settings: Annotations) -> Dialect:
    """Entries of one or more tables, sorted by id; ValueError lists the first ten bad rows."""
    rows = read_tables(files, columns=REQUIRED + OPTIONAL, required=REQUIRED)
    if rows.empty:
        raise ValueError(f"{', '.join(map(str, files))}: no rows below the header; expected one row a video")
    rows["video"] = rows["video"].str.replace(rf"{EXTENSION}$", "", regex=True)
    numbers = {name: _finite(rows[name]) for name in ("start", "end")}
    parts = with_segments(rows.assign(**numbers, unit=settings.unit))
    parts["subset"] = subsets_of(rows["subset"])
    _check(rows, parts, numbers, settings.unit)
    return Dialect(sorted(rows["label"].dropna().unique()), parts.sort_values("id"))


def _finite(column: pd.Series) -> pd.Series:
    """Numbers of a column of text; missing where there is none."""
    return pd.to_numeric(column, errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)


def _check(rows: pd.DataFrame, parts: pd.DataFrame, numbers: dict[str, pd.Series], unit: str) -> None:
    problems = Problems(rows.assign(start=rows["start"].fillna("0")))
    ids, subset = parts["id"], parts["subset"]
    problems.report(rows["video"].fillna("") == "", "no video name")
    problems.report(ids.duplicated() & (rows["video"].fillna("") != ""), _listed_twice(numbers))
    problems.report(subset.isna(), "subset '{subset}'; expected training, validation or testing (or train, val, test)")
    unlabelled = rows["label"].isna() & (subset != "testing")
    problems.report(unlabelled, "video '{video}' has no label; only testing rows may lack one")
    for name, number in numbers.items():
        wrong = rows[name].notna() & ~(number >= 0)
        problems.report(wrong, f"{name} '{{{name}}}' is no number of {unit} (video '{{video}}')")
        if unit == "frames":
            problems.report(number % 1 > 0, f"{name} '{{{name}}}' is no whole frame (video '{{video}}')")
    start = numbers["start"].fillna(0)
    text = "end {end} <= start {start} (video '{video}'); intervals are [start, end). Fix the row or drop it."
    problems.report(numbers["end"].round(6) <= start.round(6), text)
    problems.check()


def _listed_twice(numbers: dict[str, pd.Series]) -> str:
    ranged = any(number.notna().any() for number in numbers.values())
    return "video '{video}' is listed twice" + (" with the same start and end" if ranged else "") + "; keep one row"
