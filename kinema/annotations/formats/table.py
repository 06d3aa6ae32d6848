"""The user's own CSV, TSV or Parquet table -> the dialect.

Columns: `video` (file name or path below the video folder, with or without extension), `label`, `subset`, optional
`group` (videos of one group belong in one subset: a person, a scene), optional `start` and `end` (only this part of the
file). Labels are numbered in alphabetical order, so the order of rows never changes a class. An id is the name without
extension, but for files that differ in nothing else: these keep it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kinema.annotations.dialect import Dialect, subsets_of
from kinema.annotations.rows import EXTENSION, TEXT, Problems, each_distinct, read_tables, repeats
from kinema.annotations.segments import with_segments
from kinema.experiment.data_sections import Annotations

REQUIRED = ("video", "label", "subset")
OPTIONAL = ("group", "start", "end")
# as pandas and spreadsheets write a time: `0 days 00:00:01.5`, `00:00:01.5`
CLOCK = re.compile(r"(?:(\d+) days?,? )?(\d+):([0-5]\d):([0-5]\d(?:\.\d*)?)")


def read_table(files: Sequence[Path], settings: Annotations) -> Dialect:
    """Entries of one or more tables, sorted by id; ValueError lists the first ten bad rows."""
    columns = REQUIRED + OPTIONAL
    rows = read_tables(files, columns=columns, required=REQUIRED, numbers=("start", "end"), unit=settings.unit)
    if rows.empty:
        raise ValueError(f"{', '.join(map(str, files))}: no rows below the header; expected one row a video")
    rows = without_extension(rows)
    numbers = {name: _finite(rows[name], settings.unit) for name in ("start", "end")}
    parts = with_segments(rows.assign(**numbers, unit=settings.unit))
    parts["subset"] = subsets_of(rows["subset"])
    _check(rows, parts, numbers, settings.unit)
    return Dialect(sorted(rows["label"].dropna().unique()), parts.sort_values("id"))


def without_extension(rows: pd.DataFrame) -> pd.DataFrame:
    """`video` without the extension that it has and `extension`; where files differ in the extension only, one name."""
    found = pc.extract_regex(pa.array(rows["video"], pa.string()), rf"(?P<extension>{EXTENSION})$")
    extension = pd.Series(pc.struct_field(found, 0), index=rows.index, dtype=TEXT)
    video = rows["video"].str.replace(rf"{EXTENSION}$", "", regex=True)
    lower = extension.str.lower()
    if lower.nunique() > 1:
        pairs = pd.DataFrame({"video": video, "extension": lower}).dropna().drop_duplicates()
        clash = video.isin(pairs["video"][pairs["video"].duplicated()]) & extension.notna()
        video, extension = video.mask(clash, rows["video"]), extension.mask(clash)
    return rows.assign(video=video, extension=extension)


def _finite(column: pd.Series, unit: str) -> pd.Series:
    """Numbers of a column of text; missing where there is none. Seconds may be written as hours, minutes, seconds."""
    numbers = pd.to_numeric(column, errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)
    others = column.where(numbers.isna())
    if unit == "seconds" and others.notna().any():
        numbers = numbers.fillna(pd.to_numeric(each_distinct(others, _clock)).astype("float64"))
    return numbers


def _clock(text: str) -> str | None:
    """Seconds of a time such as `00:01:30.5`, none of any other text."""
    found = CLOCK.fullmatch(text)
    if not found:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return str(86400 * days + 3600 * hours + 60 * minutes + seconds)


def _check(rows: pd.DataFrame, parts: pd.DataFrame, numbers: dict[str, pd.Series], unit: str) -> None:
    ids, subset = parts["id"], parts["subset"]
    twice = repeats(rows, ids.where(rows["video"].fillna("") != ""))
    problems = Problems(rows.assign(start=rows["start"].fillna("0"), twice=twice))
    problems.report(rows["video"].fillna("") == "", "no video name")
    problems.report(twice.notna(), _listed_twice(numbers))
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
    return f"video '{{video}}' is listed twice{' with the same start and end' if ranged else ''}, {{twice}}; keep one"
