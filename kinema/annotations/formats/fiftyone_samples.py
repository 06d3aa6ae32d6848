"""FiftyOne's `samples.json` (the whole data set, FiftyOneDataset) -> a listing.

    {"samples": [{"filepath": "data/a.mp4", "tags": ["train"], "truth": {"_cls": "Classification", "label": ...}}, ...]}

A field of the kind `Classification` labels a whole video, one of the kind `TemporalDetections` parts of it. A tag may
be the subset.
"""

from typing import Any

from kinema.annotations.dialect import SUBSETS
from kinema.annotations.formats.json_files import a_list, a_text, an_object
from kinema.annotations.formats.listing import Listing, chosen
from kinema.annotations.formats.media_names import has_video_extension

# kinds of labels, and where the labels in one of them are
KINDS = {
    "Classification": None,
    "Classifications": "classifications",
    "TemporalDetection": None,
    "TemporalDetections": "detections",
}


def labelled_samples(content: dict[str, Any], field: str | None, listing: Listing) -> list[tuple[str, Any, str, dict]]:
    """Of each video its path, its labels as `labels.json` has them, its place, and its subset where a tag says it."""
    samples = [an_object(sample, f"samples[{n}]") for n, sample in enumerate(a_list(content["samples"], "samples"))]
    found = [name for sample in samples for name, value in sample.items() if _kind(value) in KINDS]
    name = chosen(found, field, what="fields")
    if name is None and (found or field):
        raise ValueError(
            f"samples: no field `{field}` with labels; there are {', '.join(sorted(set(found))) or 'none'}"
        )
    videos = []
    for number, sample in enumerate(samples):
        with listing.noting():
            place = f"samples[{number}]"
            path = a_text(sample.get("filepath"), f"{place}.filepath")
            if sample.get("_media_type", "video") != "video" or not has_video_extension(path):
                listing.leave_out("samples are no videos and are left out", place)
                continue
            more = {"subset": subset} if (subset := _subset(sample.get("tags"), place)) else {}
            value = sample.get(name) if name else None
            videos.append((path, _labels(value, f"{place}.{name}"), f"{place}.{name}", more))
    return videos


def _kind(value: Any) -> Any:
    return value.get("_cls") if isinstance(value, dict) else None


def _labels(value: Any, place: str) -> Any:
    if value is None:
        return None
    key = KINDS[kind] if (kind := _kind(value)) in KINDS else ""
    if key == "":
        raise ValueError(f"{place}: of the kind {kind}; expected {' or '.join(KINDS)}")
    labels = value if key is None else a_list(value.get(key) or [], f"{place}.{key}")
    if kind == "Classifications":
        return [an_object(label, place).get("label") for label in labels]
    return labels


def _subset(tags: Any, place: str) -> str | None:
    found = {SUBSETS[tag.lower()] for tag in a_list(tags or [], f"{place}.tags") if str(tag).lower() in SUBSETS}
    if len(found) > 1:
        raise ValueError(f"{place}.tags: the subsets {', '.join(sorted(found))} of one video; keep one")
    return next(iter(found), None)
