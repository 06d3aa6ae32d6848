"""DenseNet-201 over space and time: torchvision's network with each 2D layer replaced by its 3D counterpart."""

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.densenet import DenseNet

from kinema.models.clip_network import ClipEncoder, register_clip_network
from kinema.models.encoders import IMAGENET_MEAN, IMAGENET_STD


class DenseNet3D(nn.Module):
    """Features of DenseNet-201, 3D; the first convolution keeps every frame, all later strides are in time too."""

    def __init__(self) -> None:
        super().__init__()
        network = DenseNet(growth_rate=32, block_config=(6, 12, 48, 32), num_init_features=64)
        self.num_features = network.classifier.in_features
        self.features = _in_3d(network.features)
        self.features.get_submodule("conv0").stride = (1, 2, 2)  # type: ignore[assignment]
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """Clips (B, 3, T, H, W) -> features (B, C)."""
        return F.relu(self.features(clips_BCTHW)).mean((2, 3, 4))


class _AveragePool(nn.Module):
    """Pools of 2 x 2 x 2; an axis with one position left is kept."""

    def forward(self, maps_BCthw: Tensor) -> Tensor:
        return F.avg_pool3d(maps_BCthw, [min(2, length) for length in maps_BCthw.shape[2:]])


def _in_3d(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d):
            kernel, stride, padding = child.kernel_size[0], child.stride[0], int(child.padding[0])
            in_3d: nn.Module = nn.Conv3d(child.in_channels, child.out_channels, kernel, stride, padding, bias=False)
        elif isinstance(child, nn.BatchNorm2d):
            in_3d = nn.BatchNorm3d(child.num_features)
        elif isinstance(child, nn.MaxPool2d):
            in_3d = nn.MaxPool3d(3, stride=2, padding=1)
        elif isinstance(child, nn.AvgPool2d):
            in_3d = _AveragePool()
        else:
            in_3d = _in_3d(child)
        setattr(module, name, in_3d)
    return module


@register_clip_network("densenet201_3d")
def densenet201_3d(name: str) -> ClipEncoder:
    """DenseNet-201 with 3D layers, random."""
    body = DenseNet3D()
    return ClipEncoder(body, num_features=body.num_features, mean=IMAGENET_MEAN, std=IMAGENET_STD)
