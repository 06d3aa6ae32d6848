"""What every decoder offers: frame embeddings from feature maps, and logits from a clip's embeddings.

The split is what streaming rests on: `embed` runs once for each frame, `forward` on the embeddings of the last T.
"""

# B = clips, T = frames of a clip, N = frames of any clips, C = encoder channels, K = classes
# E = shape of an embedding: its width alone, unless a decoder says otherwise

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network


class Classifier(nn.Linear):
    """The last layer of a decoder; in training, `network.head_dropout` drops features that it is given."""

    def __init__(self, num_features: int, num_classes: int, network: Network):
        super().__init__(num_features, num_classes)
        self.dropout = network.head_dropout or 0.0

    def forward(self, features: Tensor) -> Tensor:
        """Features (..., C) -> logits (..., K)."""
        return super().forward(F.dropout(features, self.dropout, self.training))


class Decoder(nn.Module):
    """Base of the decoders; their constructors take the same arguments.

    `mixes_frames`: it makes the encoder mix the frames of a clip, so that no frame has an embedding of its own.
    `takes_maps`: it looks at the places of a map; of the others' maps nothing counts but the mean.
    """

    mixes_frames = False
    takes_maps = False

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__()

    def adapt(self, encoder: Any) -> None:
        """Change the encoder (`kinema.models.encoders.FrameEncoder`) before its first use; most decoders do not."""

    def embed(self, maps_NChw: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of any size -> embeddings (N, *E)."""
        return maps_NChw.mean((2, 3))

    def forward(self, embeddings_BTE: Tensor) -> Tensor:
        """Embeddings (B, T, *E) of clips of any length -> logits (B, K)."""
        raise NotImplementedError


class FrameDecoder(Decoder):
    """Base of the decoders that have logits for every frame, of which the clip gets the mean."""

    def frame_logits(self, embeddings_BTE: Tensor) -> Tensor:
        """Embeddings (B, T, *E) of clips of any length -> logits of each frame (B, T, K)."""
        raise NotImplementedError

    def forward(self, embeddings_BTE: Tensor) -> Tensor:
        """Embeddings (B, T, *E) of clips of any length -> logits (B, K)."""
        return self.frame_logits(embeddings_BTE).mean(1)
