"""clips.parquet -> the frame rates of the training videos, which the shard tables have."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinema.clips.table import ClipIndex, mapped_path, subsets_of
from kinema.inference.frame_rates import FrameRates
from kinema.media.layout import arrow_table


def training_rates(clips_path: Path) -> FrameRates | None:
    """Of the training videos that have frames, as they were stored; None where no rate is known."""
    if "training" not in subsets_of(clips_path):
        return None
    index = ClipIndex(mapped_path(clips_path), "training")
    is_first = np.append(True, np.diff(index.video_number) != 0)
    numbers, shards = index.video_number[is_first], index.shard_number[is_first]
    rates = [_rates(index.shards[shard], index.videos.take(numbers[shards == shard])) for shard in np.unique(shards)]
    return FrameRates.of(np.concatenate(rates))


def _rates(table_path: Path, videos: pa.Array) -> np.ndarray:
    with pa.memory_map(str(arrow_table(table_path))) as file:
        content = pa.ipc.open_file(file).read_all().select(["id", "fps"])
        rates = content.filter(pc.is_in(content["id"], value_set=videos))["fps"]
        return rates.drop_null().to_numpy()
