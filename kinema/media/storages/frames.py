"""The storage `frames`: a folder of JPEG files a video, for other tools.

JPEG pictures of a folder that are frames already become frames by hard links, so that a frame outlives its source, as
any other frame does, and a project that moves keeps it. Both names stand for the same bytes: who edits one picture in
place edits both.
"""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from kinema.experiment.data_sections import Media
from kinema.media import jpeg_header
from kinema.media.digests import FramesDigest
from kinema.media.frame_folders import FrameFolder, Picture
from kinema.media.jpeg import decode
from kinema.media.layout import FILE_NAMES, frame_files
from kinema.media.recipe import can_link
from kinema.media.shown import scaled_size
from kinema.media.storages.file_store import FileStorage
from kinema.media.storages.source import Source
from kinema.media.storages.written import Written


class FramesStorage(FileStorage):
    """`image_00001.jpg` and so on, or `flow_x_00001.jpg` and `flow_y_00001.jpg`, counted from 1."""

    root_name, extension = "frames", ""

    def write(self, source: Source, place: Path, written: Written) -> None:
        """See `Storage`. Pictures lie upright: other tools read them, some of which do not look at Exif tags."""
        names = FILE_NAMES[self.media.modality]
        place.mkdir()
        with contextlib.closing(source.jpegs()) as frames:
            for jpegs in frames:
                written.add(jpegs)
                for name, jpeg in zip(names, jpegs, strict=True):
                    _frame_path(place, name, written.num_frames).write_bytes(jpeg)

    def link(self, folder: FrameFolder, place: Path, written: Written) -> bool:
        """See `Storage`."""
        pictures = linkable(folder, media=self.media)
        if not pictures:
            return False
        (name,) = FILE_NAMES["rgb"]
        place.mkdir()
        for number, picture in enumerate(pictures, start=1):
            frame = _frame_path(place, name, number)
            _link(picture.path, frame)
            written.add([frame.read_bytes()])
        return True

    def digest(self, place: Path, *, num_frames: int, num_bytes: int, offsets: Sequence[int] | None) -> str:
        """See `Storage`."""
        digest = FramesDigest()
        for frame in range(num_frames):
            digest.add(frame_files(place, frame, self.media.modality))
        return str(digest)


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


def _frame_path(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}_{number:05d}.jpg"


def _link(picture: Path, frame: Path) -> None:
    source = os.path.realpath(picture)  # a link to a symbolic link would lead elsewhere from another place
    try:
        os.link(source, frame)
    except OSError:  # another file system, one without links, or a file of somebody else's
        shutil.copyfile(source, frame)
