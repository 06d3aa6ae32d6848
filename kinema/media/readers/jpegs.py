"""What the storages have in common that keep JPEG files: one of a picture, or two of horizontal and vertical flow."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from kinema.media.jpeg import decode
from kinema.media.layout import END, END_AND_START, Box
from kinema.media.readers.interface import StorageReader, StoredVideo
from kinema.words import NO_JPEG


class JpegReader(StorageReader):
    """Decodes the JPEG files that a storage finds."""

    @abstractmethod
    def jpegs(self, video: StoredVideo, frames: Sequence[int]) -> Iterator[bytes]:
        """The JPEG files of each frame, back to back. Raises OSError where they are not there."""

    def read(self, video: StoredVideo, frames: Sequence[int], box: Box | None) -> Iterator[np.ndarray]:
        """See `StorageReader`. Of a box no more is decoded than it needs."""
        if self.modality == "rgb":
            for jpeg in self.jpegs(video, frames):
                yield decode(jpeg, "BGR", box)
        else:
            for two in self.jpegs(video, frames):
                yield cv2.merge([decode(plane, "GRAY", box) for plane in _planes(two)])


def _planes(jpegs: bytes) -> tuple[bytes, bytes]:
    """Two JPEG files that follow each other."""
    end = jpegs.find(END_AND_START) + len(END)
    if end < len(END):
        raise OSError(NO_JPEG)
    return jpegs[:end], jpegs[end:]
