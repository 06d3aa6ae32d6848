"""The temporal shift module (arXiv 1811.08383): a part of the channels moves to neighbouring frames, for no parameters.

The shift is in the encoder, at the head of the branch of every residual block, so that what the branch leaves out lives
on in the shortcut. In transformers it is before the norm of the attention, and moves channels of tokens.
"""

# B = clips, T = frames of a clip, N = frames of any clips (B T), C = channels, K = classes

from typing import Any

import torch
from timm.layers import LayerNorm2d
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.baseline import BaselineDecoder
from kinema.models.encoders import FrameEncoder
from kinema.models.registry import register_decoder

# How the first layer in the branch of a residual block is called: in resnets, regnets and densenets; in MobileNets,
# EfficientNets and ConvNeXt; in RMNet. Of two in one block the first is meant.
CONVOLUTIONS = ("conv1", "conv_pw", "conv_dw", "conv_exp", "dw_start", "squeeze_conv")
NORM = "norm1"  # in transformers, where it is a layer norm


@register_decoder("tsm")
class TSMDecoder(BaselineDecoder):
    """Behind an encoder whose blocks shift channels: `fc` on the mean feature of each frame, mean of the logits."""

    mixes_frames = True

    def __init__(self, num_features: int, *, num_classes: int, clip: Clip, network: Network):
        super().__init__(num_features, num_classes=num_classes, clip=clip, network=network)
        self.shift_div, self.both_ways = network.shift_div, network.bidirectional

    def adapt(self, encoder: FrameEncoder) -> None:
        """Make the encoder's blocks shift; ValueError where none are known, or they look at parts of frames.

        Names of its tensors stay as they are, so that its weights fit as before.
        """
        layers = first_layers(encoder.body)
        if not layers or not _take_whole_frames(layers, encoder):
            raise ValueError(
                f"encoder '{encoder.name}' cannot be used with tsm: it has no residual blocks that are known to take "
                "frames whole, so none can shift channels; choose another encoder (a resnet, MobileNet, EfficientNet, "
                "ConvNeXt or vision transformer) or another decoder"
            )
        for layer in layers:
            layer.register_forward_pre_hook(Shift(encoder, shift_div=self.shift_div, both_ways=self.both_ways))


class Shift:
    """Hook that hands a layer its input with channels of neighbouring frames: one in `shift_div` of the frame before.

    And, `both_ways`, one in `shift_div` of the frame behind. Beyond the clip there are zeros.
    """

    def __init__(self, encoder: FrameEncoder, *, shift_div: int, both_ways: bool):
        self.encoder, self.shift_div, self.both_ways = encoder, shift_div, both_ways

    def __call__(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The first input, maps (N, C, h, w) or, of a layer norm, tokens (N, ..., C), is shifted; others are kept."""
        x, *others = inputs
        axis = -1 if _is_token_norm(layer) else 1
        count = x.shape[axis] // self.shift_div
        if not count:  # pixels, in a stem
            return inputs
        clips = x.unflatten(0, (-1, self.encoder.num_frames))
        moved = shifted(clips, axis if axis < 0 else axis + 1, count=count, both_ways=self.both_ways)
        return moved.flatten(0, 1), *others


def shifted(clips: Tensor, axis: int, *, count: int, both_ways: bool) -> Tensor:
    """Clips (B, T, ...), of whose channels (`axis`) `count` come from the frame before, `count` from behind."""
    sizes = [count, count] if both_ways else [count]
    from_before, *from_behind, kept = clips.split([*sizes, clips.shape[axis] - sum(sizes)], axis)
    parts = [torch.cat([torch.zeros_like(from_before[:, :1]), from_before[:, :-1]], 1)]
    parts += [torch.cat([part[:, 1:], torch.zeros_like(part[:, :1])], 1) for part in from_behind]
    return torch.cat([*parts, kept], axis)


def first_layers(body: nn.Module) -> list[nn.Module]:
    """The first layer in the branch of each residual block of an encoder."""
    found = []
    for block in body.modules():
        if block is body or not getattr(block, "has_skip", True):
            continue
        names = [name for name, layer in block.named_children() if name in CONVOLUTIONS or _is_norm(name, layer)]
        found += [block.get_submodule(name) for name in names[:1]]
    return found


def _take_whole_frames(layers: list[nn.Module], encoder: FrameEncoder) -> bool:
    """Whether each row of what they are given is a frame, not a window of one."""
    lengths: list[int] = []
    hooks = [layer.register_forward_pre_hook(lambda _, inputs: lengths.append(len(inputs[0]))) for layer in layers]
    encoder.maps_without_numbers(num_frames=2)
    for hook in hooks:
        hook.remove()
    return set(lengths) == {2}


def _is_norm(name: str, layer: Any) -> bool:
    return name == NORM and isinstance(layer, nn.LayerNorm)


def _is_token_norm(layer: nn.Module) -> bool:
    """Whether channels are the last axis of what it takes."""
    return isinstance(layer, nn.LayerNorm) and not isinstance(layer, LayerNorm2d)
