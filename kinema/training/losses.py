"""Losses of the steps of a training, without waiting for the GPU that computes them.

What asks for a number of a GPU waits until it has done all that was asked of it before, and leaves it idle until it is
asked for more. So losses are sent to the processor, which looks at those that are there; means are added up where the
losses are.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torchmetrics import MeanMetric

MOST_WAITING = 8  # steps; a processor is hardly ever so far ahead


class EpochMean(MeanMetric):
    """Mean of an epoch so far. torchmetrics would look for NaN at every update, which `LossCheck` does."""

    def update(self, value: float | Tensor, weight: float | Tensor | None = None) -> None:
        """Add a value (), which counts `weight` times, by default once."""
        times = 1 if weight is None else weight
        self.mean_value += value * times
        self.weight += times


@dataclass(frozen=True)
class _Sent:
    """A loss on its way to the processor; `told` makes the line of one that is not finite."""

    loss: Tensor
    arrival: torch.cuda.Event | None
    told: Callable[[float], str]

    def is_here(self) -> bool:
        return self.arrival is None or self.arrival.query()

    def check(self) -> None:
        if self.arrival:
            self.arrival.synchronize()
        if not torch.isfinite(self.loss):
            raise FloatingPointError(self.told(self.loss.item()))


class LossCheck:
    """Stops a training at a loss that is not finite: of a processor at once, of a GPU once it is known."""

    def __init__(self) -> None:
        self._sent: deque[_Sent] = deque()

    def note(self, loss: Tensor, told: Callable[[float], str]) -> None:
        """Check this loss () later, and now those before it that have arrived."""
        arrival = torch.cuda.Event() if loss.is_cuda else None
        here = loss.detach().to("cpu", non_blocking=True)
        if arrival:
            arrival.record()
        self._sent.append(_Sent(here, arrival, told))
        while self._sent and (self._sent[0].is_here() or len(self._sent) > MOST_WAITING):
            self._sent.popleft().check()

    def check(self) -> None:
        """FloatingPointError where any of the losses so far is not finite."""
        while self._sent:
            self._sent.popleft().check()
