"""ELAN's .eaf, a file a video -> a listing.

Annotations of one tier are parts of the video, in milliseconds; `field` names the tier where several have annotations.
An annotation that refers to another one has the time of that. Where ELAN has shifted a video against the others, its
`TIME_ORIGIN` is added, so that times are those of the video.
"""

import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from kinema.annotations.formats.listing import Listing, chosen
from kinema.annotations.formats.media_names import forward, has_video_extension, path_of
from kinema.annotations.formats.xml_files import children
from kinema.experiment.data_sections import Annotations

ALIGNED, REFERRING = "ALIGNABLE_ANNOTATION", "REF_ANNOTATION"


def read_elan(file: Path, settings: Annotations, listing: Listing) -> None:
    """Parts of the video of one file; of several videos of one scene, those of the first."""
    video, origin = "", 0
    slots: dict[str, int | None] = {}
    tiers: dict[str, list[tuple[int, str, dict[str, str]]]] = {}
    times: dict[str, dict[str, str]] = {}  # attributes of every annotation, by its id
    with listing.noting():
        for line, element in children(file, "ANNOTATION_DOCUMENT"):
            if element.tag == "HEADER":
                video, origin = _media(element, line, listing)
            elif element.tag == "TIME_ORDER":
                slots = {slot.get("TIME_SLOT_ID", ""): _milliseconds(slot, line) for slot in element}
            elif element.tag == "TIER":
                found = [(line, note.findtext("ANNOTATION_VALUE") or "", dict(note.attrib)) for note in _notes(element)]
                times |= {attributes.get("ANNOTATION_ID", ""): attributes for _, _, attributes in found}
                tiers[element.get("TIER_ID", "")] = found
        tier = chosen([name for name, found in tiers.items() if found], settings.field, what="tiers")
        if tier is None:
            listing.add(video, None, f"tier {settings.field}" if settings.field else "no annotation")
        for line, label, attributes in tiers.get(tier or "", ()):
            place = f"line {line}: tier {tier}, annotation {attributes.get('ANNOTATION_ID')}"
            _add(video, label, _root(attributes, times), slots, origin, place, listing)


def _notes(tier: Element) -> list[Element]:
    return [note for annotation in tier.iter("ANNOTATION") for note in annotation if note.tag in (ALIGNED, REFERRING)]


def _media(header: Element, line: int, listing: Listing) -> tuple[str, int]:
    """The name of the video and where its time begins, in milliseconds."""
    if header.get("TIME_UNITS", "milliseconds") != "milliseconds":
        raise ValueError(f"line {line}: TIME_UNITS is {header.get('TIME_UNITS')}; expected milliseconds")
    videos = [media for media in header.findall("MEDIA_DESCRIPTOR") if _is_video(media)]
    if not videos:
        raise ValueError(f"line {line}: no MEDIA_DESCRIPTOR of a video; link the video in ELAN")
    if len(videos) > 1:
        listing.leave_out("files show several videos, of which the first is taken", str(listing.file))
    origin = videos[0].get("TIME_ORIGIN", "0")
    if not origin.lstrip("-").isdecimal():
        raise ValueError(f"line {line}: TIME_ORIGIN is {origin!r}; expected milliseconds")
    return _place(videos[0]), int(origin)


def _place(media: Element) -> str:
    """The path of a video; its address may be empty where ELAN has the relative one alone."""
    if address := media.get("MEDIA_URL"):
        return path_of(address)
    return "/" + re.sub(r"^(\.{1,2}/)+", "", unquote(forward(media.get("RELATIVE_MEDIA_URL", ""))))


def _is_video(media: Element) -> bool:
    return media.get("MIME_TYPE", "").startswith("video/") or has_video_extension(_place(media))


def _milliseconds(slot: Element, line: int) -> int | None:
    value = slot.get("TIME_VALUE")
    if value is not None and not value.isdecimal():
        raise ValueError(f"line {line}: TIME_SLOT {slot.get('TIME_SLOT_ID')} has the TIME_VALUE {value!r}")
    return int(value) if value is not None else None


def _root(attributes: dict[str, str], all_: dict[str, dict[str, str]]) -> dict[str, str]:
    """The attributes of the annotation that has the time of this one, which may refer to it by way of others."""
    for _ in range(len(all_)):
        if "ANNOTATION_REF" not in attributes:
            break
        attributes = all_.get(attributes["ANNOTATION_REF"], {})
    return attributes


def _add(
    video: str,
    label: str,
    timed: dict[str, str],
    slots: dict[str, int | None],
    origin: int,
    place: str,
    listing: Listing,
) -> None:
    start, end = (slots.get(timed.get(f"TIME_SLOT_REF{number}", "")) for number in (1, 2))
    if start is None or end is None:
        listing.leave_out("annotations have no time of their own and are left out", f"{listing.file} {place}")
        return
    listing.add(video, label, place, start=(start + origin) / 1000, end=(end + origin) / 1000)
