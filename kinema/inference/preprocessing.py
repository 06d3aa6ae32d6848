"""Decoded frames -> the uint8 clip that a network takes: scaled, cut to a square, R, G, B.

Training, evaluation and clients share it, so the pixels are the same everywhere. Resizing is bilinear without
antialiasing: the reference and most code on devices do it so. Normalisation is not here: it is the first step inside
the network.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Literal, Protocol

import cv2
import numpy as np

from kinema.media.layout import Box

Position = Literal["c", "tl", "tr", "bl", "br"]  # centre, or top or bottom, left or right


class Frames(Protocol):
    """The frames of a clip, all of one size, before any transform.

    They are B, G, R as OpenCV has them, and clips are R, G, B; those of flow are x, y.
    """

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def cut(self, box: Box) -> Iterator[np.ndarray]:
        """The box of each frame, uint8 (height, width, C).

        They come one by one as they are decoded: each finds the processor's cache as the one before left it. Whoever
        takes one may write into it.
        """


class Squares:
    """Short side to `size / scale`, then a square of `size` in the centre or at a corner: nothing is random."""

    def __init__(self, size: int, *, scale: float = 1.0, position: Position = "c"):
        self.size, self.position = size, position
        self.short_side = round(size / scale)

    def write(self, frames: Frames, clip: np.ndarray) -> None:
        """T frames of one size, uint8 (H, W, C) -> `clip`, uint8 (T, C, size, size)."""
        write_planes(self._of(frames), clip)

    def _of(self, frames: Frames) -> Iterator[np.ndarray]:
        sides = frames.size
        height, width = (self.short_side * side // min(sides) for side in sides)
        square = square_box(height, width, side=self.size, position=self.position)
        box = _source(square, sides, (height, width))
        whole: np.ndarray | None = None
        for part in frames.cut(box):
            # what is left out is read by no pixel of the square, so it may hold anything; the whole frame is resized,
            # because a part by itself would be sampled at other places
            whole = np.zeros((*sides, *part.shape[2:]), np.uint8) if whole is None else whole
            _cut(whole, **box)[:] = part
            yield _cut(resize(whole, height, width), **square)


def square_box(height: int, width: int, *, side: int, position: Position) -> Box:
    """The square of `side` pixels at a position in a frame; halves are rounded to even."""
    top, left = height - side, width - side
    if position == "c":
        top, left = round(top / 2), round(left / 2)
    else:
        top, left = top * (position[0] == "b"), left * (position[1] == "r")
    return {"top": top, "left": left, "height": side, "width": side}


def resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """An image (H, W, C) in another size; the same array where it has that size."""
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def write_planes(images: Iterable[np.ndarray], clip: np.ndarray, *, mirror: bool = False) -> None:
    """Images (H, W, C) to a clip (T, C, H, W), each mirrored left to right if so wanted; three channels turn round.

    Images are mirrored in their own memory, which the processor's cache holds. OpenCV's split is slow where the memory
    of the clip is not aligned, as PyTorch's is and NumPy's is not, and where that of an image has gaps.
    """
    for image, planes in zip(images, clip, strict=True):
        channels = list(planes[::-1] if len(planes) == 3 else planes)
        if mirror:
            cv2.flip(image, 1, image)
        cv2.split(np.ascontiguousarray(image), channels)


def _source(box: Box, sides: tuple[int, int], resized: tuple[int, int]) -> Box:
    """The part of frames of `sides` (height, width) that a box is made of, once they are resized bilinearly."""
    spans = []
    for start, length, side, new in zip(
        (box["top"], box["left"]), (box["height"], box["width"]), sides, resized, strict=True
    ):
        first = math.floor((start + 0.5) * side / new - 0.5) - 1
        last = math.floor((start + length - 0.5) * side / new - 0.5) + 2
        spans.append((max(0, first), min(side, last + 1)))
    (top, bottom), (left, right) = spans
    return {"top": top, "left": left, "height": bottom - top, "width": right - left}


def _cut(image: np.ndarray, *, top: int, left: int, height: int, width: int) -> np.ndarray:
    return image[top : top + height, left : left + width]
