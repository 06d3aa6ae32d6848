"""Networks over space and time: clips -> one feature vector, with a chosen start of the weights; and their classifier.

auto          `torchvision` where it has weights (Kinetics-400), else random, with a warning
torchvision   downloaded by torchvision
none          random
<file>        .pth or .safetensors of the same network, every tensor matching, the classifier left out
"""

# B = clips, C = channels, T = frames, K = classes

import logging
from collections.abc import Callable

from torch import Tensor, nn
from torchvision.models import get_model_weights

from kinema.models.encoders import Rgb
from kinema.models.loading.encoder_weights import load_file, load_without_classifier
from kinema.models.names import CLIP_NETWORKS
from kinema.models.registered import Registered

logger = logging.getLogger(__name__)

KINETICS_MEAN: Rgb = (0.43216, 0.394666, 0.37645)
KINETICS_STD: Rgb = (0.22803, 0.22145, 0.216989)


class ClipEncoder(nn.Module):
    """A video network whose classifier was taken off.

    `published` is torchvision's name of it, where torchvision has weights; the rest is described at `Recognizer`.
    """

    def __init__(
        self,
        body: nn.Module,
        *,
        num_features: int,
        mean: Rgb = KINETICS_MEAN,
        std: Rgb = KINETICS_STD,
        dropout: float = 0.0,
        published: str | None = None,
        min_frames: int = 1,
    ):
        super().__init__()
        self.body = body
        self.num_features = num_features
        self.mean, self.std = mean, std
        self.dropout = dropout
        self.published = published
        self.min_frames = min_frames

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """Normalised clips (B, 3, T, H, W) of any size -> features (B, num_features)."""
        return self.body(clips_BCTHW)


clip_networks = Registered[Callable[[str], ClipEncoder]]("clip network", CLIP_NETWORKS)
register_clip_network = clip_networks.register


class ClipHead(nn.Module):
    """Linear classifier of a clip's features."""

    def __init__(self, num_features: int, *, num_classes: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(num_features, num_classes)

    def forward(self, features_BC: Tensor) -> Tensor:
        """Features (B, C) -> logits (B, K)."""
        return self.fc(self.dropout(features_BC))


def create_clip_encoder(name: str, weights: str) -> ClipEncoder:
    """The clip network `name` without classifier, its weights started as `weights` says; see the module."""
    encoder = clip_networks[name](name)
    if weights == "auto":
        weights = "torchvision" if encoder.published else "none"
        if not encoder.published:
            logger.warning("'%s': no weights are published for it; it starts at random (encoder_weights: auto)", name)
    if weights in ("timm", "bundled"):
        raise ValueError(
            f"'{name}': encoder_weights is `{weights}`; clip networks take `torchvision`, `none` or a file"
        )
    if weights == "torchvision":
        load_without_classifier(encoder.body, _download(name, encoder.published), where=f"torchvision's '{name}'")
    elif weights != "none":
        load_file(name, encoder.body, weights)
    return encoder


def pooled(maps_BCthw: Tensor) -> Tensor:
    """Features (B, C): mean over space, then over neighbouring pairs in time, then over the pairs.

    It is what an average pool of (2, h, w) with stride 1 and a mean give, for maps of any size and length.
    """
    steps = maps_BCthw.mean((3, 4))
    if steps.shape[2] > 1:
        steps = (steps[:, :, 1:] + steps[:, :, :-1]) / 2
    return steps.mean(2)


def _download(name: str, published: str | None) -> dict[str, Tensor]:
    if not published:
        raise ValueError(
            f"'{name}': encoder_weights is `torchvision`, but it has no weights of it; use `none` or a file"
        )
    try:
        return get_model_weights(published).DEFAULT.get_state_dict(progress=False, check_hash=True)
    except Exception as error:  # url, socket and file errors share no base class
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"'{name}': torchvision could not get its pretrained weights ({reason}). Without the network, set "
            "network.encoder_weights to `none` (random start) or to a .pth or .safetensors file of it, or choose a "
            "model whose encoder is efficientnet_lite0 (efficientnet_lite0_vtn), whose weights are `bundled`."
        ) from error
