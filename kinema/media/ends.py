"""The last bytes of a video file -> whether it ends before its container does: a copy or a recording that broke off."""

import os
from io import BufferedReader
from pathlib import Path

TAIL_BYTES = 1 << 17  # more than the largest page of Ogg
SYNC = 0x47  # the first byte of every MPEG transport packet
TRANSPORT_SIZES = {188: 0, 192: 4, 204: 0}  # bytes of a packet, and before its sync byte
BOXES = (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"sidx", b"mfra", b"emsg", b"prft", b"free", b"skip", b"uuid")
UNKNOWN_LENGTH = 0xFFFFFF00  # and more: of a chunk that was never finished
ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")


def what_is_cut(path: Path, format_name: str) -> str | None:
    """What the file ends in the middle of; None where it ends well, or where its format does not tell."""
    for name, (what, is_cut) in CHECKS.items():
        if name in format_name.split(","):
            with path.open("rb") as file:
                return what if is_cut(file, os.fstat(file.fileno()).st_size) else None
    return None


def _transport_is_cut(file: BufferedReader, size: int) -> bool:
    head = file.read(4 * max(TRANSPORT_SIZES) + max(TRANSPORT_SIZES))
    for length, before in TRANSPORT_SIZES.items():
        for first in range(length):
            marks = head[first::length][:4]
            if len(marks) == 4 and set(marks) == {SYNC}:
                return (size - first + before) % length != 0
    return False


def _boxes_are_cut(file: BufferedReader, size: int) -> bool:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if header[4:8] not in BOXES or length < 8:  # other things behind the video, or a box up to the end
            return False
        position += length
    return position > size


def _page_is_cut(file: BufferedReader, size: int) -> bool:
    file.seek(max(0, size - TAIL_BYTES))
    tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    num_segments = page[26] if len(page) > 26 else 0
    return len(page) < 27 + num_segments + sum(page[27 : 27 + num_segments])


def _movie_is_cut(file: BufferedReader, size: int) -> bool:
    position = end = 0
    while position + 12 <= size:
        file.seek(position)
        header = file.read(12)
        length = int.from_bytes(header[4:8], "little")
        if position >= end:
            if header[:4] != b"RIFF":  # a file of more than a gigabyte has several, others have padding behind
                return False
            position, end = position + 12, position + 8 + length
            continue
        if header[:4] == b"LIST" and header[8:] == b"movi" and position + 8 + length > size:
            return length < UNKNOWN_LENGTH
        position += 8 + length + length % 2
    return False


def _asf_data_is_cut(file: BufferedReader, size: int) -> bool:
    position = 0
    while position + 24 <= size:
        file.seek(position)
        header = file.read(24)
        length = int.from_bytes(header[16:], "little")
        if header[:16] == ASF_DATA:
            return position + length > size
        position += max(24, length)
    return False


def _tag_is_cut(file: BufferedReader, size: int) -> bool:
    file.seek(max(0, size - 4))
    length = int.from_bytes(file.read(4), "big")  # of the tag before it
    if not 11 <= length <= size - 4:
        return True
    file.seek(size - 4 - length)
    header = file.read(4)
    return header[0] & 0x1F not in (8, 9, 18) or int.from_bytes(header[1:], "big") + 11 != length


# By ffmpeg's name of the format.
CHECKS = {
    "mpegts": ("a transport packet", _transport_is_cut),
    "mov": ("a box", _boxes_are_cut),
    "ogg": ("a page", _page_is_cut),
    "avi": ("its pictures", _movie_is_cut),
    "asf": ("its pictures", _asf_data_is_cut),
    "flv": ("a tag", _tag_is_cut),
}
