"""Which videos earlier runs have stored already, told without reading a source or a frame."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.media.storages.archive import read_stored

Found = Iterator[tuple[str, str | None]]  # id and token of the source


class StoredBefore:
    """What the tables of a folder of shards hold, and what killed runs left beside them; failed videos too."""

    def __init__(self, shards: Path):
        found = [_in_tables(shards), _in_archives(shards), _in_ledgers(shards)]
        self._videos = {(video_id, _sample_of(token)) for videos in found for video_id, token in videos if token}

    def has(self, row: dict[str, Any]) -> bool:
        """Whether the video of a manifest row is there; a source that was only touched is the same."""
        return (row["id"], _sample_of(row["token"])) in self._videos


def _in_tables(shards: Path) -> Found:
    for path in shards.glob("*.parquet"):
        try:
            columns = pq.ParquetFile(path).read(["id", "source_token"]).to_pydict()
            yield from zip(columns["id"], columns["source_token"], strict=True)
        except (OSError, pa.ArrowInvalid, KeyError):  # damaged, or of an earlier version: its shard is written anew
            continue


def _in_archives(shards: Path) -> Found:
    for pattern in ("*.tar.part", "*.tar.resume"):
        for path in shards.glob(pattern):
            yield from ((video.record["id"], video.record.get("source_token")) for video in read_stored(path).values())


def _in_ledgers(shards: Path) -> Found:
    for path in shards.glob("*.jsonl"):
        for line in path.read_bytes().splitlines():
            try:
                record = json.loads(line)["record"]
                yield record["id"], record.get("source_token")
            except (ValueError, KeyError, TypeError):  # where a run was killed
                continue


def _sample_of(token: str) -> str:
    """Of a token, what a touched file keeps (`kinema.media.tokens`)."""
    return token.partition("-")[0]
