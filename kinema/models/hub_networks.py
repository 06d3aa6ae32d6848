"""VideoMAE and V-JEPA 2 by `transformers` (an optional extra), as clip networks: a clip to tokens, pooled or as a map.

VideoMAE: arXiv 2203.12602. V-JEPA 2: arXiv 2506.09985; its predictor, which no classifier needs, is left out.
Which one it is says its configuration, found beside its weights (`kinema.models.hub_files`) or in a checkpoint of ours.
"""

# B = clips, C = channels, T = frames, L = tokens, E = their width, thw = tokens in time, height and width

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.models import hub_files
from kinema.models.clip_network import ClipEncoder, HubStart, register_hub_network
from kinema.models.encoders import IMAGENET_MEAN, IMAGENET_STD, Rgb
from kinema.models.loading.encoder_weights import check_downloaded
from kinema.models.loading.hub_tensors import folder_tensors, read_tensors
from kinema.models.loading.tensors import raise_for
from kinema.models.published import hub_path, hub_start
from kinema.words import no_drop_path

logger = logging.getLogger(__name__)


class TokenNetwork(nn.Module):
    """A network of transformers that gives a token for every few frames and pixels of a clip.

    `pooled`: the clip gets the mean of them, else they are left as a map.
    """

    layers = ""
    """A pattern of the names of parameters that says in which layer they are."""

    def __init__(self, network: Any, norm: nn.Module, *, clip: Clip, grid: tuple[int, int, int], pooled: bool):
        super().__init__()
        self.network = network
        self.norm = norm if pooled else nn.Identity()
        self.clip_shape = (clip.length, clip.size, clip.size)
        self.grid = grid
        self.pooled = pooled

    def forward(self, clips_BCTHW: Tensor) -> Tensor:
        """Normalised clips (B, 3, T, H, W) -> features (B, E), or maps (B, E, t, h, w); ValueError for other shapes."""
        shape = tuple(clips_BCTHW.shape[2:])
        if shape != self.clip_shape:
            raise ValueError(f"clips of (frames, height, width) {shape}; this network was built for {self.clip_shape}")
        tokens_BLE = self.tokens(clips_BCTHW.transpose(1, 2))
        if self.pooled:
            return self.norm(tokens_BLE.mean(1))
        return tokens_BLE.transpose(1, 2).unflatten(2, self.grid)

    def tokens(self, clips_BTCHW: Tensor) -> Tensor:
        """Normalised clips (B, T, 3, H, W) -> tokens (B, L, E), time first, then rows, then columns."""
        raise NotImplementedError

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """In which order timm is to take the layers: patches, blocks, last norm."""
        last = r"^(?:network\.layer)?norm\."
        return {"stem": r"^network\.embeddings", "blocks": [(self.layers, None), (last, (99_999,))]}


class VideoMAE(TokenNetwork):
    """Blocks of a vision transformer on tubelets; places by a table of sinusoids."""

    layers = r"^network\.encoder\.layer\.(\d+)"

    def tokens(self, clips_BTCHW: Tensor) -> Tensor:
        """See `TokenNetwork.tokens`."""
        tokens_BLE = self.network.encoder(self.network.embeddings(clips_BTCHW, None)).last_hidden_state
        return tokens_BLE if self.network.layernorm is None else self.network.layernorm(tokens_BLE)


class VJEPA2(TokenNetwork):
    """The encoder of V-JEPA 2: the same with rotary places."""

    layers = r"^network\.layer\.(\d+)"

    def tokens(self, clips_BTCHW: Tensor) -> Tensor:
        """See `TokenNetwork.tokens`."""
        return self.network(clips_BTCHW).last_hidden_state


@register_hub_network("videomae")
def videomae(name: str, start: HubStart) -> ClipEncoder:
    """VideoMAE; its mean of tokens is normalised where those are not, as transformers does before its classifier."""
    found = _found(name, start)
    from transformers import VideoMAEConfig, VideoMAEModel

    if start.drop_path_rate:
        raise ValueError(no_drop_path(name, start.drop_path_rate))
    config = _configured(found, VideoMAEConfig, {})
    network = _filled(found, VideoMAEModel, config) if found.tensors else VideoMAEModel(config)
    norm: nn.Module = nn.LayerNorm(config.hidden_size) if config.use_mean_pooling else nn.Identity()
    published = {key: found.tensors.get(f"fc_norm.{key}") for key in norm.state_dict()}
    if published and all(value is not None for value in published.values()):
        norm.load_state_dict(published)
    return _encoder(VideoMAE, network, norm, found=found, start=start)


@register_hub_network("vjepa2")
def vjepa2(name: str, start: HubStart) -> ClipEncoder:
    """V-JEPA 2, built for the clip: its places are rotary, for clips of any length and size."""
    found = _found(name, start)
    from transformers import VJEPA2Config, VJEPA2Model
    from transformers.models.vjepa2.modeling_vjepa2 import VJEPA2Encoder

    clip = {"frames_per_clip": start.clip.length, "crop_size": start.clip.size}
    config = _configured(found, VJEPA2Config, clip | {"drop_path_rate": start.drop_path_rate})
    if found.tensors:
        network = _filled(found, VJEPA2Model, config).encoder
    else:
        config._attn_implementation = "sdpa"  # what transformers chooses for the whole
        network = VJEPA2Encoder(config)
    return _encoder(VJEPA2, network, nn.Identity(), found=found, start=start)


@dataclass(frozen=True)
class _Found:
    """What a network is built of; without tensors where a checkpoint fills it."""

    name: str
    where: str
    architecture: Mapping[str, Any]
    mean: Rgb = IMAGENET_MEAN
    std: Rgb = IMAGENET_STD
    tensors: dict[str, Tensor] = field(default_factory=dict)


def _found(name: str, start: HubStart) -> _Found:
    """Every file is checked before a network is built."""
    hub_files.check_installed(name)
    if start.architecture is not None:
        found = _Found(name, f"the checkpoint of '{name}'", start.architecture)
    else:
        found = _published(name, start)
    hub_files.check_clip(name, found.architecture, length=start.clip.length, size=start.clip.size)
    return found


def _published(name: str, start: HubStart) -> _Found:
    source = hub_start(name, start.weights)
    if source.folder:
        description = hub_files.describe_folder(source.folder)
    else:
        check_downloaded(start.weights_path, expected=hub_path(source))
        description = hub_files.describe_file(Path(str(start.weights_path)))
    hub_files.check_network(name, description)
    mean, std = hub_files.mean_std(description)
    tensors = folder_tensors(source.folder) if source.folder else read_tensors(Path(description.where))
    return _Found(name, description.where, hub_files.architecture_of(description), mean, std, tensors)


def _configured(found: _Found, kind: Any, changed: Mapping[str, Any]) -> Any:
    try:
        return kind.from_dict({**found.architecture, **changed})
    except Exception as error:  # its checks raise classes of their own
        reason = " ".join(str(error).split())
        raise ValueError(f"{found.where}: transformers cannot build '{found.name}' of it: {reason}") from None


def _filled(found: _Found, kind: Any, config: Any) -> Any:
    """The network of these tensors, each of its own found: transformers knows how older files call them."""
    options = {"config": config, "state_dict": dict(found.tensors), "dtype": torch.float32}
    try:
        with _quiet():
            network, told = kind.from_pretrained(None, output_loading_info=True, **options)
    except Exception as error:  # of shapes, for one; no class is shared
        reason = " ".join(str(error).split())
        raise ValueError(f"{found.where}: transformers cannot fill '{found.name}': {reason}") from None
    needed = [key for key in told["missing_keys"] if not key.startswith("predictor.")]
    raise_for({"missing": sorted(needed)}, where=f"{found.where} for '{found.name}'")
    if left := sorted(told["unexpected_keys"]):
        logger.info("%s: %d tensors are not used, such as %s", found.where, len(left), left[0])
    return network


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars and tables of transformers: what matters of them is told by us."""
    from transformers.utils import logging as theirs

    before, had_bar = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity_error()
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        theirs.set_verbosity(before)
        if had_bar:
            theirs.enable_progress_bar()


def _encoder(kind: Any, network: Any, norm: nn.Module, *, found: _Found, start: HubStart) -> ClipEncoder:
    clip = start.clip
    grid = hub_files.grid_of(found.name, found.architecture, length=clip.length, size=clip.size)
    made_for = hub_files.made_for(found.name, found.architecture)
    if found.tensors and made_for != (clip.length, clip.size):
        text = "%s: made for clips of %d frames, %d px; here they are of %d frames, %d px"
        logger.info(text, found.where, *made_for, clip.length, clip.size)
    return ClipEncoder(
        kind(network, norm, clip=clip, grid=grid, pooled=start.pooled),
        num_features=network.config.hidden_size,
        mean=found.mean,
        std=found.std,
        min_frames=clip.length,
        architecture=dict(found.architecture),
    )
