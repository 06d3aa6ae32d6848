"""The storage `packed`: JPEG frames of a shard in one tar (`archive`), the fastest to read."""

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO

from kinema.media.digests import FramesDigest
from kinema.media.layout import END, START
from kinema.media.storages.archive import ArchiveWriter, read_stored
from kinema.media.storages.interface import Decoded, Record, Row, Storage, Store, Stored
from kinema.media.storages.source import Source
from kinema.media.storages.written import Written

IN_MEMORY_BYTES = 16 << 20  # of the frames of a video; there may be two videos a worker


class PackedStorage(Storage[IO[bytes]]):
    """The frames of a video go to an open file first, JPEG pictures back to back."""

    def store(self, table: Path, num_shards: int) -> "PackedStore":
        """See `Storage`."""
        return PackedStore(table)

    def place(self, spill: Path, number: int) -> IO[bytes]:
        """Memory, unless the frames are very many."""
        return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=str(spill))

    def write(self, source: Source, place: IO[bytes], written: Written) -> None:
        """See `Storage`. Rows are what readers can leave out, so a long side becomes one of many rows."""
        width, height = source.size
        with contextlib.closing(source.jpegs(transposed=width > height)) as frames:
            for jpegs in frames:
                place.writelines(jpegs)
                written.add(jpegs)

    def discard(self, place: IO[bytes]) -> None:
        """See `Storage`."""
        place.close()

    def digest(self, place: Path, *, num_frames: int, num_bytes: int, offsets: Sequence[int] | None) -> str:
        """See `Storage`. Each frame is read where the offsets place it."""
        offsets, digest = offsets or [], FramesDigest()
        if len(offsets) != num_frames + 1:
            raise OSError(f"{len(offsets)} offsets of {num_frames} frames")
        with place.open("rb") as tar:
            for frame, (start, end) in enumerate(pairwise(offsets)):
                tar.seek(start)
                jpeg = tar.read(end - start) if end > start else b""
                if len(jpeg) != end - start or jpeg[:2] != START or jpeg[-2:] != END:
                    raise OSError(f"frame {frame} is no JPEG image")
                digest.add(jpeg)
        return str(digest)


class PackedStore(Store[IO[bytes]]):
    """All frames in one tar. It is rewritten as `<tar>.part`; what a killed run wrote is taken from there.

    So videos that are kept take their space twice while the tar is rewritten. New ones do not: of them no more than
    those that are being decoded lie beside the tar.
    """

    def __init__(self, table: Path):
        self.tar = table.with_suffix(".tar")
        self.part = self.tar.with_name(self.tar.name + ".part")
        self.resume = self.tar.with_name(self.tar.name + ".resume")

    def earlier(self) -> list[Stored]:
        """Videos of killed runs, then those of the tar."""
        self._set_aside()
        return [*read_stored(self.resume).values(), *read_stored(self.tar).values()]

    def update(
        self, kept: dict[str, Stored], rows: dict[str, Row], fresh: Iterator[Decoded[IO[bytes]]]
    ) -> dict[str, Stored]:
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
