"""CVAT's XML, `CVAT for video 1.1` and `CVAT for images 1.1` -> a listing.

A track is a part of its video from where it is seen to where it is `outside`; several, where it comes back. Tags of
frames are parts, too: neighbouring frames with one tag are one. The label is that of the track or tag, or, with
`field`, the value of their attribute of this name. CVAT counts frames of the file from 0, the left out ones of a task
with a frame step as well. A picture of a task of images lies in the folder of its video.
"""

from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from kinema.annotations.formats.listing import Listing
from kinema.annotations.formats.tagged_frames import TaggedFrames
from kinema.annotations.formats.whole_numbers import as_whole
from kinema.annotations.formats.xml_files import children
from kinema.annotations.rows import LONGEST
from kinema.experiment.data_sections import Annotations

UNDEFINED = "__undefined__"  # an attribute that nobody has set
BESIDE_SHAPES = ("attribute", "tag")


class Task(NamedTuple):
    """What CVAT says of a task: its video, None for pictures; the frames that it shows of it."""

    name: str
    video: str | None
    subset: str | None
    step: int
    last: int | None


def read_cvat(file: Path, settings: Annotations, listing: Listing) -> None:
    """Parts of one or several videos, by their tracks and tags."""
    tasks: dict[str, Task] = {}
    frames = TaggedFrames(listing)
    for line, element in children(file, "annotations"):
        with listing.noting():
            if element.tag == "meta":
                source = element.findtext("source")  # where older releases of CVAT have it
                tasks = {
                    task.findtext("id", ""): _task(task, line, source)
                    for kind in ("task", "job")
                    for task in element.iter(kind)
                }
            elif element.tag == "track":
                _add_track(element, _task_of(element, tasks, line), line, settings.field, listing)
            elif element.tag == "image":
                _add_image(element, _task_of(element, tasks, line), line, settings.field, frames, listing)
    frames.finish()


def _task(element: Element, line: int, source: str | None) -> Task:
    step = (element.findtext("frame_filter") or "").strip().partition("step=")[2]
    last = element.findtext("stop_frame")
    return Task(
        name=(element.findtext("name") or "").strip(),
        video=(element.findtext("source") or source or "").strip() or None,
        subset=(element.findtext("subset") or "").strip() or None,
        step=_number(step or "1", f"line {line}: <frame_filter>"),
        last=_number(last, f"line {line}: <stop_frame>") if last else None,
    )


def _task_of(element: Element, tasks: dict[str, Task], line: int) -> Task:
    number = element.get("task_id")
    if number is None and len(tasks) == 1:
        return next(iter(tasks.values()))
    if number not in tasks:
        raise ValueError(f"line {line}: <{element.tag}> is of task {number}; <meta> has {', '.join(tasks) or 'none'}")
    return tasks[number]


def _add_track(track: Element, task: Task, line: int, attribute: str | None, listing: Listing) -> None:
    place = f"line {line}: track {track.get('id')}"
    video = task.video or task.name
    if not video:
        raise ValueError(f"{place}: its task has no <source>, which names the video")
    spans = _spans(track, task, attribute, place)
    if not spans:
        missing = f"tracks have no attribute {attribute} and" if attribute else "tracks are never seen and"
        listing.leave_out(f"{missing} are left out", f"{listing.file} {place}")
    for label, start, end in spans:
        subset = _subset(track, task)
        listing.add(video, label, place, start=start, end=end, unit="frames", subset=subset)


def _spans(track: Element, task: Task, attribute: str | None, place: str) -> list[tuple[str, int, int]]:
    """Label and [start, end) of each stretch of frames in which a track is seen with one label."""
    shapes = [shape for shape in track if shape.tag not in BESIDE_SHAPES]
    seen = {_number(shape.get("frame"), f"{place}: frame"): shape for shape in shapes}
    spans: list[tuple[str, int, int]] = []
    open_: tuple[str, int] | None = None
    fixed = _values(track, attribute)
    for frame in sorted(seen):
        label = None
        if seen[frame].get("outside") != "1":
            label = (
                track.get("label") if attribute is None else next(iter(_values(seen[frame], attribute) or fixed), None)
            )
        if open_ and open_[0] != label:
            spans.append((*open_, frame))
            open_ = None
        if label and not open_:
            open_ = (label, frame)
    if open_:
        end = max(seen) + task.step
        spans.append((*open_, end if task.last is None else max(open_[1] + 1, min(end, task.last + 1))))
    return spans


def _add_image(
    image: Element, task: Task, line: int, attribute: str | None, frames: TaggedFrames, listing: Listing
) -> None:
    place, name = f"line {line}: image {image.get('id')}", image.get("name") or ""
    labels = []
    for shape in image:
        if shape.tag != "tag":
            listing.leave_out(
                "shapes of single frames are no labels of a video and are left out", f"{listing.file} {place}"
            )
        elif attribute is None:
            labels.append(shape.get("label") or "")
        else:
            labels += _values(shape, attribute)
    subset = _subset(image, task)
    if task.video:
        number = _number(image.get("id"), f"{place}: id")
        frames.frame(task.video, number, labels, place=place, subset=subset, step=task.step)
    else:
        frames.picture(name, labels, place=place, subset=subset)


def _values(element: Element, attribute: str | None) -> list[str]:
    texts = [(found.text or "").strip() for found in element.findall("attribute") if found.get("name") == attribute]
    return [text for text in texts if text and text != UNDEFINED]


def _subset(element: Element, task: Task) -> str | None:
    """A subset that CVAT calls `default` is one that nobody has given."""
    given = element.get("subset") or task.subset or ""
    return None if given.lower() in ("", "default") else given


def _number(text: str | None, place: str) -> int:
    number = as_whole((text or "").strip())
    if number is None or number < 0:
        raise ValueError(f"{place} is {(text or '')[:LONGEST]!r}; expected a whole number")
    return number
