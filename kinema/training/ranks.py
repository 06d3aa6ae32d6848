"""Validation by several processes, each of a part of the clips: how the parts become one again."""

from collections.abc import Sequence

import numpy as np
import torch.distributed as dist

from kinema.clips.sampling import num_ranks_and_rank


def gathered(batches: Sequence[tuple[np.ndarray, ...]]) -> tuple[np.ndarray, ...]:
    """Columns of the batches of all processes, joined, without the last one: the row, of which each is taken once."""
    columns = tuple(np.concatenate(column) for column in zip(*batches, strict=True))
    num_ranks, _ = num_ranks_and_rank()
    if num_ranks > 1:
        parts: list = [None] * num_ranks
        dist.all_gather_object(parts, columns)
        columns = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
    _, first = np.unique(columns[-1], return_index=True)
    return tuple(column[first] for column in columns[:-1])
