"""Frames of the storage `video`: pictures of an mp4 file, from the key frame before the first one on."""

import collections
from collections.abc import Iterator, Sequence

import av
import cv2
import numpy as np

from kinema.media.layout import TICKS, Box
from kinema.media.readers.interface import StorageReader, StoredVideo


class VideoReader(StorageReader):
    """Opens the file of a video for each read."""

    def read(self, video: StoredVideo, frames: Sequence[int], box: Box | None) -> Iterator[np.ndarray]:
        """See `StorageReader`."""
        rows, columns = _slices(box) if box else (slice(None), slice(None))
        wanted = collections.deque(frames)
        with av.open(f"file:{video.place}") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            container.seek(round(wanted[0] / video.fps * TICKS), stream=stream)  # to the key frame before
            for picture in container.decode(stream):
                if round(picture.pts / TICKS * video.fps) == wanted[0]:
                    yield self._pixels(picture, video.height)[rows, columns]
                    wanted.popleft()
                if not wanted:
                    return
        raise OSError(f"it lacks frame {wanted[0]}")

    def _pixels(self, picture: av.VideoFrame, height: int) -> np.ndarray:
        if self.modality == "rgb":
            return picture.to_ndarray(format="bgr24")
        luminance = picture.to_ndarray()
        return cv2.merge([luminance[:height], luminance[height : 2 * height]])  # x lies above y


def _slices(box: Box) -> tuple[slice, slice]:
    top, left = box["top"], box["left"]
    return slice(top, top + box["height"]), slice(left, left + box["width"])
