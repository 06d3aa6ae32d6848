"""A folder of numbered pictures as a video."""

import logging
from dataclasses import replace
from pathlib import Path

from kinema.inference.filters import Pictures
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.video import DEFAULT, Video
from kinema.media.pictures import pictures_in
from kinema.media.probe import MediaError, Probe, open_container, probe, reading

log = logging.getLogger(__name__)


class PictureFolder(Video):
    """Frames of the pictures of a folder whose names end in a number, `image_00001.jpg`, in the order of the numbers.

    When they were taken is unknown, so that clips count them by number. A picture that cannot be read is left out.
    MediaError where none can be read.
    """

    def __init__(self, path: Path | str, *, frames: FrameSpec = DEFAULT):
        with reading():
            found = pictures_in(path)
        if not found.names:
            raise MediaError("no numbered pictures", detail=found.reason)
        self._files = [Path(path) / name for name in found.names]
        super().__init__(path, frames=replace(frames, fps=None))

    def _probe(self) -> Probe:
        """Of the first picture that can be read."""
        reason = None
        for file in self._files:
            try:
                return replace(probe(file), fps=None, has_times=False)
            except MediaError as error:
                reason = reason or error
        raise MediaError("no picture can be read", detail=f"{self._files[0].name}: {reason}")

    def _decoded(self) -> Pictures:
        num_broken = 0
        for file in self._files:
            try:
                with open_container(file) as container:
                    yield from container.decode(video=0)
            except MediaError:
                num_broken += 1
        if num_broken:
            log.warning("%s: %d pictures cannot be read; these frames are missing", self.path, num_broken)
