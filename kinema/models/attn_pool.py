"""Attentive pooling, as frozen encoders are probed with it: a learned query looks at all places of all frames.

One block is the probe of V-JEPA (arXiv 2404.08471): cross-attention, then a position-wise layer. With more, the others
come before it and let the tokens look at each other, as in V-JEPA 2 (arXiv 2506.09985). Those encoders see whole clips;
ours see frames, so the tokens are told their place in time, without which their order would not matter.
"""

# B = clips, T = frames of a clip, N = frames of any clips, P = positions of a map, C = encoder channels
# E = width of a token, L = tokens of a clip (T P), Q = queries, A = attention heads, D = E / A, K = classes

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.attention import attend
from kinema.models.decoder import Classifier, Decoder
from kinema.models.positions import Positions
from kinema.models.registry import register_decoder

QUERY_STD = 0.02  # of the learned query at the start, usual for tokens


class Block(nn.Module):
    """Attention, then a position-wise pair of layers; each with norm before, dropout and residual."""

    def __init__(self, network: Network):
        super().__init__()
        width = network.embedding
        self.num_heads = network.num_heads
        self.attention_norm = nn.LayerNorm(width)
        self.q, self.kv, self.join = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.feedforward_norm = nn.LayerNorm(width)
        self.expand = nn.Linear(width, network.feedforward)
        self.contract = nn.Linear(network.feedforward, width)
        self.dropout = nn.Dropout(network.dropout)

    def forward(self, tokens_BLE: Tensor, queries_BQE: Tensor | None = None) -> Tensor:
        """Tokens (B, L, E), looking at each other -> (B, L, E); or queries (B, Q, E), looking at them -> (B, Q, E)."""
        seen = self.attention_norm(tokens_BLE)
        x, looking = (tokens_BLE, seen) if queries_BQE is None else (queries_BQE, queries_BQE)
        x = x + self.dropout(self._attend(looking, seen))
        transformed = self.contract(F.gelu(self.expand(self.feedforward_norm(x))))
        return x + self.dropout(transformed)

    def _attend(self, looking_BQE: Tensor, seen_BLE: Tensor) -> Tensor:
        k, v = self.kv(seen_BLE).chunk(2, dim=-1)
        q_BAQD, k_BALD, v_BALD = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in (self.q(looking_BQE), k, v)
        )
        heads_BAQD = attend(q_BAQD, k_BALD, v_BALD, scale=1 / math.sqrt(q_BAQD.shape[-1]))
        return self.join(heads_BAQD.transpose(1, 2).flatten(2))


@register_decoder("attn_pool")
class AttentivePoolDecoder(Decoder):
    """Tokens plus positions in time, `num_blocks` - 1 blocks over them, a block that pools them, `fc`."""

    takes_maps = True

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        width = network.embedding
        self.reduce = nn.Linear(num_features, width) if num_features != width else nn.Identity()
        self.positions = Positions(clip.length, width)
        self.query = nn.Parameter(QUERY_STD * torch.randn(1, 1, width))
        self.blocks = nn.ModuleList(Block(network) for _ in range(network.num_blocks - 1))
        self.pool = Block(network)
        self.norm = nn.LayerNorm(width)
        self.fc = Classifier(width, num_classes, network)

    def embed(self, maps_NChw: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of any size -> embeddings (N, P, E), P = h w."""
        return self.reduce(maps_NChw.flatten(2).transpose(1, 2))

    def forward(self, embeddings_BTPE: Tensor) -> Tensor:
        """Embeddings (B, T, P, E) of clips of any length -> logits (B, K)."""
        positions_T1E = self.positions(embeddings_BTPE.shape[1])[:, None]
        tokens_BLE = (embeddings_BTPE + positions_T1E).flatten(1, 2)
        for block in self.blocks:
            tokens_BLE = block(tokens_BLE)
        # not len(), which an exporter takes for a constant
        pooled_B1E = self.pool(tokens_BLE, self.query.expand(tokens_BLE.shape[0], -1, -1))
        return self.fc(self.norm(pooled_B1E[:, 0]))
