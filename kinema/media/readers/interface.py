"""What reads the frames of one shard, whatever its storage."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kinema.media.layout import Box


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """Where the frames of one video are; `offsets` are those of packed frames in the tar, (num_frames + 1,) int64."""

    num_frames: int
    height: int
    width: int
    fps: float
    place: str
    offsets: np.ndarray


class StorageReader(ABC):
    """Reads frames of the videos of one shard, which are pictures (`rgb`) or `flow`. It belongs to one thread."""

    def __init__(self, modality: str):
        self.modality = modality

    @abstractmethod
    def read(self, video: StoredVideo, frames: Sequence[int], box: Box | None) -> Iterator[np.ndarray]:
        """Frames by ascending numbers, as `kinema.media.reader.FrameReader.read` gives them, decoded one by one.

        Raises OSError where they are not what the table says.
        """

    def close(self) -> None:  # noqa: B027  most keep nothing open
        """Let go of what is open; the next read opens it again."""
