"""R3D, R(2+1)D and MC3 (arXiv 1711.11248) on torchvision's VideoResNet, so that its Kinetics-400 weights fit.

torchvision takes the middle width of a factorised block from the block's first convolution for both of them, unlike
the paper's code, so R(2+1)D has slightly fewer parameters here than elsewhere.
"""

from torch import nn
from torchvision.models.video.resnet import (
    BasicBlock,
    BasicStem,
    Bottleneck,
    Conv2Plus1D,
    Conv3DNoTemporal,
    Conv3DSimple,
    R2Plus1dStem,
    VideoResNet,
)

from kinema.models.clip_network import ClipEncoder, register_clip_network

DEPTHS = {
    18: (BasicBlock, [2, 2, 2, 2]),
    34: (BasicBlock, [3, 4, 6, 3]),
    50: (Bottleneck, [3, 4, 6, 3]),
    101: (Bottleneck, [3, 4, 23, 3]),
    152: (Bottleneck, [3, 8, 36, 3]),
}
KINDS = {
    "r3d": (BasicStem, [Conv3DSimple] * 4),
    "r2+1d": (R2Plus1dStem, [Conv2Plus1D] * 4),
    "mc3": (BasicStem, [Conv3DSimple, *[Conv3DNoTemporal] * 3]),
}


@register_clip_network("mc3_18", *(f"{kind}_{depth}" for kind in ("r3d", "r2+1d") for depth in DEPTHS))
def video_resnet(name: str) -> ClipEncoder:
    """KIND_DEPTH, e.g. `r3d_18`."""
    kind, _, depth = name.partition("_")
    stem, convolutions = KINDS[kind]
    block, layers = DEPTHS[int(depth)]
    body = VideoResNet(block, convolutions, layers, stem)
    num_features = body.fc.in_features
    body.fc = nn.Identity()
    return ClipEncoder(body, num_features=num_features)
