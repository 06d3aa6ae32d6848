"""Something-Something's lists -> a listing: `train.json` of version 2, `id;label` lines of version 1.

The class of a video is its `template` without the brackets, or its `label` where it has no template. `classes`
(`labels.json`) numbers the classes and knows all of them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kinema.annotations.formats.class_names import ClassNames
from kinema.annotations.formats.json_files import a_list, a_text, an_object, read_json_file
from kinema.annotations.formats.listing import Listing
from kinema.annotations.rows import read_lines
from kinema.experiment.data_sections import Annotations

Line = tuple[str, str | None, str]  # video, label, place


def read_something_something(file: Path, settings: Annotations, listing: Listing) -> None:
    """Whole videos; those of a test list have no label."""
    classes = ClassNames(settings.classes).names
    listing.know(classes, unused_too=True)
    known = set(classes)
    with listing.noting():
        for video, label, place in _lines(file) if file.suffix.lower() == ".csv" else _objects(file):
            with listing.noting():
                if known and label and label not in known:
                    raise ValueError(f"{place}: '{label}' is not in {settings.classes}")
                listing.add(video, label, place)


def _lines(file: Path) -> Iterator[Line]:
    lines = read_lines([file])
    for (_, line), text in zip(lines.index, lines, strict=True):
        video, _, label = text.partition(";")
        yield video.strip(), label.strip() or None, f"line {line}"


def _objects(file: Path) -> Iterator[Line]:
    for number, entry in enumerate(a_list(read_json_file(file), "at the top")):
        place = f"[{number}]"
        video = an_object(entry, place).get("id")
        yield a_text(str(video) if isinstance(video, int) else video, f"{place}.id"), _label(entry, place), place


def _label(entry: dict[str, Any], place: str) -> str | None:
    if entry.get("template") is not None:
        return a_text(entry["template"], f"{place}.template").replace("[", "").replace("]", "")
    return None if entry.get("label") is None else a_text(entry["label"], f"{place}.label")
