"""The reference toolkit's own JSON, or ours -> the dialect.

`fps`, `n_frames` and whatever else the reference adds to an entry is left aside: both are measured. An untrimmed video
has `annotations.events`, a list of `{"event": label, "start": seconds, "stop": seconds}`: each becomes an entry of its
own. Where `annotations.timestamps` holds the second of every frame, the entry names frames.
"""

import itertools
import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kinema.annotations.dialect import COLUMNS, SUBSETS, Dialect
from kinema.annotations.formats.json_files import unique, whole
from kinema.annotations.formats.listing import raise_first
from kinema.annotations.segments import SHORTEST, SUFFIX, with_segments
from kinema.annotations.text_files import read_utf8
from kinema.experiment.data_sections import Annotations

Row = dict[str, Any]
log = logging.getLogger(__name__)


def read_json(files: Sequence[Path], settings: Annotations) -> Dialect:
    """Entries of one file; ValueError names the file, and the first ten entries that are not as they should be."""
    (file,) = files
    labels, database = _sections(file)
    known = set(labels)
    rows: list[Row] = []
    problems: list[str] = []
    eventless: list[str] = []
    for name, entry in database.items():
        try:
            of_video = _entries(name, entry, known)
        except ValueError as error:
            problems.append(f"'{name}': {error}")
        else:
            rows += of_video
            eventless += [] if of_video else [name]
    if eventless:
        log.warning("%s: %d videos have no event, such as '%s'", file, len(eventless), eventless[0])
    listed = pd.DataFrame(rows, columns=list(COLUMNS))
    entries = with_segments(listed)
    entries["id"] = listed["id"].fillna(entries["id"])
    again = entries[entries["id"].duplicated(keep=False)]
    problems += [f"'{name}': listed twice{_as(labels)}" for name, labels in again.groupby("id", sort=False)["label"]]
    raise_first([f"{file}: {text}" for text in problems])
    return Dialect(labels, entries)


def _as(labels: pd.Series) -> str:
    names = labels.dropna().unique()
    return f", as {' and as '.join(map(repr, map(str, names)))}" if len(names) > 1 else ""


def _sections(file: Path) -> tuple[list[str], dict[str, Any]]:
    expected = 'expected {"labels": [...], "database": {id: {"subset": ..., "annotations": {"label": ...}}}}'
    text = read_utf8(file).decode("utf-8-sig")
    try:
        content = json.loads(text, object_pairs_hook=unique, parse_int=whole)
        labels, database = content["labels"], content["database"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file}: not an annotation file ({error!r}); {expected}") from None
    if not isinstance(database, dict) or not isinstance(labels, list) or not all(isinstance(x, str) for x in labels):
        raise ValueError(f"{file}: `labels` is not a list of texts, or `database` no object; {expected}")
    if len(set(labels)) < len(labels):
        raise ValueError(f"{file}: a label stands in `labels` twice")
    return labels, database


def _entries(name: str, entry: Any, labels: set[str]) -> list[Row]:
    """Rows of one video; ValueError says what is wrong with it."""
    subset = SUBSETS.get(str(entry.get("subset")).lower()) if isinstance(entry, dict) else None
    if subset is None:
        found = entry.get("subset") if isinstance(entry, dict) else entry
        raise ValueError(f"subset {found!r}; expected training, validation or testing")
    annotations = entry.get("annotations") or {}
    if not isinstance(annotations, dict):
        raise ValueError(f"annotations {annotations!r}; expected an object with a label")
    row = {"subset": subset, "group": _text(entry.get("group"), "group")}
    events = annotations.get("events")
    if isinstance(events, list):
        return [row | _event(name, event, annotations.get("timestamps"), labels) for event in events]
    label = _text(annotations.get("label"), "label") or None
    if label is None and subset != "testing":
        raise ValueError("no label; only testing entries may lack one")
    if label not in labels and subset == "training":
        raise ValueError(f"label '{label}' is not in `labels`")
    return [row | _part(name, entry) | {"id": name, "label": label}]


def _text(value: Any, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} {value!r}; expected a text")
    return value


def _part(name: str, entry: Row) -> Row:
    """Which part of which file an entry of our own dialect is; the whole of its own in the reference's."""
    part = {"video": _text(entry.get("video", name), "video")} | {
        key: entry.get(key) for key in ("start", "end", "unit")
    }
    part["extension"] = _text(entry.get("extension"), "extension")
    if part["start"] is None and part["end"] is None:
        return part
    if not isinstance(part["unit"], str) or part["unit"] not in SUFFIX:
        raise ValueError(f"unit {part['unit']!r}; expected {' or '.join(SUFFIX)}")
    start, end = part["start"] or 0, math.inf if part["end"] is None else part["end"]
    if part["end"] in (math.inf, -math.inf):
        raise ValueError(f"end {part['end']!r}; expected a finite number, or null")
    _check_range(start, end, part["unit"], text=f"start {part['start']!r} and end {part['end']!r}")
    return part


def _check_range(start: Any, end: Any, unit: str, *, text: str) -> None:
    """ValueError unless [start, end) is a range that holds something; the end may be infinite."""
    if not all(isinstance(number, int | float) for number in (start, end)) or not 0 <= start < end:
        raise ValueError(f"{text}; expected numbers with 0 <= start < end, or null")
    if unit == "frames" and any(number % 1 for number in (start, end) if math.isfinite(number)):
        raise ValueError(f"{text}; frames are whole numbers")
    if end - start < SHORTEST[unit]:
        raise ValueError(f"{text}: it holds no frame")


def _check_times(times: Any) -> None:
    are_numbers = isinstance(times, list) and all(
        isinstance(time, int | float) and not isinstance(time, bool) and math.isfinite(time) for time in times
    )
    if not are_numbers or any(later < time for time, later in itertools.pairwise(times)):
        raise ValueError("`timestamps` are no list of seconds that grow from frame to frame")


def _event(video: str, event: Any, timestamps: Sequence[float] | None, labels: set[str]) -> Row:
    try:
        label, start, stop = event["event"], float(event["start"]), float(event["stop"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f'event {event!r}; expected {{"event": label, "start": seconds, "stop": seconds}}') from None
    if _text(label, "event") not in labels:
        raise ValueError(f"event '{label}' is not in `labels`")
    if not math.isfinite(stop):
        raise ValueError(f"event {event!r}; expected finite numbers of seconds")
    row = {"video": video, "label": label, "start": start, "end": stop, "unit": "seconds"}
    if timestamps is not None:
        _check_times(timestamps)
        start, stop = (int(frame) for frame in np.searchsorted(timestamps, [start, stop]))
        row |= {"start": start, "end": stop, "unit": "frames"}
    if not 0 <= start < stop:
        raise ValueError(f"event {event!r} holds no frame: it is from {start:g} to {stop:g} {row['unit']}")
    return row
