"""Labels of the training videos -> the order in which an epoch visits them: each once, or drawn by weight.

Where several processes train together, each visits its part.
"""

from collections.abc import Iterator
from typing import Literal

import numpy as np
import torch.distributed as dist
from torch.utils.data import Sampler


class EpochSampler(Sampler[tuple[int, int]]):
    """Indices of one epoch as (epoch, index): drawn by (seed, epoch), the same on every machine.

    Without `weights` every index comes once an epoch; with them as many are drawn, with replacement, each as often as
    its share of the weights says. Of n processes each gets every n-th index from its rank on; the order starts again
    where it does not divide evenly. The first `start` indices of a process are left out, for an epoch that was
    interrupted; the length stays.
    """

    def __init__(self, length: int, *, seed: int, weights: np.ndarray | None = None):
        self.length, self.seed, self.epoch, self.start = length, seed, 0, 0
        self.probabilities = None if weights is None else weights / weights.sum()
        self._batch_size: int | None = None

    def leave_lone(self, batch_size: int) -> None:
        """Leave out an index that would be alone in the last batch of a process."""
        self._batch_size = batch_size

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._mine(np.arange(self.length)))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        if self.probabilities is None:
            order = rng.permutation(self.length)
        else:
            order = rng.choice(self.length, self.length, p=self.probabilities)
        order = self._mine(order)[self.start :]
        return zip(np.full(len(order), self.epoch).tolist(), order.tolist(), strict=True)

    def _mine(self, order: np.ndarray) -> np.ndarray:
        mine = _of_this_rank(order)
        return mine[:-1] if self._batch_size and len(mine) % self._batch_size == 1 else mine


class RankSampler(Sampler[int]):
    """Every n-th index of n processes, from this one's rank on; none has fewer, since they step together.

    Where the number does not divide evenly, the first ones come twice; who counts them takes each once.
    """

    def __init__(self, length: int):
        self.length = length

    def __len__(self) -> int:
        return len(_of_this_rank(np.arange(self.length)))

    def __iter__(self) -> Iterator[int]:
        return iter(_of_this_rank(np.arange(self.length)).tolist())


def sampling_weights(labels: np.ndarray, sampling: Literal["uniform", "balanced", "sqrt"]) -> np.ndarray | None:
    """Weight of each video by the label it has, (N,): every class is drawn equally often (`balanced`), or as the square
    root of its number of videos (`sqrt`). `uniform` has no weights.
    """
    if sampling == "uniform":
        return None
    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return counts[number] ** {"balanced": -1.0, "sqrt": -0.5}[sampling]


def num_ranks_and_rank() -> tuple[int, int]:
    """Number of processes that train together, and the number of this one."""
    if not (dist.is_available() and dist.is_initialized()):
        return 1, 0
    return dist.get_world_size(), dist.get_rank()


def _of_this_rank(order: np.ndarray) -> np.ndarray:
    num_ranks, rank = num_ranks_and_rank()
    return np.resize(order, -(-len(order) // num_ranks) * num_ranks)[rank::num_ranks]
