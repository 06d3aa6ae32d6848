"""Features of clips by key in a folder: Arrow files that are written once, and mapped into memory to be read.

    <any name>.arrow   key: string, mirrored: bool, features: so many float32 or float16; their shape is in the metadata

Each file is there whole or not at all, so that what one training computes others can read meanwhile.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from kinema.digests import digest
from kinema.files import atomic_path

log = logging.getLogger(__name__)
ENDING = ".arrow"
CHUNK_BYTES = 128 << 20  # of features that wait until they are written
CHUNK_SECONDS = 120.0
Place = tuple[int, int]  # number of the file, row in it


class FeatureStore:
    """What is kept in a folder; of two files with one key the later one counts."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._features: list[np.ndarray] = []
        self._mirrored: list[np.ndarray] = []
        self._places: dict[str, Place] = {}
        for path in sorted(folder.glob(f"[!.]*{ENDING}")):
            self._open(path)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def place(self, key: str) -> Place:
        """Where the features of this key are."""
        return self._places[key]

    def features(self, place: Place) -> np.ndarray:
        """They as float32."""
        number, row = place
        return self._features[number][row].astype(np.float32)

    def is_mirrored(self, place: Place) -> bool:
        """Whether their clip is a mirror image."""
        number, row = place
        return bool(self._mirrored[number][row])

    def add(self, keys: Sequence[str], features: np.ndarray, mirrored: np.ndarray) -> None:
        """Keep features (N, ...) by N keys; `mirrored` (N,) says whether their clips are mirror images."""
        flat = pa.array(features.reshape(-1))
        lists = pa.FixedSizeListArray.from_arrays(flat, features[0].size)
        columns = {"key": pa.array(keys), "mirrored": pa.array(mirrored.astype(bool)), "features": lists}
        rows = pa.table(columns).replace_schema_metadata({"shape": json.dumps(features.shape[1:])})
        path = self.folder / f"{digest(list(keys))}{ENDING}"
        with atomic_path(path) as temporary, pa.ipc.new_file(temporary, rows.schema) as file:
            file.write_table(rows)
        self._open(path)

    @contextmanager
    def adding(self) -> Iterator["Chunk"]:
        """What takes features one after the other and writes them now and then, and when the block ends, however."""
        chunk = Chunk(self)
        try:
            yield chunk
        finally:
            chunk.write()

    def _open(self, path: Path) -> None:
        try:
            rows = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            shape = json.loads(rows.schema.metadata[b"shape"])
            batch = rows.combine_chunks().to_batches()[0]
            features = batch["features"].values.to_numpy(zero_copy_only=True).reshape(-1, *shape)
            keys, mirrored = batch["key"].to_pylist(), batch["mirrored"].to_numpy(zero_copy_only=False)
        except (pa.ArrowInvalid, OSError, ValueError, KeyError, IndexError, TypeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            log.warning("%s: no file of features, or damaged (%s); they are computed anew", path, reason)
            return
        number = len(self._features)
        self._features.append(features)
        self._mirrored.append(mirrored)
        self._places |= {key: (number, row) for row, key in enumerate(keys)}


class Chunk:
    """Features that are computed and not written yet."""

    def __init__(self, store: FeatureStore):
        self.store, self._since = store, time.monotonic()
        self._keys: list[str] = []
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, keys: Sequence[str], features: np.ndarray, mirrored: np.ndarray) -> None:
        """Take some, and write those that are there where they are many, or the last time is long ago."""
        self._keys += keys
        self._parts.append((features, mirrored))
        num_bytes = sum(part.nbytes for part, _ in self._parts)
        if num_bytes >= CHUNK_BYTES or time.monotonic() - self._since >= CHUNK_SECONDS:
            self.write()

    def write(self) -> None:
        """Write what is there."""
        if self._keys:
            features, mirrored = (np.concatenate(column) for column in zip(*self._parts, strict=True))
            self.store.add(self._keys, features, mirrored)
        self._keys, self._parts, self._since = [], [], time.monotonic()
