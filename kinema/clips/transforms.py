"""Decoded frames -> one uint8 clip: crop, size, mirror image and colour, drawn once a clip, alike for all its frames.

Random numbers are drawn by torchvision's transforms v2, and the result is theirs. Frames are cut, resized, coloured and
mirrored by OpenCV one by one before they become a clip, which takes a third of the time of doing it to the stacked
clip. What evaluation does is `kinema.inference.preprocessing`, which clients share.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
import torch
from torch import nn
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from kinema.experiment.data_sections import Augmentation
from kinema.inference.preprocessing import Frames, Position, Squares, resize, square_box, write_planes
from kinema.media.layout import Box

# loaders are many processes already, and OpenCV's threads do not survive the fork of a worker
cv2.setNumThreads(0)

Modality = Literal["rgb", "flow", "rgb+flow"]
POSITIONS: tuple[Position, ...] = ("c", "tl", "tr", "bl", "br")
# every row the weights of blue, green and red in grey, as of torchvision
GREY_OF_BGR = np.tile([0.1140, 0.5870, 0.2989], (3, 1))


def modalities(modality: str) -> list[str]:
    """`rgb+flow` -> rgb and flow, in the order of their channels; each of the two alone."""
    return modality.split("+")


Array = TypeVar("Array", torch.Tensor, np.ndarray)


def parts_of(clip: Array, number: int) -> list[Array]:
    """A clip (..., C, H, W) by modality: all of it for one, for two pictures (3 channels) and flow (2)."""
    return [clip] if number == 1 else [clip[..., :3, :, :], clip[..., 3:, :, :]]


class TrainingTransform:
    """Random crop resized to (size, size), mirror image and colour; drawn from torch's global generator.

    The mirror image of flow has its x component, the first, turned round; its "colours" are left alone. Pictures and
    flow of one clip are cut and mirrored alike. `mirrored` tells whether the last clip was.
    """

    def __init__(self, size: int, augmentation: Augmentation, *, modality: Modality = "rgb"):
        self.size, self.modalities = size, modalities(modality)
        self.flip_probability = augmentation.horizontal_flip
        self.mirrored = False
        self.crop = random_crop(size, augmentation)
        has_pictures = "rgb" in self.modalities
        self.colours = ColourMatrix.of(augmentation) if has_pictures else None
        self.effects = random_effects(augmentation) if has_pictures else nn.Identity()

    def __call__(self, *frames: Frames, out: torch.Tensor) -> torch.Tensor:
        """T frames of one size, uint8 (H, W, C), of each modality -> uint8 (T, C, size, size).

        It is written to `out`, but for the result of effects on pictures that are alone.
        """
        self.mirrored = float(torch.rand(())) < self.flip_probability
        box = self.crop.make_params([torch.empty((0, *frames[0].size))])
        parts = parts_of(out, len(frames))
        for modality, read, part in zip(self.modalities, frames, parts, strict=True):
            change = self.colours.draw() if self.colours and modality == "rgb" else None
            write_planes(self._images(read, box, change), part.numpy(), mirror=self.mirrored)
            if self.mirrored and modality == "flow":
                part[:, 0] = 255 - part[:, 0]
        changed = self.effects(parts[0])
        return changed if len(parts) == 1 else _written(changed, parts[0], out)

    def _images(self, frames: Frames, box: Box, change: Callable | None) -> Iterator[np.ndarray]:
        for part in frames.cut(box):
            image = resize(part, self.size, self.size)
            yield change(image) if change else image


def _written(changed: torch.Tensor, part: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
    """The clip `out` with the pictures in it changed."""
    if changed is not part:
        part.copy_(changed)
    return out


class EvaluationTransform:
    """`kinema.inference.preprocessing.Squares` for tensors: nothing is random."""

    def __init__(self, size: int, *, scale: float = 1.0, position: Position = "c"):
        self.size = size
        self.squares = Squares(size, scale=scale, position=position)

    def __call__(self, *frames: Frames, out: torch.Tensor) -> torch.Tensor:
        """T frames of one size, uint8 (H, W, C), of each modality -> uint8 (T, C, size, size), written to `out`."""
        for read, part in zip(frames, parts_of(out.numpy(), len(frames)), strict=True):
            self.squares.write(read, part)
        return out


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


class ColourMatrix:
    """Brightness, contrast and saturation of v2.ColorJitter: together they are one linear map of the colours."""

    def __init__(self, augmentation: Augmentation):
        self.jitter = v2.ColorJitter(augmentation.brightness, augmentation.contrast, augmentation.saturation)

    @classmethod
    def of(cls, augmentation: Augmentation) -> "ColourMatrix | None":
        """None where none of the three ever changes."""
        amounts = (augmentation.brightness, augmentation.contrast, augmentation.saturation)
        return cls(augmentation) if any(amounts) else None

    def draw(self) -> Callable[[np.ndarray], np.ndarray]:
        """What to do with each frame (H, W, 3) of a clip, B, G, R."""
        drawn = self.jitter.make_params([])
        names = [("brightness", "contrast", "saturation")[index] for index in drawn["fn_idx"].tolist() if index < 3]
        steps = [(name, factor) for name in names if (factor := drawn[f"{name}_factor"]) is not None]
        return lambda frame: _coloured(frame, steps)


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
