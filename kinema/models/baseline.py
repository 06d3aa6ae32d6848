"""The baseline decoder: every frame is classified alone, the clip gets the mean. It is blind to the order of frames."""

# B = clips, T = frames of a clip, N = frames of any clips, C = encoder channels, K = classes

from torch import Tensor

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.decoder import Classifier, FrameDecoder
from kinema.models.registry import register_decoder


@register_decoder("baseline")
class BaselineDecoder(FrameDecoder):
    """`fc` on the mean feature of each frame, mean of the logits over frames."""

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        self.fc = Classifier(num_features, num_classes, network)

    def embed(self, maps_NChw: Tensor) -> Tensor:
        """Feature maps (N, C, h, w) of any size -> logits of each frame (N, K), which is all that is kept of it."""
        return self.fc(super().embed(maps_NChw))

    def frame_logits(self, embeddings_BTK: Tensor) -> Tensor:
        """They are the embeddings (B, T, K)."""
        return embeddings_BTK
