"""A list that somebody has -> the format that it has, by its content, and in words what it was taken for."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.annotations.dialect import SUBSETS
from kinema.annotations.formats.json_files import parsed, read_json_file
from kinema.annotations.formats.media_names import has_video_extension
from kinema.annotations.formats.mmaction2 import split_lines
from kinema.annotations.formats.xml_files import children
from kinema.annotations.rows import LONGEST, read_lines, separator_of
from kinema.annotations.text_files import PACKED, kind_of
from kinema.media.remote.address import is_remote

WORDS = {
    "table": "a table of videos and labels",
    "kinetics": "a list of Kinetics",
    "json": "the JSON of the reference toolkit, or of kinema",
    "cvat": "XML of CVAT",
    "label_studio": "an export of Label Studio",
    "fiftyone": "labels of FiftyOne",
    "datumaro": "annotations of Datumaro",
    "elan": "annotations of ELAN",
    "via": "a project of VIA (VGG Image Annotator)",
    "mmaction2": "a plain list of videos and labels, as mmaction2, SlowFast and PaddleVideo have them",
    "huggingface": "metadata of a data set of the Hugging Face Hub",
    "activitynet": "JSON of ActivityNet",
    "charades": "a list of Charades",
    "something_something": "a list of Something-Something",
}
# columns that a table has to have, the first that fits
COLUMNS = {
    "kinetics": {"youtube_id", "time_start", "time_end"},
    "charades": {"id", "actions"},
    "huggingface": {"file_name"},
    "table": {"video", "label"},
}
TABLES = (".csv", ".tsv", ".tab", ".parquet")
OF_FOLDERS = ("elan", "ucf101", "hmdb51")  # formats whose path is a folder
LINES = 50  # of a plain list that are looked at
# files that lie where their tools put them, in the folder of a data set or in one of a subset
IN_FOLDERS = [
    ("fiftyone", "labels.json"),
    ("fiftyone", "samples.json"),
    ("huggingface", "metadata.*"),
    ("cvat", "annotations.xml"),
    ("elan", "*.[eE][aA][fF]"),
]


def recognise(file: Path) -> str | None:
    """The format of a list, None where it is none that is known; ValueError where it cannot be read at all."""
    if has_video_extension(file.name):
        raise ValueError(f"{file}: a video; give the folder of the videos, or a list of them")
    suffix = next((end.lower() for end in reversed(file.suffixes) if end.lower() not in PACKED), "")
    if suffix in (".xml", ".eaf"):
        return "elan" if _has_root(file, "ANNOTATION_DOCUMENT") else "cvat" if _has_root(file, "annotations") else None
    if suffix == ".json":
        return _of_json(read_json_file(file))
    if suffix in (".jsonl", ".ndjson"):
        first = next(iter(read_lines([file])), "")
        return "huggingface" if isinstance(row := parsed(first, str(file)), dict) and "file_name" in row else None
    columns = _columns(file)
    named = next((name for name, needed in COLUMNS.items() if needed <= columns), None) if suffix in TABLES else None
    return named or (None if suffix == ".parquet" else _of_lines(file, suffix))


def not_known(file: Path) -> str:
    """What was found in a file that is no list that is known, and what was expected."""
    first = "" if file.suffix.lower() == ".parquet" else next(iter(read_lines([file])), None)
    if first is None:
        raise ValueError(f"{file}: an empty file; expected a list of videos")
    found = f"columns {', '.join(sorted(_columns(file)))}" if not first else f"it begins with {first[:LONGEST]!r}"
    return (
        f"{file}: not a list that is known by its content ({found}; a table begins with video,label,subset, "
        "separated by commas)"
    )


def lists_in(folder: Path) -> list[Path]:
    """The lists of a data set in a folder of its own, where a tool put them; none where there are no such files."""
    tops = [place for place in (folder, folder / "data") if place.is_dir()]
    subsets = sorted(path for top in tops for path in top.iterdir() if path.is_dir() and path.name.lower() in SUBSETS)
    for name, pattern in IN_FOLDERS:
        found = [file for place in (*tops, *subsets) for file in sorted(place.glob(pattern)) if _is(file, name)]
        if found:
            return [folder] if name == "elan" else found
    found = [file for file in sorted(folder.glob("annotations/*.json")) if _is(file, "datumaro")]
    return found or sorted(folder.glob("annotations/*.datum"))  # its binary form, which is refused where it is read


def lists_of(places: Sequence[Path | str], *, format: str | None = None) -> list[Path]:
    """The lists among what a user named: files, or those in a folder that a tool made; none for a folder of videos."""
    files = [Path(place) for place in places if not is_remote(place) and Path(place).is_file()]
    if len(files) == len(places):
        return files
    if len(places) > 1:
        other = next(place for place in places if Path(place) not in files)
        raise ValueError(f"{other}: no file; give one folder of videos, or lists alone")
    folder = Path(places[0])
    if not is_remote(places[0]) and not folder.exists() and folder.suffix:
        raise FileNotFoundError(f"{folder}: no such file")
    if is_remote(places[0]) or not folder.is_dir():
        return []
    return [folder] if format in OF_FOLDERS else lists_in(folder)


def _is(file: Path, name: str) -> bool:
    try:
        return file.is_file() and recognise(file) == name
    except (ValueError, OSError):
        return False


def _has_root(file: Path, name: str) -> bool:
    try:
        next(children(file, name), None)
    except ValueError as error:
        if "the root is" in str(error):
            return False
        raise
    return True


def _columns(file: Path) -> set[str]:
    if file.suffix.lower() == ".parquet":
        try:
            return set(pq.read_schema(file).names)
        except (pa.ArrowException, OSError):
            if kind := kind_of(file.read_bytes()):
                raise ValueError(f"{file}: this is {kind[0]}; {kind[1]}") from None
            return set()
    first = next(iter(read_lines([file])), "")
    return {cell.strip() for cell in next(csv.reader([first], delimiter=separator_of(file)), [])}


def _of_lines(file: Path, suffix: str) -> str | None:
    lines = read_lines([file]).iloc[:LINES]
    if suffix == ".csv" and len(lines) and lines.str.fullmatch(r"[0-9]+(;[^;]+)?").all():
        return "something_something"
    return "mmaction2" if len(lines) and split_lines(lines).notna().all(axis=None) else None


def _of_json(content: Any) -> str | None:
    if isinstance(content, list) and content and all(isinstance(entry, dict) for entry in content):
        return _of_entries([set(entry) for entry in content])
    if not isinstance(content, dict):
        return None
    if {"items", "categories"} <= content.keys():
        return "datumaro"
    if "_via_img_metadata" in content or {"file", "metadata", "attribute"} <= content.keys():
        return "via"
    if isinstance(content.get("database"), dict):
        return "json" if isinstance(content.get("labels"), list) else "activitynet"
    if isinstance(content.get("labels"), dict) or _are_samples(content.get("samples")):
        return "fiftyone"
    values = [value for value in content.values() if isinstance(value, dict)]
    if not values or len(values) < len(content):
        return None
    if all({"filename", "file_attributes"} <= value.keys() for value in values):
        return "via"
    return "activitynet" if all(isinstance(value.get("annotations"), list) for value in values) else None


def _are_samples(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(sample, dict) and "filepath" in sample for sample in content)


def _of_entries(entries: list[set[str]]) -> str | None:
    """Which list has objects with these keys."""
    exported = all("data" in keys and {"annotations", "completions"} & keys for keys in entries)
    if exported or all({"annotation_id", "annotator"} & keys for keys in entries):
        return "label_studio"
    known = {"id", "label", "template", "placeholders"}
    return "something_something" if all("id" in keys and keys <= known for keys in entries) else None
