"""Clip index and shard tables -> where the scored videos come from."""

from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq

from kinema.clips.dataset import ClipDataset


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
    """Of the shard tables only names and paths are read: the index has no paths, since no training depends on them."""
    index = dataset.index
    _, rows = np.unique(index.video_number, return_index=True)
    paths: dict[str, str] = {}
    for number in np.unique(index.shard_number[rows]):
        table = pq.read_table(index.shards[number], columns=["id", "path"])
        paths |= zip(table["id"].to_pylist(), table["path"].to_pylist(), strict=True)
    names = [index.video(row) for row in rows]
    return Sources(names, index.rows["group"].take(rows).to_pylist(), [paths[name] for name in names])
