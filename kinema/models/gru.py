"""A gated recurrent unit (arXiv 1406.1078) over the frames of a clip: an LSTM with fewer gates, and no second state."""

# B = clips, T = frames of a clip, C = encoder channels, E = width of a step, K = classes

from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.decoder import Classifier, FrameDecoder
from kinema.models.registry import register_decoder


@register_decoder("gru")
class GRUDecoder(FrameDecoder):
    """One GRU layer over the mean features of the frames, `fc` on every step, mean of the logits."""

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        self.gru = nn.GRU(num_features, network.hidden, batch_first=True, bidirectional=network.bidirectional)
        self.fc = Classifier(network.hidden * (1 + network.bidirectional), num_classes, network)

    def frame_logits(self, embeddings_BTC: Tensor) -> Tensor:
        """Mean features (B, T, C) of clips of any length -> logits of each frame (B, T, K)."""
        steps_BTE, _ = self.gru(embeddings_BTC)
        return self.fc(steps_BTE)
