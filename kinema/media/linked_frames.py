"""JPEG pictures of a folder that are frames already -> the frames of the storage `frames`, by links.

Hard links, so that a frame outlives its source, as any other frame does, and a project that moves keeps it. Both names
stand for the same bytes: who edits one picture in place edits both.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from kinema.experiment.data_sections import Media
from kinema.media import jpeg_header
from kinema.media.frame_folders import FrameFolder, Picture
from kinema.media.jpeg import decode
from kinema.media.layout import FILE_NAMES
from kinema.media.recipe import can_link
from kinema.media.shown import scaled_size


def linkable(folder: FrameFolder, *, media: Media) -> list[Picture]:
    """The pictures that become frames as they are; none where one of them would not be what a frame should be.

    Each is decoded as readers of frames do it: what these would refuse is noted as broken and left out.
    """
    if not (media.link_frames and can_link(media) and folder.kind == "mjpeg"):
        return []
    size = folder.about.width, folder.about.height
    if scaled_size(folder.about, media) != size:
        return []
    good = []
    for picture, jpeg in folder.read():
        if jpeg_header.storable_size(jpeg) != size:
            return []
        try:
            decode(jpeg, "BGR")
            good.append(picture)
        except OSError:
            folder.broken.append((picture.path.name, "damaged"))
    return good


def linked(pictures: Sequence[Picture], out: Path) -> Iterator[bytes]:
    """Link the pictures into a new folder, as frames; yields the bytes of each."""
    (name,) = FILE_NAMES["rgb"]
    out.mkdir()
    for number, picture in enumerate(pictures, start=1):
        frame = out / f"{name}_{number:05d}.jpg"
        _link(picture.path, frame)
        yield frame.read_bytes()


def _link(picture: Path, frame: Path) -> None:
    source = os.path.realpath(picture)  # a link to a symbolic link would lead elsewhere from another place
    try:
        os.link(source, frame)
    except OSError:  # another file system, one without links, or a file of somebody else's
        shutil.copyfile(source, frame)
