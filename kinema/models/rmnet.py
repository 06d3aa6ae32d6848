"""RMNet: a narrow network of residual blocks with depthwise convolutions, layers named as in the published weights."""

from collections import OrderedDict

import torch.nn.functional as F
from torch import Tensor, nn

from kinema.models.encoders import register_encoder

# Stage -> plain blocks, width, width of the bottleneck; a down-sampling block comes first in all but the first stage.
STAGES = {"stage_1": (4, 32, 8), "stage_2": (8, 64, 16), "stage_3": (10, 128, 32), "stage_4": (11, 256, 64)}
DROPOUT = 0.1


class Block(nn.Module):
    """1x1 squeeze, depthwise 3x3, 1x1 expand, residual; with another width in than out it halves the map."""

    def __init__(self, in_channels: int, channels: int, bottleneck: int):
        super().__init__()
        self.halves = in_channels != channels
        self.squeeze_conv = nn.Conv2d(in_channels, bottleneck, 1, bias=False)
        self.squeeze_bn = nn.BatchNorm2d(bottleneck)
        self.dw_conv = nn.Conv2d(
            bottleneck, bottleneck, 3, stride=1 + self.halves, padding=1, groups=bottleneck, bias=False
        )
        self.dw_bn = nn.BatchNorm2d(bottleneck)
        self.expand_conv = nn.Conv2d(bottleneck, channels, 1, bias=False)
        self.expand_bn = nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout(DROPOUT)
        if self.halves:
            self.skip_conv = nn.Conv2d(in_channels, channels, 1, bias=False)
            self.skip_conv_bn = nn.BatchNorm2d(channels)

    def forward(self, x_NChw: Tensor) -> Tensor:
        """(N, C, h, w) -> (N, channels, h, w), or half of h and w, rounded up."""
        out = F.elu(self.squeeze_bn(self.squeeze_conv(x_NChw)))
        out = F.elu(self.dw_bn(self.dw_conv(out)))
        out = self.dropout(self.expand_bn(self.expand_conv(out)))
        if self.halves:
            x_NChw = self.skip_conv_bn(self.skip_conv(F.max_pool2d(x_NChw, 2, ceil_mode=True)))
        return F.elu(out + x_NChw)


class RMNet(nn.Module):
    """The network without pooling and classifier."""

    head_hidden_size = 512

    def __init__(self, channels: int):
        super().__init__()
        stages: OrderedDict[str, nn.Module] = OrderedDict(stage_0=_stem(channels))
        width = 32
        for name, (num_blocks, out, bottleneck) in STAGES.items():
            inputs = [width] * (out != width) + [out] * num_blocks
            stages[name] = nn.Sequential(*(Block(source, out, bottleneck) for source in inputs))
            width = out
        self.stages = nn.Sequential(stages)
        self.last = nn.Sequential(
            nn.Conv2d(width, self.head_hidden_size, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(self.head_hidden_size),
            nn.ELU(),
        )

    def forward(self, frames_NCHW: Tensor) -> Tensor:
        """Frames (N, C, H, W) -> feature maps (N, 512, h, w) at 1/32."""
        return self.last(self.stages(frames_NCHW))


def _stem(channels: int) -> nn.Sequential:
    return nn.Sequential(
        OrderedDict(
            data_bn=nn.BatchNorm2d(channels),
            conv1=nn.Conv2d(channels, 32, 3, stride=2, padding=1, bias=False),
            bn1=nn.BatchNorm2d(32),
            relu=nn.ReLU(),
        )
    )


register_encoder("rmnet")(RMNet)
