"""How frames lie on disk: what the writers of the media stage and the readers behind it agree on.

It imports nothing of ours, so that an edit of the extraction does not make trainings stale.
"""

from pathlib import Path

# Files of one frame in the storage `frames`, counted from 1: `image_00001.jpg`.
FILE_NAMES = {"rgb": ("image",), "flow": ("flow_x", "flow_y")}
# How JPEG files begin and end. Where one ends and the next begins can be searched for: inside the entropy-coded data,
# 0xff is always followed by 0.
START, END = b"\xff\xd8", b"\xff\xd9"
END_AND_START = END + START
# How a JPEG file begins that holds its picture transposed: with an Exif segment of one tag, orientation 5.
TRANSPOSED = START + b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01" + b"\x01\x12\0\x03\0\0\0\x01\0\x05\0\0" + bytes(4)
# A second in the time stamps of the storage `video`, where frame N is at N / fps seconds.
TICKS = 90000
# A part of a frame: top, left, height, width in pixels.
Box = dict[str, int]


def arrow_table(table_path: Path) -> Path:
    """Where the copy of a shard's table that can be mapped into memory lies."""
    return table_path.with_suffix(".arrow")


def frame_files(folder: Path, frame: int, modality: str) -> bytes:
    """The JPEG files of a frame, counted from 0, back to back."""
    return b"".join((folder / f"{name}_{frame + 1:05d}.jpg").read_bytes() for name in FILE_NAMES[modality])
