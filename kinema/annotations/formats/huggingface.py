"""The `metadata.csv` (also .jsonl, .parquet) beside the videos of a data set of the Hugging Face Hub -> a listing.

Columns: `file_name`, the path of a video below the folder of this file, and `label`, or the one that `field` names; a
label may be the number of a class, whose name `classes` gives. A column `split` or `subset` and a column `group` are
taken where they are there. Of files in several folders, as `train` and `test`, a video is called by its folder, too.
"""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from kinema.annotations.formats.class_names import ClassNames
from kinema.annotations.formats.json_files import an_object, parsed
from kinema.annotations.formats.listing import Listing
from kinema.annotations.formats.media_names import forward, is_rooted
from kinema.annotations.rows import read_lines, read_tables
from kinema.experiment.data_sections import Annotations
from kinema.words import shown

NAME = "file_name"
OPTIONAL = ("split", "subset", "group")


def read_huggingface(file: Path, settings: Annotations, listing: Listing) -> None:
    """Whole videos."""
    label = settings.field or "label"
    classes, folder = ClassNames(settings.classes), _folder(file, settings)
    listing.know(classes.names, unused_too=True)
    columns = (NAME, label, *OPTIONAL)
    is_lines = file.suffix.lower() in (".jsonl", ".ndjson")
    needs_labels = listing.subset != "testing"
    rows = (
        _read_lines(file, columns, needs_labels)
        if is_lines
        else read_tables([file], columns=columns, required=(NAME, label))
    )
    for (_, line), row in zip(rows.index, rows.to_dict("records"), strict=True):
        row = {name: value for name, value in row.items() if not pd.isna(value)}
        place = f"{'line' if is_lines else 'row'} {line}"
        with listing.noting():
            if NAME not in row:
                raise ValueError(f"{place}: no {NAME}")
            name = classes.named(row.get(label), place) if settings.classes else row.get(label)
            subset = row.get("subset") or row.get("split")
            video = forward(row[NAME])
            video = video if is_rooted(video) else folder + video
            listing.add(video, name, place, subset=subset, group=row.get("group"))


def _read_lines(file: Path, columns: tuple[str, ...], needs_labels: bool) -> pd.DataFrame:
    lines = read_lines([file])
    found = [
        an_object(parsed(text, f"{file} line {line}:"), f"{file} line {line}")
        for (_, line), text in zip(lines.index, lines, strict=True)
    ]
    says_subset = any({"split", "subset"} & row.keys() for row in found)
    if found and needs_labels and not says_subset and not any(columns[1] in row for row in found):
        raise ValueError(f"{file}: no {columns[1]}; found {', '.join(found[0])}; `field` (--field) names the labels")
    cells = [
        [_cell(row.get(name), f"{file} line {line}: {name}") for name in columns]
        for (_, line), row in zip(lines.index, found, strict=True)
    ]
    return pd.DataFrame(cells, columns=list(columns), index=lines.index)


def _cell(value: Any, place: str) -> str | None:
    """A value as text; of a list the only one that it holds."""
    if isinstance(value, list) and len(value) == 1:
        (value,) = value
    if isinstance(value, list | dict):
        raise ValueError(f"{place} is {shown(value)}; expected one text or number")
    return None if value is None else str(value)


def _folder(file: Path, settings: Annotations) -> str:
    """In front of the names in a file: where it lies below the folder that all files share."""
    folders = {Path(path).absolute().parent for path in settings.paths}
    below = os.path.relpath(file.absolute().parent, os.path.commonpath(folders))
    return "" if below == os.curdir else f"{Path(below).as_posix()}/"
