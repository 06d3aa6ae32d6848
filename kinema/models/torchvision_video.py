"""torchvision's S3D, MViTv2-S and Swin3D-T as clip networks, each for clips of any size and length."""

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torchvision.models.video.mvit import MultiscaleAttention

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


class _MViTAttention(MultiscaleAttention):
    """The same numbers without writing into slices, of which ONNX makes tables of all indices: more than 20 GB."""

    def forward(self, tokens_BLE: Tensor, grid: tuple[int, int, int]) -> tuple[Tensor, tuple[int, int, int]]:
        """Tokens (B, L, E), the class token first -> tokens, and how many they are in time, height and width."""
        parts = self.qkv(tokens_BLE).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q_BALD, k_BALD, v_BALD = parts[0], parts[1], parts[2]
        k_BALD, k_grid = self.pool_k(k_BALD, grid) if self.pool_k is not None else (k_BALD, grid)
        v_BALD = self.pool_v(v_BALD, grid)[0] if self.pool_v is not None else v_BALD
        q_BALD, grid = self.pool_q(q_BALD, grid) if self.pool_q is not None else (q_BALD, grid)
        scores = self.scaler * q_BALD @ k_BALD.transpose(2, 3) + F.pad(self._places(q_BALD, grid, k_grid), (1, 0, 1, 0))
        joined_BALD = scores.softmax(-1) @ v_BALD + F.pad(q_BALD[:, :, 1:], (0, 0, 1, 0))
        return self.project(joined_BALD.transpose(1, 2).flatten(2)), grid

    def _places(self, q_BALD: Tensor, q_grid: tuple[int, int, int], k_grid: tuple[int, int, int]) -> Tensor:
        """What queries think of the distances to keys, in time, height and width (B, A, L - 1, L' - 1)."""
        q = q_BALD[:, :, 1:].unflatten(2, q_grid)
        tables = (self.rel_pos_t, self.rel_pos_h, self.rel_pos_w)
        t, h, w = (_distances(*given) for given in zip(tables, q_grid, k_grid, strict=True))
        in_time = torch.einsum("bathwc,tkc->bathwk", q, t)[..., :, None, None]
        in_height = torch.einsum("bathwc,hkc->bathwk", q, h)[..., None, :, None]
        in_width = torch.einsum("bathwc,wkc->bathwk", q, w)[..., None, None, :]
        return (in_time + in_height + in_width).flatten(5).flatten(2, 4)


def _distances(table: Tensor, num_queries: int, num_keys: int) -> Tensor:
    """A table of relative places, resized to an axis, at each pair of its queries and keys (Q, K, D)."""
    length = 2 * max(num_queries, num_keys) - 1
    if table.shape[0] != length:
        table = F.interpolate(table.T[None], size=length, mode="linear")[0].T
    queries = torch.arange(num_queries) * max(num_keys / num_queries, 1.0)
    keys = (torch.arange(num_keys) - (num_keys - 1)) * max(num_queries / num_keys, 1.0)
    return table[(queries[:, None] - keys).long()]


class _MViT(nn.Module):
    """MViTv2-S without the fixed size: its tables of relative positions are resized to the clip's grid.

    They are kept in the size of the published weights (16 frames, 224 pixels).
    """

    def __init__(self) -> None:
        super().__init__()
        network = torchvision.models.video.mvit_v2_s()
        self.conv_proj, self.pos_encoding = network.conv_proj, network.pos_encoding
        self.blocks, self.norm = network.blocks, network.norm
        for block in self.blocks:
            block.attn.__class__ = _MViTAttention  # parameters keep their names, copies their class

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
