"""The header of a JPEG file: its segments up to the picture's data, and what they say."""

from collections.abc import Iterator
from typing import NamedTuple

from kinema.media.layout import END, START

SCAN = 0xDA  # behind its segment comes the picture's data
BASELINE = 0xC0  # a frame header; those of progressive pictures and of rarer ones have other numbers
JFIF, EXIF = 0xE0, 0xE1
ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length


class Segment(NamedTuple):
    """One part of a header; it ends before byte `end` of the file."""

    marker: int
    content: bytes
    end: int


def segments(jpeg: bytes) -> Iterator[Segment]:
    """The segments up to that of the scan; of a damaged header those before the damage."""
    position = len(START)
    while jpeg[position : position + 1] == b"\xff" and position + 4 <= len(jpeg):
        marker = jpeg[position + 1]
        if marker == 0xFF or marker in ALONE:  # filling
            position += 1 if marker == 0xFF else 2
            continue
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        yield Segment(marker, jpeg[position + 4 : end], end)
        if marker == SCAN:
            return
        position = end


def picture_of(jpeg: bytes) -> bytes:
    """The picture without what may follow it, as in the files of some phones; nothing where its end is lacking."""
    for part in segments(jpeg):
        if part.marker == SCAN and (end := jpeg.find(END, part.end)) >= 0:
            return jpeg[: end + len(END)]
    return b""


def storable_size(jpeg: bytes) -> tuple[int, int] | None:
    """Width and height of a file that may be stored as it is; None where readers could take it for something else.

    It is a baseline picture, grey or of three colours, upright, with square pixels, and nothing follows it.
    """
    size = None
    for marker, content, _ in segments(jpeg):
        if marker == EXIF and content.startswith(b"Exif"):
            return None  # it may be meant to be turned
        if marker == JFIF and content[:4] == b"JFIF" and content[8:10] != content[10:12]:
            return None
        if marker == BASELINE and len(content) > 5 and content[0] == 8 and content[5] in (1, 3):
            size = int.from_bytes(content[3:5], "big"), int.from_bytes(content[1:3], "big")
    return size if jpeg.endswith(END) and picture_of(jpeg) else None
