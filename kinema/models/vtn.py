"""The Video Transformer Network's decoder (arXiv 1905.08711): self-attention over the frames of a clip.

Differences from a textbook transformer are those of the published weights: scores are divided by the square root of
the whole width, heads are joined without a projection, and the norm divides by the unbiased deviation plus 1e-3.
"""

# B = clips, T = frames of a clip, N = frames of any clips, C = encoder channels, E = embedding width, K = classes
# A = attention heads, D = E / A

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.attention import attend
from kinema.models.decoder import Classifier, FrameDecoder
from kinema.models.positions import Positions
from kinema.models.registry import register_decoder

NORM_EPSILON = 1e-3


class FrameNorm(nn.Module):
    """Layer norm over the last axis with the unbiased deviation: scale * (x - mean) / (std + 1e-3) + shift."""

    def __init__(self, width: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x_BTE: Tensor) -> Tensor:
        """(B, T, E) -> (B, T, E); a sequence of length 1 passes unchanged, as the published networks have it."""
        if x_BTE.shape[1] == 1:
            return x_BTE
        centred = x_BTE - x_BTE.mean(-1, keepdim=True)
        return self.scale * centred / (x_BTE.std(-1, keepdim=True) + NORM_EPSILON) + self.shift


class Block(nn.Module):
    """Self-attention, then a position-wise pair of layers; each with dropout, residual and norm."""

    def __init__(self, network: Network):
        super().__init__()
        width = network.embedding
        self.num_heads = network.num_heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.expand = nn.Linear(width, network.feedforward)
        self.contract = nn.Linear(network.feedforward, width)
        self.dropout = nn.Dropout(network.dropout)
        self.attention_norm = FrameNorm(width) if network.layer_norm else nn.Identity()
        self.feedforward_norm = FrameNorm(width) if network.layer_norm else nn.Identity()
        for part in self.qkv.weight.chunk(3):  # three maps E -> E, not one E -> 3 E: the spread depends on it
            nn.init.xavier_uniform_(part)

    def forward(self, x_BTE: Tensor) -> Tensor:
        """(B, T, E) -> (B, T, E)."""
        x_BTE = self.attention_norm(x_BTE + self.dropout(self._attend(x_BTE)))
        transformed = self.contract(F.relu(self.expand(x_BTE)))
        return self.feedforward_norm(x_BTE + self.dropout(transformed))

    def _attend(self, x_BTE: Tensor) -> Tensor:
        width = x_BTE.shape[-1]
        q_BATD, k_BATD, v_BATD = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in self.qkv(x_BTE).chunk(3, dim=-1)
        )
        heads_BATD = attend(q_BATD, k_BATD, v_BATD, scale=1 / math.sqrt(width))
        return heads_BATD.transpose(1, 2).flatten(2)


@register_decoder("vtn")
class VTNDecoder(FrameDecoder):
    """Embeddings plus positions, `num_blocks` blocks, `fc` on every position, mean of the logits."""

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        width = network.embedding
        self.reduce = nn.Linear(num_features, width) if num_features != width else nn.Identity()
        self.positions = Positions(clip.length, width)
        self.blocks = nn.ModuleList(Block(network) for _ in range(network.num_blocks))
        self.fc = Classifier(width, num_classes, network)

    def embed(self, maps_NChw: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of any size -> embeddings (N, E)."""
        # The 1x1 convolution of the paper, moved behind the mean: both are linear, and here it costs 1 / (h w).
        return self.reduce(super().embed(maps_NChw))

    def frame_logits(self, embeddings_BTE: Tensor) -> Tensor:
        """Embeddings (B, T, E) of clips of any length -> logits of each frame (B, T, K)."""
        x_BTE = embeddings_BTE + self.positions(embeddings_BTE.shape[1])
        for block in self.blocks:
            x_BTE = block(x_BTE)
        return self.fc(x_BTE)
