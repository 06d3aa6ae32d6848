"""Clip index -> the views of each clip that are scored: its frames are decoded once, and squares are cut out of them.

Nothing is random: the squares of `gaussian` are drawn by the name of the video.
"""

import copy
import hashlib
import math
from typing import Any, get_args

import cv2
import numpy as np
import torch

from kinema.clips.dataset import ClipDataset, StoredFrames
from kinema.clips.table import ClipIndex
from kinema.clips.transforms import Modality, modalities, parts_of
from kinema.experiment.model_sections import Evaluation
from kinema.inference.preprocessing import Position, Squares, resize, square_box, write_planes
from kinema.media.layout import Box
from kinema.media.reader import FrameReader, shards_to_keep_open

NUM_SQUARES = {"centre": 1, "three": 3, "five": 5, "ten": 5, "gaussian": 5}
MIRRORED = ("ten", "gaussian")  # each square is there mirrored as well
SEED = 1  # of the squares that are drawn


class ViewDataset(ClipDataset):
    """Clips of an index, each with all its views: {"clip": uint8 (T, V, C, size, size), ...} as of `ClipDataset`."""

    def __init__(self, index: ClipIndex, *, views: Evaluation, **options: Any):
        super().__init__(index, **options)
        self.views = views
        self.transform = ViewTransform(self.clip.size, views, modality=self.modality)

    def for_one_of(self, num_threads: int) -> "ViewDataset":
        """The same for one of so many threads of this process, with a reader and a share of its open files."""
        own = copy.copy(self)
        own._reader = FrameReader(max_open=max(1, shards_to_keep_open() // num_threads))
        return own

    @property
    def num_views(self) -> int:
        """Views of a clip."""
        return num_views(self.views)

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """Shape of every clip."""
        length, *frame = super().clip_shape
        return length, self.num_views, *frame


class ViewTransform:
    """Frames to the short side `size / scale`, then the squares of `size` that the settings ask for."""

    def __init__(self, size: int, views: Evaluation, *, modality: Modality):
        self.size, self.views, self.modalities = size, views, modalities(modality)
        self.squares = Squares(size, scale=views.scale, position=views.position)

    def __call__(self, *frames: StoredFrames, out: torch.Tensor) -> torch.Tensor:
        """T frames of one size, uint8 (H, W, C), of each modality -> uint8 (T, V, C, size, size), written to `out`."""
        for modality, read, clips in zip(self.modalities, frames, parts_of(out.numpy(), len(frames)), strict=True):
            if NUM_SQUARES[self.views.crops] == 1:
                self.squares.write(read, clips[:, 0])  # no more is decoded than this square needs
            else:
                self._write(read, clips, is_flow=modality == "flow")
        return out

    def _write(self, frames: StoredFrames, clips: np.ndarray, *, is_flow: bool) -> None:
        sides = frames.size
        height, width = (self.squares.short_side * side // min(sides) for side in sides)
        boxes = boxes_of(self.views, height, width, size=self.size, video=frames.video)
        whole: Box = {"top": 0, "left": 0, "height": sides[0], "width": sides[1]}
        for frame, views in zip(frames.cut(whole), clips, strict=True):
            resized = resize(frame, height, width)
            write_planes((_part(resized, box) for box in boxes), views[: len(boxes)])
        if self.views.crops in MIRRORED:
            _mirror(clips[:, : len(boxes)], clips[:, len(boxes) :], is_flow=is_flow)


def num_views(views: Evaluation) -> int:
    """Views of a clip by these settings."""
    return NUM_SQUARES[views.crops] * (1 + (views.crops in MIRRORED))


def boxes_of(views: Evaluation, height: int, width: int, *, size: int, video: str) -> list[Box]:
    """The squares of `size` in a resized frame of a video; mirrored ones come after them, in the same order."""
    if views.crops == "centre":
        return [square_box(height, width, side=size, position=views.position)]
    if views.crops == "three":
        middle = square_box(height, width, side=size, position="c")
        along, end = ("left", width) if width >= height else ("top", height)
        return [middle | {along: 0}, middle, middle | {along: end - size}]
    if views.crops == "gaussian":
        return _drawn_boxes(height, width, size=size, video=video)
    return [square_box(height, width, side=size, position=position) for position in get_args(Position)]


def _drawn_boxes(height: int, width: int, *, size: int, video: str) -> list[Box]:
    """Squares whose middle is normal around that of the frame, as the reference toolkit's: of the room r pixels that a
    square has on one side of the middle, the deviation is 3 sqrt(r) pixels, and it stays in the frame.

    The reference draws anew for every frame of a clip; here a square stays where it is, in all clips of a video.
    """
    name = int.from_bytes(hashlib.blake2b(video.encode(), digest_size=8).digest(), "big")
    drawn = np.random.default_rng([SEED, name]).standard_normal((NUM_SQUARES["gaussian"], 2))
    starts = []
    for room, numbers in zip((height - size, width - size), drawn.T, strict=True):
        middles = room / 2 + 3 * math.sqrt(room / 2) * numbers
        starts.append(np.rint(middles).clip(0, room).astype(int).tolist())
    return [{"top": top, "left": left, "height": size, "width": size} for top, left in zip(*starts, strict=True)]


def _part(image: np.ndarray, box: Box) -> np.ndarray:
    return image[box["top"] : box["top"] + box["height"], box["left"] : box["left"] + box["width"]]


def _mirror(views: np.ndarray, out: np.ndarray, *, is_flow: bool) -> None:
    """Views (T, V, C, S, S) left to right, to `out`; of flow the x component (channel 0) is turned round."""
    for clips, mirrored in zip(views, out, strict=True):
        for number in np.ndindex(clips.shape[:2]):
            cv2.flip(clips[number], 1, mirrored[number])
    if is_flow:
        out[:, :, 0] = 255 - out[:, :, 0]
