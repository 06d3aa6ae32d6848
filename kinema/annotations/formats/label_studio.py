"""Label Studio's export, JSON or JSON-MIN -> a listing.

`choices` are the label of a whole video. `timelinelabels` are parts: ranges of frames, the last one among them. Label
Studio counts frames as time by the `frameRate` of its labelling configuration, 24 unless set, whatever the rate of the
file is, so they become seconds. Its first frame is 1; who writes such files by other means often counts from 0
(`first_frame: 0`). `labels` on the sound of a video are parts in seconds. `field` names the control (`from_name`) where
several have labels.
"""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from kinema.annotations.formats.json_files import a_list, a_number, a_text, a_whole, an_object, read_json_file
from kinema.annotations.formats.listing import Listing, chosen
from kinema.annotations.formats.media_names import has_video_extension, path_of
from kinema.experiment.data_sections import Annotations

KINDS = ("choices", "timelinelabels", "labels")
OF_EXPORT = ("annotations", "completions")  # the second in files of old versions
# what JSON-MIN adds to the data and the labels of a task
BESIDE_LABELS = ("id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
NAMES, SUBSETS = ("video", "video_url", "url"), ("subset", "split")  # keys of a task's data
RATES = ("fps", "frame_rate", "framerate", "frameRate")
TOLERANCE = 0.02  # between two rates: durations are rounded
NO_RATE = (
    "Label Studio counts frames at the `frameRate` of its labelling configuration (24 where it says none), whatever "
    "the rate of the video is, and the file does not say it; set `fps: 24`, or what stands there"
)


class Part(NamedTuple):
    """A label of a video, or of [start, end) of it in seconds."""

    label: str
    start: float | None = None
    end: float | None = None


class Clock(NamedTuple):
    """How frames are counted: at this rate, from this first number; `num_frames` where the file says it."""

    fps: float | None
    first: int
    num_frames: int | None


def read_label_studio(file: Path, settings: Annotations, listing: Listing) -> None:
    """Videos and parts of them."""
    with listing.noting():
        content = read_json_file(file)
        tasks = [an_object(task, f"[{number}]") for number, task in enumerate(a_list(content, "at the top"))]
        names = [name for number, task in enumerate(tasks) for name in _controls(task, f"[{number}]")]
        control = chosen(names, settings.field, what="controls")
        for number, task in enumerate(tasks):
            with listing.noting():
                _add_task(task, control, settings, f"[{number}]", listing)


def _add_task(task: dict[str, Any], control: str | None, settings: Annotations, place: str, listing: Listing) -> None:
    data = an_object(task.get("data", task), f"{place}.data")
    video = _video(data, f"{place}.data")
    subset = next((str(data[key]) for key in SUBSETS if data.get(key)), None)
    found: list[tuple[str, list[Part]]] = []
    results = _results(task, place)
    clock = _clock(data, [result for _, several in results for _, result in several], settings, place)
    for where, several in results:
        parts = [part for at, result in several for part in _parts(result, control, clock, at, listing)]
        found.append((where, parts))
    labelled = [(where, parts) for where, parts in found if parts]
    if not labelled:
        listing.add(video, None, place, subset=subset)
        return
    (first, parts), *others = labelled
    for where, other in others:
        if set(other) != set(parts):
            raise ValueError(f"{where}: does not say the same as {first}; keep one, or mark one as ground truth")
    for part in parts:
        listing.add(video, part.label, first, start=part.start, end=part.end, subset=subset)


def _results(task: dict[str, Any], place: str) -> list[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """Place and results, each with its own place, of the annotations that count: the ground truth, if there is one."""
    key = next((key for key in OF_EXPORT if key in task), None)
    if key is None:
        return [(place, _minimal(task, place))]
    found = []
    for number, annotation in enumerate(a_list(task[key], f"{place}.{key}")):
        where = f"{place}.{key}[{number}]"
        if an_object(annotation, where).get("was_cancelled"):
            continue
        results = a_list(annotation.get("result") or [], f"{where}.result")
        named = [
            (f"{where}.result[{n}]", an_object(result, f"{where}.result[{n}]")) for n, result in enumerate(results)
        ]
        found.append((bool(annotation.get("ground_truth")), where, named))
    is_any_true = any(is_true for is_true, _, _ in found)
    return [(where, named) for is_true, where, named in found if is_true or not is_any_true]


def _minimal(task: dict[str, Any], place: str) -> list[tuple[str, dict[str, Any]]]:
    """Results of JSON-MIN, which has the data of a task and its labels in one object, in the form of the others."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name, value in task.items():
        where = f"{place}.{name}"
        if name in BESIDE_LABELS or name in NAMES + SUBSETS + RATES:
            continue
        if isinstance(value, list):
            found += [(f"{where}[{n}]", {"from_name": name, "value": one}) for n, one in enumerate(value)]
        elif isinstance(value, dict):
            found.append((where, {"from_name": name, "value": value}))
        elif isinstance(value, str) and not has_video_extension(path_of(value)):
            found.append((where, {"from_name": name, "value": {"choices": [value]}}))
    return found


def _controls(task: dict[str, Any], place: str) -> list[str]:
    return [
        str(result.get("from_name"))
        for _, several in _results(task, place)
        for _, result in several
        if _kind(result.get("value"))
    ]


def _kind(value: Any) -> str | None:
    """Which of the kinds of labels a result has that are of videos or parts of them."""
    if not isinstance(value, dict):
        return None
    kind = next((kind for kind in KINDS if kind in value), None)
    return None if kind == "labels" and ("sequence" in value or "start" not in value) else kind


def _parts(result: dict[str, Any], control: str | None, clock: Clock, place: str, listing: Listing) -> list[Part]:
    value: dict[str, Any] = result.get("value") or {}
    kind = _kind(value)
    if kind is None or str(result.get("from_name")) != control:
        what = result.get("type") or "other"
        listing.leave_out(f"results of the type {what} are no labels that were asked for and are left out", place)
        return []
    labels = a_list(value[kind], f"{place}.value.{kind}")
    names = [
        a_text(label[-1] if isinstance(label, list) and label else label, f"{place}.value.{kind}") for label in labels
    ]
    if len(names) > 1:
        raise ValueError(f"{place}.value.{kind}: the labels {', '.join(names)}; a model gives one")
    spans: list[tuple[float | None, float | None]] = [(None, None)]
    if kind == "timelinelabels":
        spans = [_seconds(span, clock, where) for span, where in _ranges(value, f"{place}.value")]
    elif kind == "labels":
        spans = [(a_number(value["start"], f"{place}.value.start"), a_number(value.get("end"), f"{place}.value.end"))]
    return [Part(name, *span) for name in names for span in spans]


def _ranges(value: dict[str, Any], place: str) -> list[tuple[dict[str, Any], str]]:
    if "ranges" not in value:
        return [(value, place)]
    ranges = a_list(value["ranges"], f"{place}.ranges")
    return [(an_object(span, f"{place}.ranges[{n}]"), f"{place}.ranges[{n}]") for n, span in enumerate(ranges)]


def _seconds(span: dict[str, Any], clock: Clock, place: str) -> tuple[float, float]:
    """[start, end) of a range of frames, the last of which is in it; ValueError where it contradicts the counting."""
    start, end = (a_whole(span.get(key), f"{place}.{key}") for key in ("start", "end"))
    if start < clock.first:
        raise ValueError(f"{place}: begins at frame {start}, so the first frame has this number; set `first_frame: 0`")
    if end < start:
        raise ValueError(f"{place}: ends at frame {end}, before it begins at {start}")
    if clock.num_frames is not None and end > clock.num_frames - 1 + clock.first:
        other = " or `first_frame: 1`" if clock.first == 0 and end == clock.num_frames else ""
        raise ValueError(
            f"{place}: ends at frame {end}, and the video has {clock.num_frames}, the first being {clock.first}; "
            f"correct the range{other}"
        )
    if clock.fps is None:
        raise ValueError(f"{place}: {NO_RATE}")
    return (start - clock.first) / clock.fps, (end - clock.first + 1) / clock.fps


def _clock(data: dict[str, Any], results: list[dict[str, Any]], settings: Annotations, place: str) -> Clock:
    """How a task counts frames, as far as it says so; ValueError where `fps` is another rate than it says."""
    measured = [
        (a_whole(value["framesCount"], f"{place}: framesCount"), a_number(value["duration"], f"{place}: duration"))
        for result in results
        if isinstance(value := result.get("value"), dict) and {"framesCount", "duration"} <= value.keys()
    ]
    num_frames, duration = Counter(measured).most_common(1)[0][0] if measured else (None, None)
    told = next((data[key] for key in RATES if data.get(key)), None)
    stated: float | None = None
    if told is not None:
        stated = a_number(float(told) if str(told).replace(".", "", 1).isdecimal() else told, f"{place}.data.fps")
    elif num_frames and duration:
        stated = num_frames / duration
    if stated and settings.fps and abs(stated / settings.fps - 1) > TOLERANCE:
        because = "" if told is not None else f" ({num_frames} frames in {duration:g} s)"
        raise ValueError(
            f"{place}: frames were counted at {stated:.5g} a second{because}, and `fps` is {settings.fps:g}"
        )
    return Clock(settings.fps or stated, settings.first_frame, num_frames)


def _video(data: dict[str, Any], place: str) -> str:
    """The video among the data of a task: the only text that ends as videos do, or the one that is called so."""
    texts = {key: path_of(value) for key, value in data.items() if isinstance(value, str) and value.strip()}
    videos = {key: path for key, path in texts.items() if has_video_extension(path)}
    named = [key for key in NAMES if key in (videos or texts)]
    if len(videos) == 1 or named:
        return (videos or texts)[named[0] if named else next(iter(videos))]
    found = f"several videos ({', '.join(videos)})" if videos else f"no video among {', '.join(texts) or 'nothing'}"
    raise ValueError(f"{place}: {found}; expected one, under `video`")
