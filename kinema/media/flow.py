"""Grey pictures -> optical flow as pictures: horizontal and vertical displacement in 8 bits each.

DIS flow (Kroeger et al., arXiv 1603.03590) from OpenCV: it needs no GPU and no build of its own, unlike TV-L1 tools.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

import cv2
import numpy as np

from kinema.media.layout import START, TRANSPOSED
from kinema.media.probe import MediaError

SMALLEST_SIDE = 16
BLOCK = 8  # pixels, of grey JPEG files
JPEG_QUALITY_0 = 100  # libjpeg's quality falls by 2 for each step of ffmpeg's -q:v
cv2.setNumThreads(0)  # videos run side by side already


def flow_pictures(grey: Iterable[np.ndarray], *, bound: float) -> Iterator[np.ndarray]:
    """Flow from each picture (H, W) to the next: uint8 (2, H, W), x before y; one fewer than pictures.

    A displacement of -bound..bound pixels becomes 0..255, no motion 128; larger ones are cut off. Raises MediaError if
    a side has fewer than 16 pixels, on which OpenCV crashes.
    """
    estimator = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for before, after in pairwise(grey):
        if min(before.shape) < SMALLEST_SIDE:
            raise MediaError("too small for flow", detail=f"{before.shape[1]} x {before.shape[0]} pixels")
        displacement = estimator.calc(before, after, None)  # type: ignore[call-overload]  # an array would be a guess
        yield quantise(displacement.transpose(2, 0, 1), bound=bound)


def quantise(displacement: np.ndarray, *, bound: float) -> np.ndarray:
    """Pixels of displacement, any shape, as grey values."""
    return np.rint((np.clip(displacement, -bound, bound) + bound) * (255 / (2 * bound))).astype(np.uint8)


def encode_jpeg(picture: np.ndarray, *, quality: int, transposed: bool = False) -> bytes:
    """A grey picture (H, W) as a JPEG file; `quality` on the scale of ffmpeg's `-q:v`, 2 best to 31 worst.

    After every row of blocks it has a restart marker. A `transposed` one says so by an Exif tag.
    """
    stored = cv2.transpose(picture) if transposed else picture
    in_row = -(-stored.shape[1] // BLOCK)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY_0 - 2 * quality, cv2.IMWRITE_JPEG_RST_INTERVAL, in_row]
    done, data = cv2.imencode(".jpg", stored, options)
    assert done
    return TRANSPOSED + data.tobytes()[len(START) :] if transposed else data.tobytes()
