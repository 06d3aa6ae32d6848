"""Decoded frames -> one uint8 clip: crop, size, mirror image and colour, drawn once a clip, alike for all its frames.

Random numbers are drawn by torchvision's transforms v2, and the result is theirs. Frames are cut, resized, coloured and
mirrored by OpenCV one by one before they become a clip, which takes a third of the time of doing it to the stacked
clip. Resizing is bilinear without antialiasing: the reference and most code on devices do it so. Normalisation is not
here: it is the first step inside the model, on the device.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import torch
from torch import nn
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from kinema.config import Augmentation
from kinema.media.jpeg import Box

# loaders are many processes already, and OpenCV's threads do not survive the fork of a worker
cv2.setNumThreads(0)

Modality = Literal["rgb", "flow"]
Position = Literal["c", "tl", "tr", "bl", "br"]  # centre, or top or bottom, left or right
POSITIONS: tuple[Position, ...] = ("c", "tl", "tr", "bl", "br")
# every row the weights of blue, green and red in grey, as of torchvision
GREY_OF_BGR = np.tile([0.1140, 0.5870, 0.2989], (3, 1))


class Frames(Protocol):
    """The frames of a clip, all of one size, before any transform.

    They are B, G, R as `FrameReader` gives them, and clips are R, G, B; those of flow are x, y.
    """

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def cut(self, box: Box) -> Iterator[np.ndarray]:
        """The box of each frame, uint8 (height, width, C).

        They come one by one as they are decoded: each finds the processor's cache as the one before left it. Whoever
        takes one may write into it.
        """


class TrainingTransform:
    """Random crop resized to (size, size), mirror image and colour; drawn from torch's global generator.

    The mirror image of flow has its x component (channel 0) turned round; its "colours" are left alone.
    """

    def __init__(self, size: int, augmentation: Augmentation, *, modality: Modality = "rgb"):
        self.size, self.modality = size, modality
        self.flip_probability = augmentation.horizontal_flip
        self.crop = random_crop(size, augmentation)
        self.colours = ColourMatrix(augmentation) if modality == "rgb" and changes_colours(augmentation) else None
        self.effects = random_effects(augmentation) if modality == "rgb" else nn.Identity()

    def __call__(self, frames: Frames, *, out: torch.Tensor) -> torch.Tensor:
        """T frames of one size, uint8 (H, W, C) -> uint8 (T, C, size, size), to `out` unless there are effects."""
        mirror = float(torch.rand(())) < self.flip_probability
        _write(self._images(frames), out, mirror=mirror)
        if mirror and self.modality == "flow":
            out[:, 0] = 255 - out[:, 0]
        return self.effects(out)

    def _images(self, frames: Frames) -> Iterator[np.ndarray]:
        box = self.crop.make_params([torch.empty((0, *frames.size))])
        change = self.colours.draw() if self.colours else None
        for part in frames.cut(box):
            image = _resize(part, self.size, self.size)
            yield change(image) if change else image


class EvaluationTransform:
    """Short side to `size / scale`, then a square of `size` in the centre or at a corner: nothing is random."""

    def __init__(self, size: int, *, scale: float = 1.0, position: Position = "c"):
        self.size, self.position = size, position
        self.short_side = round(size / scale)

    def __call__(self, frames: Frames, *, out: torch.Tensor) -> torch.Tensor:
        """T frames of one size, uint8 (H, W, C) -> uint8 (T, C, size, size), written to `out`."""
        _write(self._squares(frames), out)
        return out

    def _squares(self, frames: Frames) -> Iterator[np.ndarray]:
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
            yield _cut(_resize(whole, height, width), **square)


def random_crop(size: int, augmentation: Augmentation) -> v2.Transform:
    """The transform whose parameters are the box to cut out of a frame."""
    if augmentation.crop == "corner":
        return CornerCrop(augmentation.crop_scales)
    if augmentation.crop == "random":
        return FixedSizeCrop(size)
    return v2.RandomResizedCrop(size, scale=augmentation.crop_area, ratio=augmentation.crop_aspect)


def random_effects(augmentation: Augmentation) -> nn.Module:
    """What changes the pixels of a finished clip."""
    steps: list[nn.Module] = []
    if augmentation.hue:
        steps.append(v2.ColorJitter(hue=augmentation.hue))
    if augmentation.sharpness:
        steps.append(Sharpness(augmentation.sharpness))
    if augmentation.rand_augment_ops:
        steps.append(v2.RandAugment(augmentation.rand_augment_ops, augmentation.rand_augment_magnitude))
    return nn.Sequential(*steps)


def changes_colours(augmentation: Augmentation) -> bool:
    """Whether brightness, contrast or saturation is ever changed."""
    return any((augmentation.brightness, augmentation.contrast, augmentation.saturation))


class ColourMatrix:
    """Brightness, contrast and saturation of v2.ColorJitter: together they are one linear map of the colours."""

    def __init__(self, augmentation: Augmentation):
        self.jitter = v2.ColorJitter(augmentation.brightness, augmentation.contrast, augmentation.saturation)

    def draw(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """What to do with each frame (H, W, 3) of a clip, B, G, R; None if there is nothing to do."""
        drawn = self.jitter.make_params([])
        names = [("brightness", "contrast", "saturation")[index] for index in drawn["fn_idx"].tolist() if index < 3]
        steps = [(name, factor) for name in names if (factor := drawn[f"{name}_factor"]) is not None]
        return (lambda frame: _coloured(frame, steps)) if steps else None


def _coloured(frame: np.ndarray, steps: Sequence[tuple[str, float]]) -> np.ndarray:
    matrix, offset = np.eye(3), np.zeros(3)
    for name, factor in steps:
        if name == "saturation":
            blend = factor * np.eye(3) + (1 - factor) * GREY_OF_BGR
            matrix, offset = blend @ matrix, blend @ offset
            continue
        matrix, offset = factor * matrix, factor * offset
        if name == "contrast":
            mean_grey = GREY_OF_BGR @ (matrix @ cv2.mean(frame)[:3] + offset) / factor
            offset += (1 - factor) * mean_grey
    return cv2.transform(frame, np.column_stack([matrix, offset]))


class FixedSizeCrop(v2.Transform):
    """A square of `size` pixels anywhere in the frame; where that is too big, as big a square as there is."""

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def make_params(self, flat_inputs: list[Any]) -> Box:
        """Draw the box."""
        height, width = flat_inputs[0].shape[-2:]
        side = min(self.size, height, width)
        top, left = (int(torch.randint(length - side + 1, ())) for length in (height, width))
        return {"top": top, "left": left, "height": side, "width": side}


class CornerCrop(v2.Transform):
    """A square in the centre or at a corner; its side is one of `scales`, fractions of the short side."""

    def __init__(self, scales: Sequence[float]):
        super().__init__()
        self.scales = scales

    def make_params(self, flat_inputs: list[Any]) -> Box:
        """Draw the box."""
        height, width = flat_inputs[0].shape[-2:]
        scale = self.scales[int(torch.randint(len(self.scales), ()))]
        position = POSITIONS[int(torch.randint(len(POSITIONS), ()))]
        return square_box(height, width, side=int(min(height, width) * scale), position=position)


class Sharpness(v2.Transform):
    """Blurs or sharpens by a factor drawn from [1 - amount, 1 + amount]."""

    def __init__(self, amount: float):
        super().__init__()
        self.amount = amount

    def make_params(self, flat_inputs: list[Any]) -> dict[str, float]:
        """Draw the factor."""
        return {"sharpness_factor": float(torch.empty(()).uniform_(1 - self.amount, 1 + self.amount))}

    def transform(self, inpt: Any, params: dict[str, float]) -> torch.Tensor:
        """Apply it to a clip; its depthwise convolution is ten times as fast with the channels last."""
        return F.adjust_sharpness(inpt.contiguous(memory_format=torch.channels_last), **params).contiguous()


def square_box(height: int, width: int, *, side: int, position: Position) -> Box:
    """The square of `side` pixels at a position in a frame; halves are rounded to even."""
    top, left = height - side, width - side
    if position == "c":
        top, left = round(top / 2), round(left / 2)
    else:
        top, left = top * (position[0] == "b"), left * (position[1] == "r")
    return {"top": top, "left": left, "height": side, "width": side}


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


def _resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    if image.shape[:2] == (height, width):
        return image
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def _write(images: Iterable[np.ndarray], clip: torch.Tensor, *, mirror: bool = False) -> None:
    """Images (H, W, C) to a clip (T, C, H, W), each mirrored left to right if so wanted; three channels turn round.

    Images are mirrored in their own memory, which the processor's cache holds.
    OpenCV's split is slow where the memory of the clip is not aligned, as PyTorch's is and NumPy's is not, and where
    that of an image has gaps.
    """
    for image, planes in zip(images, clip.numpy(), strict=True):
        channels = list(planes[::-1] if len(planes) == 3 else planes)
        if mirror:
            cv2.flip(image, 1, image)
        cv2.split(np.ascontiguousarray(image), channels)
