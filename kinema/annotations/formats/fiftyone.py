"""FiftyOne's `labels.json` (FiftyOneTemporalDetectionDataset, and classifications of the same form) -> a listing.

    {"classes": [...] or null, "labels": {uuid: [{"label": ..., "support": [first, last]}, ...] or null}}

`support` counts frames from 1 and has the last one in it; `timestamps` are seconds. A label may be the number of a
class. The name of a video is its uuid, which has no extension. A video-level label is a text or a number in the place
of the list. `samples.json`, the other form, is in `fiftyone_samples`.
"""

from pathlib import Path
from typing import Any

from kinema.annotations.formats.fiftyone_samples import labelled_samples
from kinema.annotations.formats.json_files import a_list, a_number, a_text, a_whole, an_object, read_json_file
from kinema.annotations.formats.listing import Listing
from kinema.experiment.data_sections import Annotations


def read_fiftyone(file: Path, settings: Annotations, listing: Listing) -> None:
    """Videos and parts of them."""
    with listing.noting():
        content = an_object(read_json_file(file), "at the top")
        if "samples" in content:
            for video, value, place, more in labelled_samples(content, settings.field, listing):
                with listing.noting():
                    _add(video, value, [], listing, place, **more)
            return
        if settings.field:
            raise ValueError("at the top: `field` names a field of samples.json; this file has labels of one kind")
        classes = [a_text(name, "classes") for name in a_list(content.get("classes") or [], "classes")]
        listing.know(classes)
        for video, value in an_object(content.get("labels"), "labels").items():
            with listing.noting():
                _add(video, value, classes, listing, f"labels.{video}")


def _add(video: str, value: Any, classes: list[str], listing: Listing, place: str, **more: str) -> None:
    if isinstance(value, dict) and "support" not in value and "timestamps" not in value:
        value = value.get("label")
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        listing.add(video, None if value is None else _label(value, classes, place), place, **more)
    elif not value:
        listing.add(video, None, place, **more)
    elif not all(isinstance(part, dict) for part in value):
        if len(value) > 1:
            raise ValueError(f"{place}: {len(value)} labels of one video; a model gives one")
        listing.add(video, _label(value[0], classes, place), place, **more)
    else:
        for number, part in enumerate(value):
            _add_part(video, part, classes, f"{place}[{number}]", listing, **more)


def _add_part(video: str, part: dict[str, Any], classes: list[str], place: str, listing: Listing, **more: str) -> None:
    label = _label(part.get("label"), classes, f"{place}.label")
    if "support" in part:
        first, last = (a_whole(number, f"{place}.support") for number in _pair(part["support"], f"{place}.support"))
        if first < 1:
            raise ValueError(f"{place}.support: begins at frame {first}; FiftyOne counts frames from 1")
        listing.add(video, label, place, start=first - 1, end=last, unit="frames", **more)
    elif "timestamps" in part:
        start, end = (
            a_number(time, f"{place}.timestamps") for time in _pair(part["timestamps"], f"{place}.timestamps")
        )
        listing.add(video, label, place, start=start, end=end, **more)
    else:
        listing.add(video, label, place, **more)


def _pair(value: Any, place: str) -> list[Any]:
    pair = a_list(value, place)
    if len(pair) != 2:
        raise ValueError(f"{place}: {len(pair)} numbers; expected two")
    return pair


def _label(value: Any, classes: list[str], place: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value < len(classes):
            raise ValueError(f"{place}: class {value}; `classes` has {len(classes)}")
        return classes[value]
    return a_text(value, place)
