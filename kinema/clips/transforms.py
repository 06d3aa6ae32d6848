"""Clip-consistent transforms of uint8 frames (T, 3, H, W), on torchvision's transforms v2.

Normalisation is not here: it is the first step inside the model, on the device.
"""

from torch import nn
from torchvision.transforms import v2

from kinema.config import Augmentation


def training_transform(size: int, augmentation: Augmentation) -> nn.Module:
    """Random crop resized to (size, size), mirror image and colour: drawn once a clip, the same for all its frames."""
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=augmentation.crop_area, ratio=augmentation.crop_aspect, antialias=True),
            v2.RandomHorizontalFlip(augmentation.horizontal_flip),
            v2.ColorJitter(augmentation.brightness, augmentation.contrast, augmentation.saturation),
        ]
    )


def evaluation_transform(size: int) -> nn.Module:
    """Short side to `size` (bilinear), then the centre square."""
    return v2.Compose([v2.Resize(size, antialias=True), v2.CenterCrop(size)])
