"""Clip index and shard tables -> where the scored videos come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from kinema.clips.dataset import ClipDataset
from kinema.clips.table import ClipIndex


@dataclass(frozen=True)
class Sources:
    """Name, group (None: none is known) and source file of each video of a subset, in the order of `by_video`."""

    names: list[str]
    groups: list[str | None]
    paths: list[str]

    def take(self, positions: np.ndarray) -> "Sources":
        """Those of the videos at these positions."""
        names, groups, paths = ([column[at] for at in positions] for column in (self.names, self.groups, self.paths))
        return Sources(names, groups, paths)


def sources_of(dataset: ClipDataset) -> Sources:
    """Names and groups are in the index, paths are not, since no training depends on them."""
    index, rows = dataset.index, first_rows(dataset)
    groups = index.rows["group"].take(rows).to_pylist()
    return Sources([index.video(row) for row in rows], groups, stored_values(index, rows, "path"))


def first_rows(dataset: ClipDataset) -> np.ndarray:
    """The first row of each video of a subset, in the order of `by_video`."""
    return np.unique(dataset.index.video_number, return_index=True)[1]


def stored_values(index: ClipIndex, rows: Sequence[int] | np.ndarray, column: str) -> list[Any]:
    """What a column of the shard tables says of the videos of these rows; each table is read once."""
    values: dict[str, Any] = {}
    for number in np.unique(index.shard_number[rows]):
        table = pq.read_table(index.shards[number], columns=["id", column])
        values |= zip(table["id"].to_pylist(), table[column].to_pylist(), strict=True)
    return [values[index.video(row)] for row in rows]
