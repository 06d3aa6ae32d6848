"""JPEG data -> pixels, decoding no more of it than is wanted.

The entropy-coded data of a JPEG file can be entered only where a restart marker stands (ITU-T T.81, E.1.4). Stored
frames have one after every row of MCUs, the blocks of 8 x 8 or 16 x 16 pixels in which a JPEG file is coded: the rows
above and below what is wanted are left out of the data before it is decoded. Landscape pictures are stored transposed,
so that it is their columns that are left out; an Exif tag says so, by which other programs turn them back.
"""

import functools
import re
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import simplejpeg

from kinema.media.layout import END, START, TRANSPOSED, Box
from kinema.words import NO_JPEG

Colours = Literal["BGR", "GRAY"]
FRAME_HEADER, RESTART_INTERVAL = 0xC0, 0xDD  # second bytes of markers; the first is baseline coding
SCAN_HEADER = b"\xff\xda"
RESTART = re.compile(b"\xff[\xd0-\xd7]")
BLOCK = 8  # pixels
EXIF, LONGEST_JFIF = b"Exif\0\0", 100  # what an Exif segment says, and within how many bytes
# what may stand before the data: tables, comments, and what programs add, but for Exif, which may turn the picture
HARMLESS = frozenset({0xC4, 0xDB, 0xFE, 0xE0, *range(0xE2, 0xF0)})
# Decoders smooth between neighbouring values of colour, each of which is for 2 x 2 pixels.
MARGIN = 2


@dataclass(frozen=True, slots=True)
class _Header:
    """What a JPEG file says before its data: sizes in pixels, positions in bytes."""

    height: int
    rows_between: int  # rows of pixels from one restart marker to the next
    height_at: int


def decode(jpeg: bytes, colours: Colours, box: Box | None = None) -> np.ndarray:
    """Pixels uint8 (H, W, 3), B, G, R, or grey ones (H, W), of the upright picture or of a box in it.

    They are those of cv2.imdecode, in less time; those of a box are the same as in the whole picture. Raises OSError
    where the data is no JPEG file, or a damaged one, or has no such box.
    """
    if jpeg[:2] != START or jpeg[-2:] != END:
        raise OSError(NO_JPEG)
    is_transposed = jpeg.startswith(TRANSPOSED)
    if box is None:
        image = _decoded(jpeg, colours)
    else:
        rows, columns = (box["top"], box["height"]), (box["left"], box["width"])
        if is_transposed:
            rows, columns = columns, rows
        (top, height), (left, width) = rows, columns
        data, first = cut_rows(jpeg, top, top + height)
        image = _decoded(data, colours)[top - first : top - first + height, left : left + width]
        if image.shape[:2] != (height, width):
            raise OSError(f"the picture does not hold the box {box}")
    return cv2.transpose(image) if is_transposed else image


def cut_rows(jpeg: bytes, top: int, bottom: int) -> tuple[bytes | bytearray, int]:
    """A JPEG file with the rows [top, bottom) of pixels as stored, and the number of its first row.

    It has a few rows more, or all of them where the file has no restart markers to cut at.
    """
    scan_at = jpeg.find(SCAN_HEADER)
    data_at = scan_at + 2 + int.from_bytes(jpeg[scan_at + 2 : scan_at + 4], "big")
    header = _header(jpeg[:data_at]) if scan_at > 0 else None
    if header is None:
        return jpeg, 0
    # where the data of each segment begins; it ends before the marker that stands before the next one
    starts = [data_at, *[marker.end() for marker in RESTART.finditer(jpeg, data_at)]]
    rows = header.rows_between
    first, last = max(0, top - MARGIN) // rows, (min(header.height, bottom + MARGIN) - 1) // rows
    if len(starts) != -(-header.height // rows) or not first <= last:
        return jpeg, 0
    end = starts[last + 1] - 2 if last + 1 < len(starts) else len(jpeg) - 2
    cut = bytearray(jpeg[:data_at])
    num_rows = min(header.height, (last + 1) * rows) - first * rows
    cut[header.height_at : header.height_at + 2] = num_rows.to_bytes(2, "big")
    cut += jpeg[starts[first] : end]
    if first % 8:  # markers are numbered from 0 to 7, again and again
        shift = data_at - starts[first] - 1
        for number, start in enumerate(starts[first + 1 : last + 1]):
            cut[start + shift] = 0xD0 + number % 8
    cut += END
    return cut, first * rows


@functools.lru_cache(maxsize=64)
def _header(start: bytes) -> _Header | None:
    """What baseline files say that begin with these bytes and have a marker after every so many rows; else None."""
    position = len(TRANSPOSED) if start.startswith(TRANSPOSED) else len(START)
    interval = frame_at = 0
    while position + 4 <= len(start):
        marker, length = start[position + 1], int.from_bytes(start[position + 2 : position + 4], "big")
        if marker == FRAME_HEADER:
            frame_at = position
        elif marker == RESTART_INTERVAL:
            interval = int.from_bytes(start[position + 4 : position + 6], "big")
        elif marker == SCAN_HEADER[1]:
            is_all = position + 2 + length == len(start)
            return _in_rows(start, frame_at, position, interval) if is_all and frame_at and interval else None
        elif marker not in HARMLESS:
            return None
        position += 2 + length
    return None


def _in_rows(start: bytes, frame_at: int, scan_at: int, interval: int) -> _Header | None:
    height, width = (int.from_bytes(start[frame_at + at : frame_at + at + 2], "big") for at in (5, 7))
    num_components = start[frame_at + 9]
    if start[scan_at + 4] != num_components or not height:  # components in several scans; a height that comes later
        return None
    across = down = 1  # blocks in an MCU; a single component has one, whatever its sampling factors say
    if num_components > 1:
        sampling = start[frame_at + 11 : frame_at + 11 + 3 * num_components : 3]
        across, down = max(factors >> 4 for factors in sampling), max(factors & 15 for factors in sampling)
    if not across or not down or interval % (in_row := -(-width // (BLOCK * across))):
        return None
    return _Header(height, interval // in_row * BLOCK * down, frame_at + 5)


def _decoded(jpeg: bytes | bytearray, colours: Colours) -> np.ndarray:
    if jpeg.find(EXIF, 0, LONGEST_JFIF) >= 0 and not jpeg.startswith(
        TRANSPOSED
    ):  # of another program: it may be turned
        flags = cv2.IMREAD_COLOR if colours == "BGR" else cv2.IMREAD_GRAYSCALE
        if (image := cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags)) is None:
            raise OSError(NO_JPEG)
        return image
    try:
        image = simplejpeg.decode_jpeg(jpeg, colours, fastdct=False, fastupsample=False)
    except ValueError as error:
        raise OSError(f"{NO_JPEG}: {error}") from error
    return image if colours == "BGR" else image[..., 0]
