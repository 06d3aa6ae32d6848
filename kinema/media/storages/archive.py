"""The tar file of a packed shard: per video a record and its JPEG frames back to back, readable by WebDataset.

A member is named after its video, percent-encoded so that no id looks like a folder or an extension. The frames come
before the record: a record in the file means that its frames are whole, whatever ended the process that wrote it.
"""

import io
import json
import logging
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO
from urllib.parse import quote, unquote

from kinema.media.layout import END, START
from kinema.media.storages.interface import Record, Stored

log = logging.getLogger(__name__)
FRAMES_SUFFIX = ".mjpg"
RECORD_SUFFIX = ".json"
COPY_BYTES = 1 << 20


def member_stem(video_id: str) -> str:
    """Name of a video's members up to the extension: the id with all but letters, digits, `_`, `-` and `~` as %XX."""
    return quote(video_id, safe="").replace(".", "%2E")


def video_id_of(member: str) -> str:
    """The id behind a member's name."""
    return unquote(member.partition(".")[0])


def read_stored(tar_path: Path) -> dict[str, Stored]:
    """Videos of a tar by id, the last one of an id; none of a missing file, of a cut-off one those before the cut."""
    stored: dict[str, Stored] = {}
    if not tar_path.is_file():
        return stored
    frames: tarfile.TarInfo | None = None
    with tar_path.open("rb") as file:
        for member in _whole_members(file):
            if member.name.endswith(FRAMES_SUFFIX):
                frames = member
            elif (video := _stored_video(tar_path, file, member, frames)) is not None:
                stored[video.record["id"]] = video
    return stored


def _whole_members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Members up to the first that is cut off."""
    size = os.fstat(file.fileno()).st_size
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            while (member := archive.next()) is not None and member.offset_data + member.size <= size:
                yield member
    except (tarfile.TarError, EOFError) as error:
        log.info("%s ends early (%s); what comes before is used", getattr(file, "name", "tar"), error)


def _stored_video(
    tar_path: Path, file: BinaryIO, member: tarfile.TarInfo, frames: tarfile.TarInfo | None
) -> Stored | None:
    """The video of a record member; None where the record or its frames are damaged (after a power failure)."""
    try:
        record = json.loads(os.pread(file.fileno(), member.size, member.offset_data))
        num_bytes = record["num_bytes"]
        if video_id_of(member.name) != record["id"]:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    if not num_bytes:
        return Stored(record, None)
    if frames is None or video_id_of(frames.name) != record["id"] or frames.size != num_bytes:
        return None
    start, end = frames.offset_data, frames.offset_data + num_bytes
    if os.pread(file.fileno(), 2, start) != START or os.pread(file.fileno(), 2, end - 2) != END:
        return None
    return Stored(record, tar_path, start)


class ArchiveWriter:
    """Writes videos one after the other. What was added survives the end of this process, however it ends."""

    def __init__(self, tar: Path):
        self._file = tar.open("wb")
        self._archive = tarfile.TarFile(fileobj=self._file, mode="w", format=tarfile.GNU_FORMAT, copybufsize=COPY_BYTES)
        self._sources: dict[Path, BinaryIO] = {}

    def add_file(self, record: Record, frames: IO[bytes] | None) -> int | None:
        """Add a video whose frames, if it has any, are the content of an open file; returns their offset in the tar."""
        if frames is not None:
            frames.seek(0)
        return self._add(record, frames)

    def add_stored(self, video: Stored) -> int | None:
        """Copy a video from another tar, byte by byte; returns the offset of its frames in this one."""
        if video.place is None or video.data_offset is None:
            return self._add(video.record, None)
        if video.place not in self._sources:
            self._sources[video.place] = video.place.open("rb")
        source = self._sources[video.place]
        source.seek(video.data_offset)
        return self._add(video.record, source)

    def finish(self) -> None:
        """End the tar and bring it to the disk."""
        self._archive.close()
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of all files; without `finish` the tar stays cut off."""
        for file in (self._file, *self._sources.values()):
            file.close()

    def _add(self, record: Record, frames: IO[bytes] | None) -> int | None:
        stem = member_stem(record["id"])
        offset = None
        if frames is not None:
            offset = self._add_member(stem + FRAMES_SUFFIX, record["num_bytes"], frames)
        text = json.dumps(record).encode()
        self._add_member(stem + RECORD_SUFFIX, len(text), io.BytesIO(text))
        self._file.flush()
        return offset

    def _add_member(self, name: str, size: int, source: IO[bytes]) -> int:
        member = tarfile.TarInfo(name)
        member.size = size
        member.mode = 0o644
        self._archive.addfile(member, source)
        return self._archive.offset - -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
