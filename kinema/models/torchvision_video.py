"""torchvision's S3D, MViTv2-S and Swin3D-T as clip networks, each for clips of any size and length."""

import torchvision
from torch import Tensor, nn

from kinema.models.clip_network import ClipEncoder, pooled, register_clip_network
from kinema.models.encoders import IMAGENET_MEAN, IMAGENET_STD

MVIT_MEAN, MVIT_STD = (0.45, 0.45, 0.45), (0.225, 0.225, 0.225)


class _S3D(nn.Module):
    """Features of S3D, pooled as torchvision does it at 224 pixels, whatever the size."""

    def __init__(self) -> None:
        super().__init__()
        self.features = torchvision.models.video.s3d().features

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        return pooled(self.features(clips_BCTHW))


class _MViT(nn.Module):
    """MViTv2-S without the fixed size: its tables of relative positions are resized to the clip's grid.

    They are kept in the size of the published weights (16 frames, 224 pixels).
    """

    def __init__(self) -> None:
        super().__init__()
        network = torchvision.models.video.mvit_v2_s()
        self.conv_proj, self.pos_encoding = network.conv_proj, network.pos_encoding
        self.blocks, self.norm = network.blocks, network.norm

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        patches = self.conv_proj(clips_BCTHW)
        grid = tuple(patches.shape[2:])
        tokens = self.pos_encoding(patches.flatten(2).transpose(1, 2))
        for block in self.blocks:
            tokens, grid = block(tokens, grid)
        return self.norm(tokens)[:, 0]


@register_clip_network("s3d")
def s3d(name: str) -> ClipEncoder:
    """Separable 3D Inception (arXiv 1712.04851); its last pool needs two steps, so five frames."""
    return ClipEncoder(_S3D(), num_features=1024, dropout=0.2, min_frames=5)


@register_clip_network("mvit_v2_s")
def mvit_v2_s(name: str) -> ClipEncoder:
    """Multiscale vision transformer (arXiv 2112.01526)."""
    return ClipEncoder(_MViT(), num_features=768, mean=MVIT_MEAN, std=MVIT_STD, dropout=0.5)


@register_clip_network("swin3d_t")
def swin3d_t(name: str) -> ClipEncoder:
    """Video Swin transformer (arXiv 2106.13230)."""
    body = torchvision.models.video.swin3d_t()
    num_features = body.head.in_features
    body.head = nn.Identity()
    return ClipEncoder(body, num_features=num_features, mean=IMAGENET_MEAN, std=IMAGENET_STD)
