"""Inception-v1 inflated to 3D (I3D, arXiv 1705.07750), layers named as in the published network."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.models.clip_network import ClipEncoder, pooled, register_clip_network
from kinema.models.encoders import IMAGENET_MEAN, IMAGENET_STD

Size = tuple[int, int, int]

# Name -> widths: branch 0; branch 1 reduced, then out; branch 2 reduced, then out; branch 3.
MIXED = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}
DROPOUT = 0.5  # before the classifier


def same_padded(x_BCTHW: Tensor, kernel: Size, stride: Size) -> Tensor:
    """Zeros around, so that each axis gives ceil(length / stride) windows; the odd one of them at the end."""
    padding: list[int] = []
    for length, window, step in zip(x_BCTHW.shape[2:], kernel, stride, strict=True):
        total = max((-(-length // step) - 1) * step + window - length, 0)
        padding = [total // 2, total - total // 2, *padding]  # F.pad counts axes from the last
    return F.pad(x_BCTHW, padding)


class Convolution(nn.Module):
    """Convolution with "same" padding and without bias, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel: int = 1, stride: int = 1):
        super().__init__()
        self.conv_3d = nn.Conv3d(in_channels, out_channels, kernel, stride, bias=False)
        self.batch_norm = nn.BatchNorm3d(out_channels)

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, out, T / stride, H / stride, W / stride), rounded up."""
        kernel, stride = self.conv_3d.kernel_size, self.conv_3d.stride
        x_BCTHW = self.conv_3d(same_padded(x_BCTHW, kernel, stride))  # type: ignore[arg-type]
        return F.relu(self.batch_norm(x_BCTHW))


class MaxPool(nn.Module):
    """Max pool with "same" padding. Its input was rectified, so a padded zero never exceeds a real value."""

    def __init__(self, kernel: Size, stride: Size):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, C, T / stride, H / stride, W / stride), rounded up."""
        return F.max_pool3d(same_padded(x_BCTHW, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Four branches side by side."""

    def __init__(self, in_channels: int, widths: tuple[int, ...]):
        super().__init__()
        self.Branch_0_Conv3d_0a_1x1 = Convolution(in_channels, widths[0])
        self.Branch_1_Conv3d_0a_1x1 = Convolution(in_channels, widths[1])
        self.Branch_1_Conv3d_0b_3x3 = Convolution(widths[1], widths[2], kernel=3)
        self.Branch_2_Conv3d_0a_1x1 = Convolution(in_channels, widths[3])
        self.Branch_2_Conv3d_0b_3x3 = Convolution(widths[3], widths[4], kernel=3)
        self.Branch_3_MaxPool3d_0a_3x3 = MaxPool((3, 3, 3), (1, 1, 1))
        self.Branch_3_Conv3d_0b_1x1 = Convolution(in_channels, widths[5])

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        """(B, C, T, H, W) -> (B, sum of the branches, T, H, W)."""
        branches = (
            self.Branch_0_Conv3d_0a_1x1(x_BCTHW),
            self.Branch_1_Conv3d_0b_3x3(self.Branch_1_Conv3d_0a_1x1(x_BCTHW)),
            self.Branch_2_Conv3d_0b_3x3(self.Branch_2_Conv3d_0a_1x1(x_BCTHW)),
            self.Branch_3_Conv3d_0b_1x1(self.Branch_3_MaxPool3d_0a_3x3(x_BCTHW)),
        )
        return torch.cat(branches, dim=1)


class I3D(nn.Sequential):
    """All layers up to the last feature map, and its pooling."""

    num_features = 1024

    def __init__(self) -> None:
        super().__init__()
        in_time_too, in_space = (2, 2, 2), (1, 2, 2)
        self.Conv3d_1a_7x7 = Convolution(3, 64, kernel=7, stride=2)
        self.MaxPool3d_2a_3x3 = MaxPool((1, 3, 3), in_space)
        self.Conv3d_2b_1x1 = Convolution(64, 64)
        self.Conv3d_2c_3x3 = Convolution(64, 192, kernel=3)
        self.MaxPool3d_3a_3x3 = MaxPool((1, 3, 3), in_space)
        channels = self._add_mixed(192, "Mixed_3")
        self.MaxPool3d_4a_3x3 = MaxPool((3, 3, 3), in_time_too)
        channels = self._add_mixed(channels, "Mixed_4")
        self.MaxPool3d_5a_2x2 = MaxPool((2, 2, 2), in_time_too)
        self._add_mixed(channels, "Mixed_5")

    def _add_mixed(self, channels: int, stage: str) -> int:
        for name, widths in MIXED.items():
            if name.startswith(stage):
                self.add_module(name, Mixed(channels, widths))
                channels = widths[0] + widths[2] + widths[4] + widths[5]
        return channels

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) -> features (B, 1024)."""
        return pooled(super().forward(clips_BCTHW))


@register_clip_network("inception_i3d")
def inception_i3d(name: str) -> ClipEncoder:
    """I3D, random."""
    return ClipEncoder(I3D(), num_features=I3D.num_features, mean=IMAGENET_MEAN, std=IMAGENET_STD, dropout=DROPOUT)
