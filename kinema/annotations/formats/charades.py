"""Charades' lists, `Charades_v1_train.csv` and `_test.csv` -> a listing.

Column `actions` has the actions of a video: `c092 11.90 21.20;c147 0.00 12.60`, class, begin and end in seconds. The
column `subject`, a person, is the group. `classes` (`Charades_v1_classes.txt`) gives the names of the classes. Actions
overlap, and a part that has two labels is left out.
"""

import re
from pathlib import Path

import pandas as pd

from kinema.annotations.formats.listing import Listing
from kinema.annotations.rows import read_lines, read_tables
from kinema.experiment.data_sections import Annotations

ACTION = re.compile(r"(?P<code>\S+)\s+(?P<start>\d+(?:\.\d*)?)\s+(?P<end>\d+(?:\.\d*)?)")


def read_charades(file: Path, settings: Annotations, listing: Listing) -> None:
    """Parts of the videos."""
    names = _class_names(Path(settings.classes)) if settings.classes else {}
    listing.know(list(names.values()))
    rows = read_tables([file], columns=("id", "actions", "subject"), required=("id", "actions"))
    for (_, line), row in zip(rows.index, rows.to_dict("records"), strict=True):
        with listing.noting():
            _add(row, f"row {line}", names, settings, listing)


def _add(row: dict, place: str, names: dict[str, str], settings: Annotations, listing: Listing) -> None:
    if pd.isna(row["id"]):
        raise ValueError(f"{place}: no id")
    group = None if pd.isna(row["subject"]) else row["subject"]
    if pd.isna(row["actions"]):
        listing.add(row["id"], None, place, group=group)
        return
    for text in filter(None, map(str.strip, row["actions"].split(";"))):
        action = ACTION.fullmatch(text)
        if not action:
            raise ValueError(f"{place}: action {text!r}; expected class, begin and end, such as `c092 11.90 21.20`")
        if names and action["code"] not in names:
            raise ValueError(f"{place}: class {action['code']} is not in {settings.classes}")
        start, end = float(action["start"]), float(action["end"])
        if end <= start:
            listing.leave_out("actions end before they begin, or at once, and are left out", f"{listing.file} {place}")
            continue
        listing.add(row["id"], names.get(action["code"], action["code"]), place, start=start, end=end, group=group)


def _class_names(file: Path) -> dict[str, str]:
    """`c000 Holding some clothes`, a line each."""
    lines = [line.partition(" ") for line in read_lines([file])]
    if not lines or not all(name.strip() for _, _, name in lines):
        raise ValueError(f"{file}: expected `<class> <name>` on each line, such as `c000 Holding some clothes`")
    return {code: name.strip() for code, _, name in lines}
