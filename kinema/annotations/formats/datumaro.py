"""Datumaro's JSON, `annotations/<subset>.json` -> a listing.

An item is a video, the part of it from `start_frame` to `end_frame` (both are in it), a frame of a video, or a picture
in the folder of its video. Its class is its annotation of the type `label`.
"""

from pathlib import Path
from typing import Any

from kinema.annotations.formats.json_files import a_list, a_text, a_whole, an_object, read_json_file
from kinema.annotations.formats.listing import Listing
from kinema.annotations.formats.media_names import has_video_extension
from kinema.annotations.formats.tagged_frames import TaggedFrames
from kinema.experiment.data_sections import Annotations


def read_datumaro(file: Path, settings: Annotations, listing: Listing) -> None:
    """Videos, parts of them, and runs of frames."""
    with listing.noting():
        content = an_object(read_json_file(file), "at the top")
        labels = _classes(content)
        listing.know(labels)
        frames = TaggedFrames(listing)
        for number, item in enumerate(a_list(content.get("items"), "items")):
            with listing.noting():
                place = f"items[{number}]"
                _add(an_object(item, place), labels, place, frames, listing)
        frames.finish()


def _classes(content: dict[str, Any]) -> list[str]:
    categories = an_object(content.get("categories"), "categories")
    place = "categories.label.labels"
    found = a_list(an_object(categories.get("label"), "categories.label").get("labels"), place)
    return [a_text(an_object(label, place).get("name"), f"{place}.name") for label in found]


def _add(item: dict[str, Any], classes: list[str], place: str, frames: TaggedFrames, listing: Listing) -> None:
    name = a_text(item.get("id"), f"{place}.id")
    labels = _labels(item, classes, place, listing)
    frame, video, picture = (item.get(kind) for kind in ("video_frame", "video", "image"))
    if frame is not None:
        number = a_whole(
            an_object(frame, f"{place}.video_frame").get("frame_index"), f"{place}.video_frame.frame_index"
        )
        path = a_text(frame.get("video_path"), f"{place}.video_frame.video_path")
        frames.frame(path, number, labels, place=place)
        return
    media = video or item.get("media") or {}
    path = str(an_object(media, f"{place}.media").get("path") or name)
    if not video and not has_video_extension(path) and (picture is not None or "/" in name):
        frames.picture(f"{name}.jpg", labels, place=place)  # an id has no extension
        return
    if len(labels) > 1:
        raise ValueError(f"{place}: the labels {', '.join(labels)} of one video; a model gives one")
    listing.add(path, next(iter(labels), None), place, **_part(video, f"{place}.video"))


def _labels(item: dict[str, Any], classes: list[str], place: str, listing: Listing) -> list[str]:
    labels = []
    for position, annotation in enumerate(a_list(item.get("annotations") or [], f"{place}.annotations")):
        where = f"{place}.annotations[{position}]"
        kind = an_object(annotation, where).get("type")
        if kind != "label":
            listing.leave_out(f"annotations of the type {kind} are no labels of a video and are left out", where)
            continue
        number = a_whole(annotation.get("label_id"), f"{where}.label_id")
        if not 0 <= number < len(classes):
            raise ValueError(f"{where}.label_id: class {number}; `categories` has {len(classes)}")
        labels.append(classes[number])
    return labels


def _part(video: Any, place: str) -> dict[str, Any]:
    """Which frames of a video an item is; nothing where it is all of it."""
    if not isinstance(video, dict):
        return {}
    first, last = video.get("start_frame") or 0, video.get("end_frame")
    if not first and last is None:
        return {}
    end = a_whole(last, f"{place}.end_frame") + 1 if last is not None else None
    return {"start": a_whole(first, f"{place}.start_frame"), "end": end, "unit": "frames"}
