"""Plain lists of mmaction2, SlowFast and PaddleVideo -> a listing.

    path label              path,label              path num_frames label

A line is a video, or a folder of pictures. A label is the number of a class, whose name `classes` gives, or a name. The
number of frames is left aside: it is measured.
"""

from pathlib import Path

import pandas as pd

from kinema.annotations.formats.class_names import read_class_names
from kinema.annotations.formats.listing import Listing
from kinema.annotations.rows import EXTENSION, LONGEST, read_lines
from kinema.experiment.data_sections import Annotations

# the first that fits
PATTERNS = (
    rf"^(?P<video>[^,]+{EXTENSION}),\s*(?P<label>[^,]+)$",
    r"^(?P<video>[^,]+),\s*(?P<label>[0-9]+)$",
    rf"^(?P<video>.+{EXTENSION})\s+(?P<label>\S.*)$",
    r"^(?P<video>\S.*?)\s+[0-9]+\s+(?P<label>[0-9]+)$",
    r"^(?P<video>\S+)\s+(?P<label>\S+)$",
    rf"^(?P<video>.+{EXTENSION})$",
)


def read_mmaction2(file: Path, settings: Annotations, listing: Listing) -> None:
    """Whole videos."""
    classes = read_class_names(Path(settings.classes)) if settings.classes else []
    listing.know(classes, unused_too=True)
    lines = read_lines([file])
    rows = split_lines(lines)
    if not classes:
        numbers = sorted({int(label) for label in rows["label"].dropna().unique() if label.isdecimal()})
        listing.know([str(number) for number in numbers])
    for (_, line), text, video, label in zip(rows.index, lines, rows["video"], rows["label"], strict=True):
        with listing.noting():
            place = f"line {line}"
            if pd.isna(video):
                expected = "expected `path label`, `path,label` or `path num_frames label`"
                raise ValueError(f"{place}: {expected}; the line is {text[:LONGEST]!r}")
            listing.add(video.strip(), _named(label, classes, settings, place), place)


def split_lines(lines: pd.Series) -> pd.DataFrame:
    """`video` and `label` of every line, both missing where it has not the form of one."""
    rows = pd.DataFrame({"video": pd.NA, "label": pd.NA}, index=lines.index, dtype="string")
    for pattern in PATTERNS:
        found = lines.where(rows["video"].isna()).str.extract(pattern)
        rows["video"] = rows["video"].fillna(found["video"])
        if "label" in found:
            rows["label"] = rows["label"].fillna(found["label"])
    return rows


def _named(label: str, classes: list[str], settings: Annotations, place: str) -> str | None:
    if pd.isna(label):
        return None
    if label.replace(" ", "").isdecimal() and " " in label:
        raise ValueError(f"{place}: several classes ({label}) of one video; a model gives one")
    if not label.isdecimal():
        return label
    number = int(label)
    if classes and number >= len(classes):
        raise ValueError(f"{place}: class {number}; {settings.classes} has {len(classes)}, the first being 0")
    return classes[number] if classes else str(number)
