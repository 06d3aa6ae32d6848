"""What every storage can do: take the frames of one video, keep the videos of a shard, and tell what it has kept.

Frames are written twice, so to say: a decoder's thread puts those of a video in a place of their own, and the store of
the shard, of which there is one, takes them from there.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Generic, TypeVar

from kinema.experiment.data_sections import Media
from kinema.media.frame_folders import FrameFolder
from kinema.media.storages.source import Source
from kinema.media.storages.written import Written

Record = dict[str, Any]
Row = dict[str, Any]
Place = TypeVar("Place")  # where the frames of one video go first


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Place]):
    """The record of a video that was just tried, and where its frames are (None unless its status is `ok`)."""

    record: Record
    frames: Place | None


@dataclass(frozen=True, slots=True)
class Stored:
    """One video that is on disk whole: its record, and the file or folder that holds its frames (None without any).

    In a tar they begin at `data_offset` bytes.
    """

    record: Record
    place: Path | None
    data_offset: int | None = None

    @property
    def frame_offsets(self) -> list[int] | None:
        """In a tar, T + 1 offsets in bytes: frame i is [offsets[i], offsets[i + 1])."""
        if self.data_offset is None:
            return None
        return list(accumulate(self.record["frame_bytes"], initial=self.data_offset))


class Store(ABC, Generic[Place]):
    """Where a shard keeps its videos: the memory of its stage. What it holds and is still valid is not decoded again,
    and a killed run loses no video that was finished.

    It lies beside the shard's table and is no declared output: Snakemake would delete it before the job.
    """

    @abstractmethod
    def earlier(self) -> list[Stored]:
        """What earlier runs left that is whole; the first one of an id counts."""

    @abstractmethod
    def update(
        self, kept: dict[str, Stored], rows: dict[str, Row], fresh: Iterator[Decoded[Place]]
    ) -> dict[str, Stored]:
        """Hold `kept` and what `fresh` yields, and nothing else; returns where each video is, by id.

        `rows` are those of the manifest, by id; `fresh` decodes as it is read.
        """


class Storage(ABC, Generic[Place]):
    """One way to write frames and to keep them. Used by any number of threads at a time."""

    def __init__(self, media: Media):
        self.media = media

    @abstractmethod
    def store(self, table: Path, num_shards: int) -> Store[Place]:
        """The store of a shard's videos, beside its table; the corpus has `num_shards` shards."""

    @abstractmethod
    def place(self, spill: Path, number: int) -> Place:
        """Where the frames of a video go first; what needs the disk is in the folder `spill`, by the number."""

    @abstractmethod
    def write(self, source: Source, place: Place, written: Written) -> None:
        """Write the frames of a video. What was written before an error stays, and is counted.

        Raises DecodeError for damage, another MediaError where the video cannot become frames, OSError where they
        cannot be written, StoppedError when the run is ending.
        """

    def link(self, folder: FrameFolder, place: Place, written: Written) -> bool:
        """Make the pictures of a folder frames as they are, if the settings want it and they can be; else False."""
        return False

    @abstractmethod
    def discard(self, place: Place) -> None:
        """Remove what is there, if anything is."""

    @abstractmethod
    def digest(self, place: Path, *, num_frames: int, num_bytes: int, offsets: Sequence[int] | None) -> str:
        """The digest of a stored video's frames, read from the disk: that of its record, where they are the same.

        Place and `offsets` are those of `Stored`. Raises OSError where they cannot be read or are no frames.
        """
