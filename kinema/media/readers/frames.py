"""Frames of the storage `frames`: files of a folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from kinema.media.layout import frame_files
from kinema.media.readers.interface import StoredVideo
from kinema.media.readers.jpegs import JpegReader


class FramesReader(JpegReader):
    """Opens each file when it is its turn."""

    def jpegs(self, video: StoredVideo, frames: Sequence[int]) -> Iterator[bytes]:
        """See `JpegReader`."""
        for frame in frames:
            yield frame_files(Path(video.place), frame, self.modality)
