"""Temporal convolutions over the frames of a clip: residual blocks that see further from one to the next.

The blocks are the dilated residual layers of MS-TCN (arXiv 1903.01945), which looks in both directions; those that look
back only are causal as in arXiv 1803.01271.
"""

# B = clips, T = frames of a clip, N = frames of any clips, C = encoder channels, E = width of the blocks, K = classes

import torch.nn.functional as F
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.decoder import Classifier, FrameDecoder
from kinema.models.registry import register_decoder


class Block(nn.Module):
    """A dilated convolution over time, ReLU, a mixture of the channels; with dropout and residual."""

    def __init__(self, network: Network, *, dilation: int):
        super().__init__()
        width, reach = network.hidden, (network.kernel - 1) * dilation
        self.padding = (reach // 2, reach // 2) if network.bidirectional else (reach, 0)
        self.mix = nn.Conv1d(width, width, network.kernel, dilation=dilation)
        self.project = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(network.dropout)

    def forward(self, x_BET: Tensor) -> Tensor:
        """(B, E, T) -> (B, E, T); what lies outside the clip counts as zeros."""
        mixed = F.relu(self.mix(F.pad(x_BET, self.padding)))
        return x_BET + self.dropout(self.project(mixed))


@register_decoder("tcn")
class TCNDecoder(FrameDecoder):
    """`num_blocks` blocks whose convolutions take every frame, every 2nd, 4th ..., `fc` on each, mean of the logits."""

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        self.reduce = nn.Linear(num_features, network.hidden)
        # further apart than a clip is long, frames are outside it
        dilations = [min(2**number, clip.length) for number in range(network.num_blocks)]
        self.blocks = nn.Sequential(*(Block(network, dilation=dilation) for dilation in dilations))
        self.fc = Classifier(network.hidden, num_classes, network)

    def embed(self, maps_NChw: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of any size -> embeddings (N, E)."""
        return self.reduce(super().embed(maps_NChw))

    def frame_logits(self, embeddings_BTE: Tensor) -> Tensor:
        """Embeddings (B, T, E) of clips of any length -> logits of each frame (B, T, K)."""
        return self.fc(self.blocks(embeddings_BTE.transpose(1, 2)).transpose(1, 2))
