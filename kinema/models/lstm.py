"""Recurrent decoders: an LSTM over the frames of a clip, and one that attends to a part of each frame's map.

The attention-LSTM is that of arXiv 1511.04119; it takes the mean of the logits over time.
"""

# B = clips, T = frames of a clip, N = frames of any clips, C = encoder channels, P = positions of a map, K = classes

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.decoder import Classifier, FrameDecoder
from kinema.models.registry import register_decoder

GRID = 7  # the attention chooses among 7 x 7 positions: the maps of 224 pixels; other maps are pooled to it


@register_decoder("lstm")
class LSTMDecoder(FrameDecoder):
    """One LSTM layer over the mean features of the frames, `fc` on every step, mean of the logits."""

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        self.lstm = nn.LSTM(num_features, network.hidden, batch_first=True, bidirectional=network.bidirectional)
        self.fc = Classifier(network.hidden * (1 + network.bidirectional), num_classes, network)

    def frame_logits(self, embeddings_BTC: Tensor) -> Tensor:
        """Mean features (B, T, C) of clips of any length -> logits of each frame (B, T, K)."""
        steps_BTE, _ = self.lstm(embeddings_BTC)
        return self.fc(steps_BTE)


@register_decoder("attn_lstm")
class AttentionLSTMDecoder(FrameDecoder):
    """At each step the hidden state weighs the positions of the map; the weighted sum enters the LSTM."""

    takes_maps = True

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        self.attention = nn.Linear(network.hidden, GRID**2)
        self.cell = nn.LSTMCell(num_features, network.hidden)
        self.fc = Classifier(network.hidden, num_classes, network)

    def embed(self, maps_NChw: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of any size -> embeddings (N, P, C), P = 7 x 7."""
        if maps_NChw.shape[2:] != (GRID, GRID):
            maps_NChw = F.interpolate(maps_NChw, size=(GRID, GRID), mode="bilinear", align_corners=False)
        return maps_NChw.flatten(2).transpose(1, 2)

    def frame_logits(self, embeddings_BTPC: Tensor) -> Tensor:
        """Embeddings (B, T, P, C) of clips of any length -> logits of each frame (B, T, K)."""
        hidden = cell = embeddings_BTPC.new_zeros(embeddings_BTPC.shape[0], self.cell.hidden_size)
        steps = []
        for positions_BPC in embeddings_BTPC.unbind(1):
            weights_BP = self.attention(hidden).softmax(-1)
            attended_BC = (weights_BP[:, None] @ positions_BPC).squeeze(1)
            hidden, cell = self.cell(attended_BC, (hidden, cell))
            steps.append(hidden)
        return self.fc(torch.stack(steps, 1))
