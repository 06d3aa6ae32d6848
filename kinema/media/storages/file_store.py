"""What storages have in common that keep each video in a file or a folder of its own, `<label>/<video>`.

All shards share the folders; which video is whose, and what is known of it, is in the ledger of the shard.
"""

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from kinema.files import atomic_path
from kinema.media.plan import shard_name, shard_of
from kinema.media.storages.interface import Decoded, Row, Storage, Store, Stored

LONGEST_NAME = 240  # bytes; file systems allow 255, an extension included
UNLABELLED = "test"  # folder of videos without a label, as in the reference


class FileStorage(Storage[Path]):
    """The frames of a video go to a file or a folder, which then only moves.

    Storages name the folder of all videos, beside that of the shards, and the extension of a video in it.
    """

    root_name: ClassVar[str]
    extension: ClassVar[str]

    def store(self, table: Path, num_shards: int) -> "FileStore":
        """See `Storage`."""
        root = table.parent.parent / self.root_name
        return FileStore(table, root=root, extension=self.extension, num_shards=num_shards)

    def place(self, spill: Path, number: int) -> Path:
        """A path at which nothing is yet."""
        return spill / str(number)

    def discard(self, place: Path) -> None:
        """See `Storage`."""
        remove(place)


class FileStore(Store[Path]):
    """A file or a folder a video below `root`, and a ledger with one JSON line a video.

    A video that now belongs to another of the `num_shards` shards is left to that one.
    """

    def __init__(self, table: Path, *, root: Path, extension: str, num_shards: int):
        self.ledger = table.with_suffix(".jsonl")
        self.root, self.extension = root, extension
        self.shard, self.num_shards = table.stem, num_shards

    def earlier(self) -> list[Stored]:
        """Videos of the ledger whose files have the size that it says; the last line of an id comes first."""
        return [
            video for video in self._listed() if video.place is None or _size(video.place) == video.record["num_bytes"]
        ]

    def update(
        self, kept: dict[str, Stored], rows: dict[str, Row], fresh: Iterator[Decoded[Path]]
    ) -> dict[str, Stored]:
        """See `Store`. A video whose label has changed moves."""
        before = self._listed()
        self._rewrite(before[::-1])  # a line that was cut off goes
        result = {}
        with self.ledger.open("a", encoding="utf-8") as ledger:
            for video in itertools.chain(kept.values(), (Stored(new.record, new.frames) for new in fresh)):
                video_id = video.record["id"]
                result[video_id] = self._moved(video, rows[video_id])
                if result[video_id] != kept.get(video_id):
                    ledger.write(self._line(result[video_id]))
                    ledger.flush()
        self._remove_unwanted(before, {video.place for video in result.values()})
        self._rewrite(list(result.values()))
        return result

    def _remove_unwanted(self, before: list[Stored], wanted: set[Path | None]) -> None:
        for video in before:
            is_ours = shard_name(shard_of(video.record["id"], self.num_shards)) == self.shard
            if is_ours and video.place and video.place not in wanted:
                remove(video.place)

    def _listed(self) -> list[Stored]:
        lines = self.ledger.read_bytes().splitlines() if self.ledger.is_file() else []
        # a killed run or a power failure leaves lines that are none
        return [video for line in reversed(lines) if (video := self._parsed(line))]

    def _parsed(self, line: bytes) -> Stored | None:
        try:
            entry = json.loads(line)
            video = Stored(entry["record"], self.root / entry["place"] if entry["place"] else None)
            return video if isinstance(video.record["id"], str) and "num_bytes" in video.record else None
        except (ValueError, KeyError, TypeError):
            return None

    def _rewrite(self, videos: list[Stored]) -> None:
        with atomic_path(self.ledger) as temporary:
            temporary.write_text("".join(map(self._line, videos)), encoding="utf-8")

    def _line(self, video: Stored) -> str:
        place = str(video.place.relative_to(self.root)) if video.place else None
        return json.dumps({"place": place, "record": video.record}) + "\n"

    def _moved(self, video: Stored, row: Row) -> Stored:
        """The video where its row wants it."""
        if video.place is None:
            return video
        place = self.root / file_name(row["label"] or UNLABELLED) / (file_name(row["id"]) + self.extension)
        if video.place != place:
            place.parent.mkdir(parents=True, exist_ok=True)
            remove(place)
            video.place.rename(place)
        return Stored(video.record, place)


def file_name(text: str) -> str:
    """A label or an id as one name on disk: as it is, but for what would be a path or too long for a name."""
    name = text.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    name = name.replace(".", "%2E") if name.strip(".") == "" else name
    if len(name.encode()) <= LONGEST_NAME:
        return name
    kept = name.encode()[: LONGEST_NAME - 20].decode(errors="ignore")
    return f"{kept}~{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def remove(place: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _size(place: Path) -> int:
    """Bytes of a file, or of all files of a folder; -1 where there is none."""
    if place.is_dir():
        with os.scandir(place) as entries:
            return sum(entry.stat().st_size for entry in entries)
    return place.stat().st_size if place.is_file() else -1
