"""A shard's table by video: memory-mapped, so that loader workers share it and opening costs milliseconds."""

import functools
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@functools.lru_cache(maxsize=1024)
def _open(path: str) -> pa.RecordBatch:
    return pa.ipc.open_file(pa.memory_map(path)).get_batch(0)


def stored_video(table: Path, video: str) -> dict[str, Any]:
    """The row of a video in a shard's table."""
    rows = _open(str(Path(table).with_suffix(".arrow")))
    ids = rows.column("id")
    position = pc.search_sorted(ids, pa.scalar(video)).as_py()
    assert ids[position].as_py() == video, f"{table} has no video '{video}'"
    return {name: rows.column(name)[position].as_py() for name in ("data_offset",)} | {
        "frame_offsets": rows.column("frame_offsets")[position].values.to_numpy()
    }
