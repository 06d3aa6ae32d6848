"""JPEG data -> pixels, decoding no more of it than is wanted.

The entropy-coded data of a JPEG file can be entered only where a restart marker stands (ITU-T T.81, E.1.4). Stored
frames have one after every row of MCUs, the blocks of 8 x 8 or 16 x 16 pixels in which a JPEG file is coded: the rows
above and below what is wanted are left out of the data before it is decoded. Landscape pictures are stored transposed,
so that it is their columns that are left out; an Exif tag says so, by which other programs turn them back.
"""

import functools
import itertools
import re
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import simplejpeg

from kinema.media.jpeg_header import BASELINE, EXIF, SCAN, segments, size_in
from kinema.media.layout import END, START, TRANSPOSED, Box
from kinema.words import NO_JPEG

Colours = Literal["BGR", "GRAY"]
RESTART_INTERVAL = 0xDD  # second byte of a marker
RESTART = re.compile(b"\xff[\xd0-\xd7]")
BLOCK = 8  # pixels
EXIF_NAME, LONGEST_JFIF = b"Exif\0\0", 100  # how an Exif segment begins, and within how many bytes
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
    scan_at = jpeg.find(bytes([0xFF, SCAN]))
    data_at = scan_at + 2 + int.from_bytes(jpeg[scan_at + 2 : scan_at + 4], "big")
    header = _header(jpeg[:data_at]) if scan_at > 0 else None
    if header is None:
        return jpeg, 0
    rows = header.rows_between
    first, last = max(0, top - MARGIN) // rows, (min(header.height, bottom + MARGIN) - 1) // rows
    # where the data of each segment begins; it ends before the marker that stands before the next one
    markers = itertools.islice(RESTART.finditer(jpeg, data_at), max(0, last + 1))
    starts = [data_at, *[marker.end() for marker in markers]]
    num_markers = min(last + 1, -(-header.height // rows) - 1)  # there is none behind the last row
    if not first <= last or not _are_numbered(jpeg, starts[1:], num_markers):
        return jpeg, 0
    end = starts[last + 1] - 2 if last < num_markers else len(jpeg) - 2
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


def _are_numbered(jpeg: bytes, ends: list[int], num_markers: int) -> bool:
    """Whether there are so many restart markers, none of them lost before the last: they count from 0 to 7."""
    return len(ends) == num_markers and (not ends or jpeg[ends[-1] - 1] == 0xD0 + (num_markers - 1) % 8)


@functools.lru_cache(maxsize=64)
def _header(start: bytes) -> _Header | None:
    """What baseline files say that begin with these bytes and have a marker after every so many rows; else None."""
    found = {part.marker: part for part in segments(start)}
    others = found.keys() - {BASELINE, RESTART_INTERVAL, SCAN}
    if not found.keys() >= {BASELINE, RESTART_INTERVAL, SCAN} or found[SCAN].end != len(start):
        return None
    if not others <= (HARMLESS | {EXIF} if start.startswith(TRANSPOSED) else HARMLESS):
        return None
    frame, scan = found[BASELINE].content, found[SCAN].content
    height, width = size_in(frame)
    num_components = frame[5] if len(frame) > 5 else 0
    if not height or not scan.startswith(bytes([num_components])):  # a height that comes later; several scans
        return None
    across = down = 1  # blocks in an MCU; a single component has one, whatever its sampling factors say
    if num_components > 1:
        sampling = frame[7 : 6 + 3 * num_components : 3]
        across, down = max(factors >> 4 for factors in sampling), max(factors & 15 for factors in sampling)
    interval = int.from_bytes(found[RESTART_INTERVAL].content, "big")
    if not width or not across or not down or not interval or interval % (in_row := -(-width // (BLOCK * across))):
        return None
    return _Header(height, interval // in_row * BLOCK * down, found[BASELINE].end - len(frame) + 1)


def _decoded(jpeg: bytes | bytearray, colours: Colours) -> np.ndarray:
    is_foreign = jpeg.find(EXIF_NAME, 0, LONGEST_JFIF) >= 0 and not jpeg.startswith(TRANSPOSED)
    if is_foreign:  # another program's picture may be turned
        flags = cv2.IMREAD_COLOR if colours == "BGR" else cv2.IMREAD_GRAYSCALE
        if (image := cv2.imdecode(np.frombuffer(jpeg, np.uint8), flags)) is None:
            raise OSError(NO_JPEG)
        return image
    try:
        height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
        memory = _unaligned(height * width * (3 if colours == "BGR" else 1))
        image = simplejpeg.decode_jpeg(jpeg, colours, fastdct=False, fastupsample=False, buffer=memory)
    except ValueError as error:
        raise OSError(f"{NO_JPEG}: {error}") from error
    return image if colours == "BGR" else image[..., 0]


def _unaligned(num_bytes: int) -> np.ndarray:
    """New memory at an odd multiple of 16 bytes.

    libjpeg-turbo writes past the processor's cache where rows begin at multiples of 32 bytes, and whoever reads the
    picture next waits for main memory: with a transposition, a tenth of all the time that loading takes.
    """
    memory = np.empty(num_bytes + 31, np.uint8)
    start = (16 - memory.__array_interface__["data"][0]) % 32
    return memory[start : start + num_bytes]
