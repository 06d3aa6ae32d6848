"""A folder of numbered pictures is a video: which of its files are the pictures, in which order, and their state.

`image_00001.jpg`, `frame-7.png`, `0042.webp`: any name that ends in a number, counted from any first one. Pictures of
two videos in one folder are told apart by what stands before the number, and then nothing is guessed. The Snakefile
imports this module: it needs the standard library only.
"""

import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

PICTURE_EXTENSIONS = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
SAME_EXTENSION = {"jpeg": "jpg", "tiff": "tif"}
# A tab or a line break would break a line of the memory of tokens.
NUMBERED = re.compile(r"([^\t\n]*?)([0-9]+)\.([A-Za-z]+)")
# What stands before the number, without separators, where a folder has several numberings: of flow both are there.
FLOW_NAMES = (("flowx", "flowy"), ("flowu", "flowv"), ("x", "y"), ("u", "v"))
RGB_NAMES = ("image", "img", "frame", "rgb", "color", "colour")


class Numbered(NamedTuple):
    """The pictures of a folder in the order of their numbers; without any, the reason."""

    names: Sequence[str] = ()
    numbers: Sequence[int] = ()
    reason: str = ""


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture; a hidden one is none (`._image_1.jpg` of a Macintosh)."""
    return name.lower().endswith(PICTURE_EXTENSIONS) and not name.startswith(".")


def numbered(names: Iterable[str]) -> Numbered:
    """The one sequence of numbered pictures among the names of pictures, others left aside.

    Beside flow (`flow_x_00001.jpg`), or beside anything if it alone is called `image`, `rgb` or the like, pictures are
    those of the video.
    """
    sequences: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for name in names:
        if match := NUMBERED.fullmatch(name):
            prefix, number, extension = match.groups()
            extension = extension.lower()
            key = (prefix, SAME_EXTENSION.get(extension, extension))
            sequences.setdefault(key, []).append((int(number), name))
    if not sequences:
        return Numbered(reason="folders of pictures whose names do not end in a number")
    if (chosen := _chosen(list(sequences))) is None:
        return Numbered(reason="folders with several numberings of pictures, each of which may be a video")
    ordered = sorted(sequences[chosen])
    numbers = [number for number, _ in ordered]
    if len(set(numbers)) < len(numbers):
        return Numbered(reason="folders with two pictures of one number")
    return Numbered([name for _, name in ordered], numbers)


def pictures_in(folder: str | os.PathLike[str]) -> Numbered:
    """The numbered pictures of a folder; OSError where it cannot be read."""
    with os.scandir(folder) as entries:
        return numbered([entry.name for entry in entries if is_picture(entry.name) and entry.is_file()])


def sampled(names: Sequence[str]) -> list[str]:
    """The first, the middle and the last of them: who writes a video's pictures anew writes these."""
    return list(dict.fromkeys([names[0], names[len(names) // 2], names[-1]]))


def folder_state(
    folder: str, status: os.stat_result, names: Sequence[str], *, number: int, is_leaf: bool = True
) -> str:
    """The state of a folder of pictures as four fields like those of a file: inode, size, mtime_ns, ctime_ns.

    The inode is followed by the sampled pictures, so that they are found again without reading the folder, and by
    nothing where it is no leaf; the size is their number; the times are the latest of the folder and of these pictures.
    A picture that comes, goes or gets another name changes the folder's; one that is overwritten only its own.
    """
    known = [status, *(os.stat(f"{folder}/{name}") for name in names)]  # noqa: PTH116  a Path doubles the time
    modified, changed = (max(getattr(one, f"st_{time}_ns") for one in known) for time in ("mtime", "ctime"))
    identity = "/".join([str(status.st_ino), *names, *([] if is_leaf else [""])])
    return f"{identity}\t{number}\t{modified}\t{changed}"


def is_unchanged(folder: str, status: os.stat_result, known: str) -> bool:
    """Whether a folder still has the state that is known of it; it is not read. What lies below it may be new."""
    identity, number = known.split("\t")[:2]
    names = identity.split("/")[1:]
    if not names or "" in names:
        return False
    try:
        return folder_state(folder, status, names, number=int(number)) == known
    except (OSError, ValueError):  # gone, or a damaged line
        return False


def _chosen(keys: list[tuple[str, str]]) -> tuple[str, str] | None:
    """The numbering that is the video; None where several may be."""
    words = {key: re.sub(r"[-_. ]", "", key[0].lower()) for key in keys}
    flow = {name for pair in FLOW_NAMES if {*pair} <= {*words.values()} for name in pair}
    pictures = [key for key in keys if words[key] not in flow]
    if len(pictures) > 1:
        pictures = [key for key in pictures if words[key] in RGB_NAMES]
    return pictures[0] if len(pictures) == 1 else None
