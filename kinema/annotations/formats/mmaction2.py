"""Plain lists of mmaction2, SlowFast and PaddleVideo -> a listing.

    path label      path,label      path num_frames label      path offset num_frames label

A line is a video, or a folder of pictures. A label is the number of a class, whose name `classes` gives, or a name. The
number of frames is left aside, since it is measured, but of parts of folders: these begin behind `offset` pictures.
A header, such as `path label`, is no video.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from kinema.annotations.formats.class_names import ClassNames
from kinema.annotations.formats.listing import Listing
from kinema.annotations.formats.whole_numbers import UNKNOWN, as_whole
from kinema.annotations.rows import EXTENSION, LONGEST, read_lines
from kinema.experiment.data_sections import Annotations

FORMS = "`path label`, `path,label`, `path num_frames label` or `path offset num_frames label`"
HEADER = re.compile(r"(?i:(video_?)?path|video|(file_?)?name|file)[\s,]+(?i:(label|class)(_?id)?|target)")
TIMES = re.compile(r"\d[\d:.]*\s+\d[\d:.]*\s+(?=\D)")
PARTS = "this list is of whole videos: parts of them are a table with the columns video, label, start and end"
# the first that fits
PATTERNS = (
    rf"^(?P<video>[^,]+{EXTENSION}),\s*(?P<label>[^,]+)$",
    r"^(?P<video>[^,]+),\s*(?P<label>-?[0-9]+(?:[.]0+)?)$",
    rf"^(?P<video>.+{EXTENSION})\s+(?P<label>\S.*)$",
    r"^(?P<video>\S+)\s+[0-9]+\s+(?P<label>[0-9]+(?:\s+[0-9]+){2,})$",  # several classes
    r"^(?P<video>\S.*?)\s+[0-9]+\s+(?P<label>-?[0-9]+(?:[.]0+)?)$",
    r"^(?P<video>\S+)\s+(?P<label>\S+)$",
    rf"^(?P<video>.+{EXTENSION})$",
)


COUNT = r"[0-9]{1,15}"
WITH_OFFSET = (
    rf"^(?P<video>(?!\S+{EXTENSION}\s)\S+)\s+(?P<offset>{COUNT})\s+(?P<num_frames>{COUNT})\s+(?P<label>[0-9]+)$"
)


def read_mmaction2(file: Path, settings: Annotations, listing: Listing) -> None:
    """Whole videos, or parts of folders of pictures."""
    classes = ClassNames(settings.classes)
    listing.know(classes.names, unused_too=True)
    lines = read_lines([file])
    if len(lines) and HEADER.fullmatch(lines.iloc[0]):
        lines = lines.iloc[1:]
    rows = split_lines(lines)
    parts = _parts(lines)
    if not settings.classes:
        numbers = [number for label in rows["label"].dropna().unique() if (number := as_whole(label)) is not None]
        listing.know([str(number) for number in sorted(numbers) if number != UNKNOWN])
    found = zip(rows.index, lines, rows["video"], rows["label"], parts, strict=True)
    for (_, line), text, video, label, part in found:
        with listing.noting():
            place = f"line {line}"
            if pd.isna(video):
                raise ValueError(f"{place}: expected {FORMS}; the line is {text[:LONGEST]!r}")
            listing.add(video.strip(), _named(label, classes, place), place, **part)


def split_lines(lines: pd.Series) -> pd.DataFrame:
    """`video` and `label` of every line, both missing where it has not the form of one."""
    if (parts := _with_offsets(lines)) is not None:
        return parts[["video", "label"]]
    rows = pd.DataFrame({"video": pd.NA, "label": pd.NA}, index=lines.index, dtype="string")
    for pattern in PATTERNS:
        found = lines.where(rows["video"].isna()).str.extract(pattern)
        rows["video"] = rows["video"].fillna(found["video"])
        if "label" in found:
            rows["label"] = rows["label"].fillna(found["label"])
    return rows


def _parts(lines: pd.Series) -> list[dict[str, Any]]:
    """Which pictures of its folder every line is, where all lines say that."""
    found = _with_offsets(lines)
    if found is None:
        return [{}] * len(lines)
    ends = found["offset"] + found["num_frames"]
    return [{"start": start, "end": end, "unit": "frames"} for start, end in zip(found["offset"], ends, strict=True)]


def _with_offsets(lines: pd.Series) -> pd.DataFrame | None:
    """All lines as parts of folders, where they can be nothing else; None where they may.

    Three numbers may as well be two classes, or the end of a name (`clip 2`) and the rest. So they are parts where some
    folder has several that do not overlap, and there is more than one folder.
    """
    found = lines.str.extract(WITH_OFFSET)
    if not found.notna().all(axis=None) or found["video"].nunique() < 2:
        return None
    found = found.astype({"offset": int, "num_frames": int}).sort_values(["video", "offset"], kind="stable")
    ends = (found["offset"] + found["num_frames"]).groupby(found["video"]).shift()
    is_behind = (found["offset"] >= ends)[ends.notna()]
    return found.loc[lines.index] if len(is_behind) and is_behind.all() else None


def _named(label: str, classes: ClassNames, place: str) -> str | None:
    if pd.isna(label):
        return None
    numbers = label.split()
    if len(numbers) > 1 and all(number.isdecimal() for number in numbers):
        raise ValueError(f"{place}: several classes ({' '.join(numbers)}) of one video; a model gives one")
    if found := TIMES.match(label):
        raise ValueError(f"{place}: {found[0].strip()!r} in front of the label; {PARTS}")
    return classes.named(label, place)
