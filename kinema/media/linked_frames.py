"""JPEG pictures of a folder that are frames already -> the frames of the storage `frames`, by links.

Hard links, so that a frame outlives its source, as any other frame does, and a project that moves keeps it. Both names
stand for the same bytes: who edits one picture in place edits both.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kinema.config import Media
from kinema.media import jpeg_header
from kinema.media.ffmpeg import DecodeError, grey_stream
from kinema.media.filters import scaled_size
from kinema.media.frame_folders import FrameFolder
from kinema.media.layout import FILE_NAMES
from kinema.media.recipe import can_link


def may_be_linked(folder: FrameFolder, *, media: Media, ffmpeg: str) -> bool:
    """Whether each picture is what a frame should be, and can be decoded: that is tried, as for any other video."""
    if not (media.link_frames and can_link(media) and folder.kind.decoder == "mjpeg"):
        return False
    size = folder.about.width, folder.about.height
    if scaled_size(*size, media.short_side) != size:
        return False
    sizes = {jpeg_header.storable_size(data) for _, data in folder.read()}
    if sizes != {size} or folder.broken:
        return False
    try:
        with folder.fed() as pipe:
            num_decoded = sum(1 for _ in grey_stream(pipe, media=media, ffmpeg=ffmpeg))
    except DecodeError:
        return False
    return num_decoded == len(folder.pictures)


def linked(folder: FrameFolder, out: Path) -> Iterator[bytes]:
    """Link the pictures into a new folder, as frames; yields the bytes of each."""
    (name,) = FILE_NAMES["rgb"]
    out.mkdir()
    for number, picture in enumerate(folder.pictures, start=1):
        frame = out / f"{name}_{number:05d}.jpg"
        _link(picture.path, frame)
        yield frame.read_bytes()


def _link(picture: Path, frame: Path) -> None:
    source = os.path.realpath(picture)  # a link to a symbolic link would lead elsewhere from another place
    try:
        os.link(source, frame)
    except OSError:  # another file system, one without links, or a file of somebody else's
        shutil.copyfile(source, frame)
