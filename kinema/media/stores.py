"""Where a shard keeps its videos. A store is the memory of its stage: what it holds and is still valid is not decoded
again, and a killed run loses no video that was finished.

Both kinds lie beside the shard's table and are no declared outputs: Snakemake would delete them before the job.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from kinema.experiment.data_sections import Media
from kinema.files import atomic_path
from kinema.media.archive import ArchiveWriter, Record, Stored, read_stored
from kinema.media.decode import Decoded, remove
from kinema.media.plan import shard_name, shard_of

log = logging.getLogger(__name__)
Row = dict[str, Any]
LONGEST_NAME = 240  # bytes; file systems allow 255, an extension included
UNLABELLED = "test"  # folder of videos without a label, as in the reference


class Store(Protocol):
    """Videos of one shard on disk."""

    def earlier(self) -> list[Stored]:
        """What earlier runs left that is whole; the first one of an id counts."""

    def update(self, kept: dict[str, Stored], rows: dict[str, Row], fresh: Iterator[Decoded]) -> dict[str, Stored]:
        """Hold `kept` and what `fresh` yields, and nothing else; returns where each video is, by id.

        `rows` are those of the manifest, by id; `fresh` decodes as it is read.
        """


class PackedStore:
    """All frames in one tar. It is rewritten as `<tar>.part`; what a killed run wrote is taken from there.

    So videos that are kept take their space twice while the tar is rewritten. New ones do not: of them no more than
    those that are being decoded lie beside the tar.
    """

    def __init__(self, table: Path):
        self.tar = table.with_suffix(".tar")
        self.part, self.resume = (
            self.tar.with_name(self.tar.name + ".part"),
            self.tar.with_name(self.tar.name + ".resume"),
        )

    def earlier(self) -> list[Stored]:
        """Videos of killed runs, then those of the tar."""
        self._set_aside()
        return [*read_stored(self.resume).values(), *read_stored(self.tar).values()]

    def update(self, kept: dict[str, Stored], rows: dict[str, Row], fresh: Iterator[Decoded]) -> dict[str, Stored]:
        """See `Store`. The tar is left alone where it holds exactly what is wanted."""
        decoded = next(fresh, None)
        if decoded is None and self._holds(kept):
            self.resume.unlink(missing_ok=True)
            return kept
        result = {}
        self._check_space(kept.values())
        with contextlib.closing(ArchiveWriter(self.part)) as writer:
            for video in kept.values():
                result[video.record["id"]] = self._placed(video.record, writer.add_stored(video))
            while decoded is not None:
                assert not isinstance(decoded.frames, Path)
                offset = writer.add_file(decoded.record, decoded.frames)
                result[decoded.record["id"]] = self._placed(decoded.record, offset)
                if decoded.frames:
                    decoded.frames.close()
                decoded = next(fresh, None)
            writer.finish()
        self.part.replace(self.tar)
        self.resume.unlink(missing_ok=True)
        return result

    def _placed(self, record: Record, offset: int | None) -> Stored:
        return Stored(record, self.tar if offset is not None else None, offset)

    def _holds(self, kept: dict[str, Stored]) -> bool:
        return self.tar.is_file() and not self.resume.exists() and kept == read_stored(self.tar)

    def _check_space(self, kept: Iterable[Stored]) -> None:
        """OSError if there is no room for the videos that are copied, before any is."""
        needed, free = sum(video.record["num_bytes"] for video in kept), shutil.disk_usage(self.tar.parent).free
        if needed > free:
            what = f"rewriting {self.tar.name} takes {needed / 1e9:.3g} GB beside it, {free / 1e9:.3g} GB are free"
            raise OSError(errno.ENOSPC, what)

    def _set_aside(self) -> None:
        """Move what a killed run left behind out of the way of the next `.part`, joined with what is there already."""
        if self.part.exists() and self.resume.exists():
            joined = self.resume.with_name(self.resume.name + ".part")
            videos = read_stored(self.resume) | read_stored(self.part)
            self._check_space(videos.values())
            with contextlib.closing(ArchiveWriter(joined)) as writer:
                for video in videos.values():
                    writer.add_stored(video)
                writer.finish()
            joined.replace(self.resume)
            self.part.unlink()
        elif self.part.exists():
            self.part.replace(self.resume)


class FileStore:
    """A folder of JPEG files or an mp4 file a video, `<label>/<video>`, and a ledger with one JSON line a video.

    All shards share the folders. A video that now belongs to another of the `num_shards` shards is left to that one.
    """

    def __init__(self, table: Path, media: Media, num_shards: int):
        self.ledger = table.with_suffix(".jsonl")
        self.root = table.parent.parent / {"frames": "frames", "video": "videos"}[media.storage]
        self.suffix = ".mp4" if media.storage == "video" else ""
        self.shard, self.num_shards = table.stem, num_shards

    def earlier(self) -> list[Stored]:
        """Videos of the ledger whose files have the size that it says; the last line of an id comes first."""
        return [
            video for video in self._listed() if video.place is None or _size(video.place) == video.record["num_bytes"]
        ]

    def update(self, kept: dict[str, Stored], rows: dict[str, Row], fresh: Iterator[Decoded]) -> dict[str, Stored]:
        """See `Store`. A video whose label has changed moves."""
        before = self._listed()
        self._rewrite(before[::-1])  # a line that was cut off goes
        result = {}
        with self.ledger.open("a", encoding="utf-8") as ledger:
            for video in itertools.chain(kept.values(), map(_stored, fresh)):
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
        place = self.root / file_name(row["label"] or UNLABELLED) / (file_name(row["id"]) + self.suffix)
        if video.place != place:
            place.parent.mkdir(parents=True, exist_ok=True)
            remove(place)
            video.place.rename(place)
        return Stored(video.record, place)


def create_store(table: Path, media: Media, num_shards: int) -> Store:
    """The store of a shard's videos, beside its table; the corpus has `num_shards` shards."""
    return PackedStore(table) if media.storage == "packed" else FileStore(table, media, num_shards)


def file_name(text: str) -> str:
    """A label or an id as one name on disk: as it is, but for what would be a path or too long for a name."""
    name = text.replace("%", "%25").replace("/", "%2F").replace("\0", "%00")
    name = name.replace(".", "%2E") if name.strip(".") == "" else name
    if len(name.encode()) <= LONGEST_NAME:
        return name
    kept = name.encode()[: LONGEST_NAME - 20].decode(errors="ignore")
    return f"{kept}~{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def _stored(new: Decoded) -> Stored:
    assert new.frames is None or isinstance(new.frames, Path)
    return Stored(new.record, new.frames)


def _size(place: Path) -> int:
    """Bytes of a file, or of all files of a folder; -1 where there is none."""
    if place.is_dir():
        with os.scandir(place) as entries:
            return sum(entry.stat().st_size for entry in entries)
    return place.stat().st_size if place.is_file() else -1
