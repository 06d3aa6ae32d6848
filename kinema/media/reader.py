"""Any frames of any video of any shard -> arrays, whatever the storage: what loaders read through.

A shard's table is mapped into memory, so that all workers of a loader share it. A video is found in it by its id: its
place may change when the shard gains another video, and no data set has to know.
"""

import bisect
import resource
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from kinema.experiment.data_sections import Media
from kinema.media.layout import Box, arrow_table
from kinema.media.readers.frames import FramesReader
from kinema.media.readers.interface import StorageReader, StoredVideo
from kinema.media.readers.packed import PackedReader
from kinema.media.readers.video import VideoReader
from kinema.words import remedy

READERS: dict[str, type[StorageReader]] = {"packed": PackedReader, "frames": FramesReader, "video": VideoReader}
FACTS = ("num_frames", "height", "width", "fps")
MOST_OPEN = 256  # more gain nothing: an open shard saves a millisecond


def shards_to_keep_open() -> int:
    """How many shards a reader keeps open: an eighth of what the process may, since it has other files and readers."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_OPEN if allowed == resource.RLIM_INFINITY else max(1, min(MOST_OPEN, allowed // 8))


class FrameReader:
    """Reads frames by random access; keeps the `max_open` shards that were read last open, one file each.

    `copies` is a folder that holds what the shards of relative paths consist of once more, by the same paths.

    Files open at the first read and every read names its own position, so a reader may be made before a loader forks
    or pickles it. Within a process it belongs to one thread.
    """

    def __init__(self, *, max_open: int | None = None, copies: Path | None = None):
        self._max_open, self._copies = max_open or shards_to_keep_open(), copies
        self._shards: OrderedDict[str, Shard] = OrderedDict()

    def read(
        self, table: Path | str, video: str, frames: Sequence[int], *, box: Box | None = None
    ) -> Iterator[np.ndarray]:
        """Frames of a video, by ascending numbers from 0, each uint8 (H, W, C): B, G, R as in OpenCV, or flow x, y.

        They are decoded as they are asked for, so that each is used while it is in the processor's cache. Of a `box`
        (top, left, height, width in pixels) no more is decoded than it needs, and its pixels are those of the whole
        frame. `table` is the Parquet table of the shard. Raises ValueError where table and frames do not belong
        together.
        """
        shard = self._open(str(table))
        stored = shard.find(video)
        if frames[0] < 0 or frames[-1] >= stored.num_frames:
            raise ValueError(f"{table}: frames {frames[0]}..{frames[-1]} of '{video}', which has {stored.num_frames}")
        try:
            yield from shard.read(stored, frames, box)
        except OSError as error:
            raise ValueError(
                f"{stored.place}: cannot read '{video}' ({error}). {remedy(table, stored.place)}"
            ) from error

    def size(self, table: Path | str, video: str) -> tuple[int, int]:
        """Height and width of a video's frames in pixels."""
        stored = self._open(str(table)).find(video)
        return stored.height, stored.width

    def times(self, table: Path | str, video: str) -> np.ndarray:
        """When each frame of a video is shown, (num_frames,): seconds since the first.

        ValueError of a video of which that is not stored, as of those of a constant rate.
        """
        return self._open(str(table)).times(video)

    def close(self) -> None:
        """Close all files; the next read opens them again."""
        while self._shards:
            self._shards.popitem()[1].close()

    def __getstate__(self) -> dict[str, Any]:
        return {"max_open": self._max_open, "copies": self._copies}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def media(self, table: Path | str) -> Media:
        """The settings that the frames of a shard were made with."""
        return self._open(str(table)).media

    def _open(self, table: str) -> "Shard":
        if table in self._shards:
            self._shards.move_to_end(table)
            return self._shards[table]
        while len(self._shards) >= self._max_open:
            self._shards.popitem(last=False)[1].close()
        self._shards[table] = Shard(Path(table), copies=self._copies)
        return self._shards[table]


class Shard:
    """One open shard: its mapped table, and what reads its storage."""

    def __init__(self, table: Path, *, copies: Path | None = None):
        self.table, self._copies = table, copies
        mapped = arrow_table(copies / table if copies else table)
        try:
            with pa.memory_map(str(mapped)) as file:  # what is mapped stays so when the file is closed
                content = pa.ipc.open_file(file).read_all()
        except (FileNotFoundError, pa.ArrowInvalid) as error:
            raise ValueError(f"{arrow_table(table)}: no such shard, or cut off. {remedy(table)}") from error
        self.media = Media.model_validate_json(content.schema.metadata[b"media"])
        rows = content.to_batches()[0] if content.num_rows else content
        self._columns = {name: rows[name] for name in ("id", "stored", "frame_offsets", *FACTS)}
        # tables of earlier versions have none
        self._times = rows["frame_times"] if "frame_times" in rows.schema.names else None
        self._reader = READERS[self.media.storage](self.media.modality)
        self._last: tuple[str, StoredVideo] | None = None

    def find(self, video: str) -> StoredVideo:
        """Where a video is; ValueError where the shard has no frames of it."""
        if self._last is None or self._last[0] != video:  # its size is asked for before its frames
            self._last = video, self._found(video)
        return self._last[1]

    def times(self, video: str) -> np.ndarray:
        """See `FrameReader.times`."""
        stored = None if self._times is None else self._times[self._row(video)]
        if stored is None or not stored.is_valid:
            raise ValueError(f"{self.table}: no times of the frames of '{video}'. {remedy(self.table)}")
        return stored.values.to_numpy()

    def _row(self, video: str) -> int:
        ids = self._columns["id"]
        row = bisect.bisect_left(ids, video, key=pa.StringScalar.as_py)
        if row == len(ids) or ids[row].as_py() != video or not self._columns["stored"][row].is_valid:
            raise ValueError(f"{self.table}: no frames of the video '{video}'. {remedy(self.table)}")
        return row

    def _found(self, video: str) -> StoredVideo:
        row = self._row(video)
        facts = {name: self._columns[name][row].as_py() for name in FACTS}
        offsets = self._columns["frame_offsets"][row]
        packed = offsets.values.to_numpy() if offsets.is_valid else np.empty(0, np.int64)
        stored = self._columns["stored"][row].as_py()
        place = str(self._copies / stored) if self._copies else stored
        return StoredVideo(place=place, offsets=packed, **facts)

    def read(self, video: StoredVideo, frames: Sequence[int], box: Box | None) -> Iterator[np.ndarray]:
        """See `FrameReader.read`; OSError where the frames are not what the table says."""
        return self._reader.read(video, frames, box)

    def close(self) -> None:
        """Let go of the files that are open."""
        self._reader.close()
