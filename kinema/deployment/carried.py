"""An encoder whose blocks take channels of the frame before, as a network of one frame and of what is carried on to it.

A shift (`kinema.models.tsm`) that is given a lone frame leaves those channels empty. Here they come from a state, which
is of the frame before, and the same channels of this frame are the next one: the uni-directional, online shift of arXiv
1811.08383. Which channels these are is seen by what a shift leaves empty, so no shift is described twice.
"""

# N = streams, S = numbers that are carried from frame to frame

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

Inputs = tuple[Tensor, ...]


@runtime_checkable
class Shift(Protocol):
    """Hook that hands a layer channels of the frame before, and, `both_ways`, of the frame behind."""

    both_ways: bool

    def __call__(self, layer: nn.Module, inputs: Inputs) -> Inputs:
        """The inputs of the layer, shifted."""


@dataclass(frozen=True)
class _Place:
    """Where a layer takes channels of the frame before: the first `shape[axis]` of an axis, without that of frames."""

    layer: nn.Module
    axis: int
    shape: torch.Size


class Carried:
    """What an encoder carries from one frame of a stream to the next, `size` numbers.

    `example`: a normalised frame (1, C, H, W), which the encoder is shown once.
    """

    def __init__(self, encoder: nn.Module, example: Tensor):
        self._places: list[_Place] = []
        with ExitStack() as hooks, torch.no_grad():
            for layer, shift in _shifts(encoder):
                _hang(hooks, layer, partial(self._look, shift), prepend=True)
            encoder(example)
        self.size = sum(place.shape.numel() for place in self._places)

    def encode(self, encoder: nn.Module, frames: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Normalised frames (N, C, H, W), and the states (N, S) behind those before -> maps, and the next states."""
        kept: list[Tensor] = []
        befores = state.split([place.shape.numel() for place in self._places], 1)
        with ExitStack() as hooks:
            for place, before in zip(self._places, befores, strict=True):
                _hang(hooks, place.layer, partial(_keep, place, kept), prepend=True)
                _hang(hooks, place.layer, partial(_fill, place, before.unflatten(1, place.shape)), prepend=False)
            maps = encoder(frames)
        return maps, torch.cat(kept, 1)

    def _look(self, shift: Shift, layer: nn.Module, inputs: Inputs) -> None:
        """Note, in the order in which layers run, what a shift leaves empty."""
        given = torch.ones_like(inputs[0])
        is_empty = shift(layer, (given, *inputs[1:]))[0] == 0
        for axis in range(1, given.ndim):
            count = int(is_empty.movedim(axis, 0).flatten(1).all(1).sum())
            if 0 < count < given.shape[axis]:
                shape = torch.Size([*given.shape[1:axis], count, *given.shape[axis + 1 :]])
                self._places.append(_Place(layer, axis, shape))


def looks_back(encoder: nn.Module) -> bool:
    """Whether an encoder mixes a frame with those before it, and with none behind it."""
    shifts = [shift for _, shift in _shifts(encoder)]
    return bool(shifts) and not any(shift.both_ways for shift in shifts)


def _shifts(encoder: nn.Module) -> list[tuple[nn.Module, Shift]]:
    hooks = [(layer, hook) for layer in encoder.modules() for hook in layer._forward_pre_hooks.values()]
    return [(layer, hook) for layer, hook in hooks if isinstance(hook, Shift)]


def _hang(hooks: ExitStack, layer: nn.Module, hook: Callable[..., Any], *, prepend: bool) -> None:
    """Until the stack ends, so that the encoder, which the whole network shares, stays as it is."""
    hooks.callback(layer.register_forward_pre_hook(hook, prepend=prepend).remove)


def _keep(place: _Place, kept: list[Tensor], layer: nn.Module, inputs: Inputs) -> None:
    """Before the shift: the channels that the next frame takes."""
    kept.append(inputs[0].narrow(place.axis, 0, place.shape[place.axis - 1]).flatten(1))


def _fill(place: _Place, before: Tensor, layer: nn.Module, inputs: Inputs) -> Inputs:
    """Behind the shift: those of the frame before, in the place of zeros."""
    x, *others = inputs
    count = before.shape[place.axis]
    return torch.cat([before, x.narrow(place.axis, count, x.shape[place.axis] - count)], place.axis), *others
