"""The one dialect in which every list ends, as a table in memory and as annotation.json.

    {"labels": [...],
     "database": {id: {"subset": "training", "annotations": {"label": ...}}, ...}}

A testing video may lack its label. `group` is there where the list has one, and `extension` (`.mp4`) where it names
the file with one. An entry that is only a part of a file also has `video` (name of the file, without extension),
`start`, `end` and `unit`: [start, end) in seconds, or in frames from 0; null is the file's own beginning or end.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kinema.annotations.rows import TEXT, each_distinct
from kinema.files import atomic_path

SUBSETS = {
    **dict.fromkeys(("training", "train"), "training"),
    **dict.fromkeys(("validation", "validate", "valid", "val"), "validation"),
    **dict.fromkeys(("testing", "test"), "testing"),
}
ORDER = tuple(dict.fromkeys(SUBSETS.values()))
COLUMNS = ("id", "subset", "label", "group", "extension", "video", "start", "end", "unit")
ROWS_AT_ONCE = 50_000
NEEDS_ESCAPE = r'["\\\x00-\x1f]'
_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True)
class Dialect:
    """Labels in the order of their class numbers; one row an entry, with what the list has of `COLUMNS`, as text."""

    labels: list[str]
    entries: pd.DataFrame

    def __post_init__(self) -> None:
        """Leave what only the format knows aside."""
        columns = [name for name in COLUMNS if name in self.entries]
        entries = self.entries[columns].astype(TEXT).reset_index(drop=True)
        assert not entries["id"].duplicated().any()
        object.__setattr__(self, "entries", entries)


def subsets_of(names: pd.Series) -> pd.Series:
    """Training, validation or testing for every name of a subset, missing for any other text."""
    return each_distinct(names, lambda name: SUBSETS.get(name.lower()))


def write_dialect(dialect: Dialect, out: Path) -> None:
    """Write the JSON, one line an entry; made column by column, since a Kinetics-size list takes long otherwise."""
    entries = dialect.entries
    with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(f'{{"labels": {_encode(dialect.labels)},\n"database": {{')
        for start in range(0, len(entries), ROWS_AT_ONCE):
            lines = _lines(entries.iloc[start : start + ROWS_AT_ONCE])
            file.write((",\n" if start else "\n") + ",\n".join(lines.to_numpy(object)))
        file.write("\n}}\n")


def _lines(entries: pd.DataFrame) -> pd.Series:
    """`"id": {...}` of every entry; a missing value makes its whole clause missing, which is then left out."""
    label = ('{"label": ' + _quoted(entries["label"]) + "}").fillna("{}")
    lines = _quoted(entries["id"]) + ': {"subset": ' + _quoted(entries["subset"]) + ', "annotations": ' + label
    if "group" in entries:
        lines += (', "group": ' + _quoted(entries["group"])).fillna("")
    if "extension" in entries and entries["extension"].notna().any():
        lines += (', "extension": "' + entries["extension"] + '"').fillna("")
    if "video" in entries:
        # numbers are kept as the text that JSON has for them
        start, end = (entries[name].fillna("null") for name in ("start", "end"))
        part = ', "video": ' + _quoted(entries["video"]) + ', "start": ' + start + ', "end": ' + end
        lines += (part + ', "unit": ' + _quoted(entries["unit"])).fillna("")
    return lines + "}"


def _quoted(column: pd.Series) -> pd.Series:
    """A text as JSON has it; the few that need escapes are encoded one by one."""
    odd = column.str.contains(NEEDS_ESCAPE).fillna(False).astype(bool)
    quoted = '"' + column + '"'
    return quoted.mask(odd, each_distinct(column.where(odd), _encode)) if odd.any() else quoted
