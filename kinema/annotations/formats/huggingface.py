"""The `metadata.csv` (also .jsonl, .parquet) beside the videos of a data set of the Hugging Face Hub -> a listing.

Columns: `file_name`, the path of a video below the folder of this file, and `label`, or the one that `field` names; a
label may be the number of a class, whose name `classes` gives. A column `split` or `subset` and a column `group` are
taken where they are there.
"""

from pathlib import Path

import pandas as pd

from kinema.annotations.formats.class_names import read_class_names
from kinema.annotations.formats.json_files import an_object, parsed
from kinema.annotations.formats.listing import Listing
from kinema.annotations.rows import read_lines, read_tables
from kinema.experiment.data_sections import Annotations

NAME = "file_name"
OPTIONAL = ("split", "subset", "group")


def read_huggingface(file: Path, settings: Annotations, listing: Listing) -> None:
    """Whole videos."""
    label = settings.field or "label"
    classes = read_class_names(Path(settings.classes)) if settings.classes else []
    listing.know(classes, unused_too=True)
    columns = (NAME, label, *OPTIONAL)
    is_lines = file.suffix.lower() in (".jsonl", ".ndjson")
    rows = _read_lines(file, columns) if is_lines else read_tables([file], columns=columns, required=(NAME, label))
    for (_, line), row in zip(rows.index, rows.to_dict("records"), strict=True):
        row = {name: value for name, value in row.items() if not pd.isna(value)}
        place = f"{'line' if is_lines else 'row'} {line}"
        with listing.noting():
            if NAME not in row:
                raise ValueError(f"{place}: no {NAME}")
            name = _class(row.get(label), classes, settings, place)
            subset = row.get("subset") or row.get("split")
            listing.add(row[NAME], name, place, subset=subset, group=row.get("group"))


def _read_lines(file: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    lines = read_lines([file])
    found = [
        an_object(parsed(text, f"{file} line {line}:"), f"{file} line {line}")
        for (_, line), text in zip(lines.index, lines, strict=True)
    ]
    cells = [[None if (cell := row.get(name)) is None else str(cell) for name in columns] for row in found]
    return pd.DataFrame(cells, columns=list(columns), index=lines.index)


def _class(label: str | None, classes: list[str], settings: Annotations, place: str) -> str | None:
    if label is None or not classes or not label.isdecimal():
        return label
    if int(label) >= len(classes):
        raise ValueError(f"{place}: class {label}; {settings.classes} has {len(classes)}, the first being 0")
    return classes[int(label)]
