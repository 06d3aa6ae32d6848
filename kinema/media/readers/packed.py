"""Frames of the storage `packed`: JPEG files anywhere in the one tar of a shard."""

import os
from collections.abc import Iterator, Sequence

from kinema.media.readers.interface import StoredVideo
from kinema.media.readers.jpegs import JpegReader


class PackedReader(JpegReader):
    """Keeps the tar open from the first read on. Each read names its position, so that a fork may share the file."""

    def __init__(self, modality: str):
        super().__init__(modality)
        self._tar: int | None = None

    def jpegs(self, video: StoredVideo, frames: Sequence[int]) -> Iterator[bytes]:
        """See `JpegReader`."""
        if self._tar is None:
            self._tar = os.open(video.place, os.O_RDONLY | os.O_CLOEXEC)
        for frame in frames:
            start, end = int(video.offsets[frame]), int(video.offsets[frame + 1])
            jpeg = os.pread(self._tar, max(0, end - start), start)
            if len(jpeg) != end - start:
                raise OSError(f"it ends before byte {end}, where the table places frame {frame}")
            yield jpeg

    def close(self) -> None:
        """Let go of the tar."""
        if self._tar is not None:
            os.close(self._tar)
            self._tar = None

    def __del__(self):
        self.close()
