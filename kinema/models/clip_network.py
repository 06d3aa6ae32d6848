"""Networks over space and time: clips -> one feature vector, with a chosen start of the weights; and their classifier.

auto          `torchvision` where it has weights (Kinetics-400), else random, with a warning
torchvision   published by torchvision, from a file that rule weights has downloaded
none          random
<file>        .pth or .safetensors of the same network, every tensor matching, the classifier left out
"""

# B = clips, C = channels, T = frames, K = classes

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.models.encoders import Rgb
from kinema.models.loading.encoder_weights import check_downloaded, load_file
from kinema.models.names import CLIP_NETWORKS, HUB_NETWORKS, TORCHVISION
from kinema.models.published import clip_start, downloaded_path
from kinema.models.registered import Registered

logger = logging.getLogger(__name__)

KINETICS_MEAN: Rgb = (0.43216, 0.394666, 0.37645)
KINETICS_STD: Rgb = (0.22803, 0.22145, 0.216989)


class ClipEncoder(nn.Module):
    """A video network whose classifier was taken off; its attributes are described at `Recognizer`.

    Where the name of the network does not say what it is, `architecture` does, in JSON types.
    """

    def __init__(
        self,
        body: nn.Module,
        *,
        num_features: int,
        mean: Rgb = KINETICS_MEAN,
        std: Rgb = KINETICS_STD,
        dropout: float = 0.0,
        min_frames: int = 1,
        architecture: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.body = body
        self.num_features = num_features
        self.mean, self.std = mean, std
        self.dropout = dropout
        self.min_frames = min_frames
        self.architecture = architecture

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """Normalised clips (B, 3, T, H, W) of any size -> features (B, num_features)."""
        return self.body(clips_BCTHW)


clip_networks = Registered[Callable[[str], ClipEncoder]]("clip network", CLIP_NETWORKS)
register_clip_network = clip_networks.register


@dataclass(frozen=True)
class HubStart:
    """How a clip network of transformers is made: of what `weights` names (`network.encoder_weights`, `hf:...`).

    `weights_path` is the file of a repository of the hub. Where there is an `architecture`, that of a checkpoint, the
    network is built of it and left to be filled. `pooled`: it gives features, as other clip networks do, else maps
    (B, C, t, h, w) for a decoder.
    """

    weights: str
    clip: Clip
    pooled: bool
    drop_path_rate: float = 0.0
    weights_path: str | Path | None = None
    architecture: dict[str, Any] | None = None


hub_networks = Registered[Callable[[str, HubStart], ClipEncoder]]("clip network of transformers", HUB_NETWORKS)
register_hub_network = hub_networks.register


class ClipHead(nn.Module):
    """Linear classifier of a clip's features."""

    def __init__(self, num_features: int, *, num_classes: int, dropout: float):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(num_features, num_classes)

    def forward(self, features_BC: Tensor) -> Tensor:
        """Features (B, C) -> logits (B, K)."""
        return self.fc(self.dropout(features_BC))


def create_clip_encoder(name: str, weights: str, *, weights_path: str | Path | None = None) -> ClipEncoder:
    """The clip network `name` without classifier, its weights started as `weights` says; see the module.

    `weights_path` is the file of published weights, where these are wanted.
    """
    encoder, start = clip_networks[name](name), clip_start(name, weights)
    if weights == "auto" and start == "none":
        logger.warning("'%s': no weights are published for it; it starts at random (encoder_weights: auto)", name)
    if start == "torchvision":
        check_downloaded(weights_path, expected=downloaded_path(start, TORCHVISION[name]))
        load_file(name, encoder.body, str(weights_path))
    elif start != "none":
        load_file(name, encoder.body, start)
    return encoder


def pooled(maps_BCthw: Tensor) -> Tensor:
    """Features (B, C): mean over space, then over neighbouring pairs in time, then over the pairs.

    It is what an average pool of (2, h, w) with stride 1 and a mean give, for maps of any size and length.
    """
    steps = maps_BCthw.mean((3, 4))
    if steps.shape[2] > 1:
        steps = (steps[:, :, 1:] + steps[:, :, :-1]) / 2
    return steps.mean(2)
