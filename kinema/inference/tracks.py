"""Segments of one video -> subtitles, and labels for programs in which people annotate. What is `none` is left out."""

import html
from collections.abc import Callable, Sequence
from xml.etree import ElementTree

from kinema.inference.rows import Row

TIER = "kinema"
EAF_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"


def _answered(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["answer"] is not None]


def as_webvtt(rows: Sequence[Row]) -> str:
    """WebVTT (W3C), a cue a segment: the class and its confidence."""
    cues = [
        f"{_clock(row['start'], '.')} --> {_clock(row['end'], '.')}\n{html.escape(_caption(row), quote=False)}\n"
        for row in _answered(rows)
    ]
    return "\n".join(["WEBVTT\n", *cues])


def as_subrip(rows: Sequence[Row]) -> str:
    """SubRip, `.srt`."""
    cues = [
        f"{number}\n{_clock(row['start'], ',')} --> {_clock(row['end'], ',')}\n{_caption(row)}\n"
        for number, row in enumerate(_answered(rows), start=1)
    ]
    return "\n".join(cues)


def as_audacity(rows: Sequence[Row]) -> str:
    """Audacity's label track: start, end and label between tabs."""
    return "".join(f"{row['start']:.6f}\t{row['end']:.6f}\t{_one_line(row['answer'])}\n" for row in _answered(rows))


def as_elan(rows: Sequence[Row]) -> str:
    """ELAN's annotation document, EAF 3.0, with one tier; times are milliseconds."""
    video = rows[0]["video"]
    document = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "kinema",
            "DATE": "1970-01-01T00:00:00Z",  # the same segments are the same file
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": EAF_SCHEMA,
        },
    )
    header = ElementTree.SubElement(document, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", {"MEDIA_URL": video, "MIME_TYPE": "video/*"})
    times = ElementTree.SubElement(document, "TIME_ORDER")
    tier = ElementTree.SubElement(document, "TIER", {"TIER_ID": TIER, "LINGUISTIC_TYPE_REF": "default-lt"})
    for number, row in enumerate(_answered(rows), start=1):
        slots = {"TIME_SLOT_REF1": f"ts{2 * number - 1}", "TIME_SLOT_REF2": f"ts{2 * number}"}
        for slot, seconds in zip(slots.values(), (row["start"], row["end"]), strict=True):
            value = str(round(seconds * 1000))
            ElementTree.SubElement(times, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": value})
        annotation = ElementTree.SubElement(tier, "ANNOTATION")
        aligned = ElementTree.SubElement(annotation, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **slots})
        ElementTree.SubElement(aligned, "ANNOTATION_VALUE").text = row["answer"]
    ElementTree.SubElement(
        document,
        "LINGUISTIC_TYPE",
        {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "default-lt", "TIME_ALIGNABLE": "true"},
    )
    ElementTree.indent(document)
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{ElementTree.tostring(document, encoding='unicode')}\n"


TRACKS: dict[str, Callable[[Sequence[Row]], str]] = {
    "vtt": as_webvtt,
    "srt": as_subrip,
    "eaf": as_elan,
    "txt": as_audacity,
}
"""By the ending of a file."""


def _caption(row: Row) -> str:
    return f"{_one_line(row['answer'])} {row['confidence']:.2f}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
