"""Labels of the training videos -> the order in which an epoch visits them: each once, or drawn by weight."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from torch.utils.data import Sampler


class EpochSampler(Sampler[tuple[int, int]]):
    """Indices of one epoch as (epoch, index): drawn by (seed, epoch), the same on every machine.

    Without `weights` every index comes once an epoch; with them as many are drawn, with replacement, each as often as
    its share of the weights says. Of `num_replicas` processes each gets every `num_replicas`-th index from its `rank`
    on; the order starts again where it does not divide evenly. The first `start` indices of a process are left out,
    for an epoch that was interrupted; the length stays.
    """

    def __init__(
        self, length: int, *, seed: int, weights: np.ndarray | None = None, num_replicas: int = 1, rank: int = 0
    ):
        self.length, self.seed, self.epoch, self.start = length, seed, 0, 0
        self.probabilities = None if weights is None else weights / weights.sum()
        self.num_replicas, self.rank = num_replicas, rank

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.length // self.num_replicas)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        if self.probabilities is None:
            order = rng.permutation(self.length)
        else:
            order = rng.choice(self.length, self.length, p=self.probabilities)
        order = np.resize(order, len(self) * self.num_replicas)[self.rank :: self.num_replicas][self.start :]
        return zip(np.full(len(order), self.epoch).tolist(), order.tolist(), strict=True)


def sampling_weights(labels: np.ndarray, sampling: Literal["uniform", "balanced", "sqrt"]) -> np.ndarray | None:
    """Weight of each video by the label it has, (N,): every class is drawn equally often (`balanced`), or as the square
    root of its number of videos (`sqrt`). `uniform` has no weights.
    """
    if sampling == "uniform":
        return None
    _, number, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return counts[number] ** {"balanced": -1.0, "sqrt": -0.5}[sampling]
