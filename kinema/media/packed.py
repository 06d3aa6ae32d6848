"""Reading packed shards: byte ranges of a tar -> JPEG frames. Decoding them is the caller's business."""

import os
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class PackedReader:
    """Reads frames from the tars of many shards; one open file per shard and process, at most `max_open` of them.

    Files open at the first read and every read names its own position, so a reader may be made before a loader forks
    or pickles it. Within a process it belongs to one thread.
    """

    def __init__(self, *, max_open: int = 128):
        self._max_open = max_open
        self._descriptors: OrderedDict[str, int] = OrderedDict()

    def read(self, tar: Path | str, ranges: Iterable[tuple[int, int]]) -> list[bytes]:
        """The bytes of each range [start, end) of a tar, as `frame_offsets` of the shard's table gives them.

        Raises ValueError if the tar is missing or shorter than its table says.
        """
        descriptor = self._open(str(tar))
        pieces = []
        for start, end in ranges:
            # NumPy integers would do, but os.pread wants int on some platforms
            piece = os.pread(descriptor, int(end) - int(start), int(start))
            if len(piece) != end - start:
                raise ValueError(f"{tar}: ends before byte {end}, where its table places a frame. {_remedy(tar)}")
            pieces.append(piece)
        return pieces

    def close(self) -> None:
        """Close all files; the next read opens them again."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def __getstate__(self) -> dict[str, Any]:
        return {"_max_open": self._max_open, "_descriptors": OrderedDict()}

    def __del__(self):
        self.close()

    def _open(self, tar: str) -> int:
        if tar in self._descriptors:
            self._descriptors.move_to_end(tar)
            return self._descriptors[tar]
        while len(self._descriptors) >= self._max_open:
            os.close(self._descriptors.popitem(last=False)[1])
        try:
            self._descriptors[tar] = os.open(tar, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise ValueError(f"{tar}: no such shard. {_remedy(tar)}") from error
        return self._descriptors[tar]


def _remedy(tar: Path | str) -> str:
    table = Path(tar).with_suffix(".parquet")
    return f"Frames and table do not belong together: delete {table} and run snakemake again, which rebuilds both."
