"""Clip index -> uint8 clips, by random access into the shards.

An item depends on (seed, epoch, index) alone, whatever the number of workers: `EpochSampler` hands the epoch to the
workers inside each index, which also works with workers that outlive an epoch.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import torch
from torch.utils.data import Dataset

from kinema.annotations.mirrored import mirror_images
from kinema.clips.table import ClipIndex
from kinema.clips.transforms import EvaluationTransform, Modality, TrainingTransform, modalities
from kinema.clips.windows import RANDOM_START, random_start
from kinema.experiment.data_sections import Augmentation, Clip
from kinema.inference.sampling import num_taken, taken, taken_evenly
from kinema.inference.spec import CHANNELS
from kinema.inference.windows import clip_frames, evaluation_starts
from kinema.media.layout import Box
from kinema.media.reader import FrameReader


class ClipDataset(Dataset):
    """Clips of an index: {"clip": uint8 (T, C, size, size), "label": int, "video": int, "row": int}.

    `video` is a number in `videos`. With `augmentation` clips are random, else crops of the centre, and training clips
    are those in the middle of the video; C is 3, 2 for the modality flow, and 5 for both, pictures first: of the same
    instants, cut and mirrored alike. A mirrored clip has the label that the augmentation names for it. `copies`: see
    `FrameReader`.
    """

    def __init__(
        self,
        index: ClipIndex,
        *,
        clip: Clip,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        modality: Modality = "rgb",
        copies: Path | None = None,
    ):
        self.index, self.clip, self.seed = index, clip, seed
        self.augmented = augmentation is not None
        self._images = mirror_images(index.labels, augmentation.mirrored_labels) if augmentation else None
        self.modality, self.num_channels = modality, len(CHANNELS[modality])
        self.transform: Callable[..., torch.Tensor] = (
            TrainingTransform(clip.size, augmentation, modality=modality)
            if augmentation
            else EvaluationTransform(clip.size)
        )
        self._reader = FrameReader(copies=copies)

    @property
    def videos(self) -> pa.StringArray:
        """Names of the videos by number."""
        return self.index.videos

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, item: int | tuple[int, int]) -> dict[str, Any]:
        return self.read(item)

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """Shape of every clip."""
        return self.clip.length, self.num_channels, self.clip.size, self.clip.size

    def read(self, item: int | tuple[int, int], *, out: torch.Tensor | None = None) -> dict[str, Any]:
        """The item of an index or of (epoch, index); its clip is written to `out` where that is given."""
        epoch, row = item if isinstance(item, tuple) else (0, item)
        entropy = self._entropy(epoch, row)
        numbers = self.frame_numbers(row, np.random.default_rng(entropy))
        clip = torch.empty(self.clip_shape, dtype=torch.uint8) if out is None else out
        with _seeded(int(entropy.generate_state(1)[0])) if self.augmented else nullcontext():
            self._clip(row, numbers, clip)
        label, video = int(self.index.label_index[row]), int(self.index.video_number[row])
        if self._images and isinstance(self.transform, TrainingTransform) and self.transform.mirrored:
            label = self._images[label]
        return {"clip": clip, "label": label, "video": video, "row": row}

    def _entropy(self, epoch: int, row: int) -> np.random.SeedSequence:
        """What all that is random in a clip follows from."""
        return np.random.SeedSequence([self.seed, epoch, row])

    def frame_numbers(self, row: int, rng: np.random.Generator) -> np.ndarray:
        """Frames of the clip in this row, (T,); a random start is drawn from `rng`."""
        (num_frames, stored_numbers), start = self._pace(row), int(self.index.start[row])
        if start == RANDOM_START:
            window = self.clip.length * self.clip.stride
            if self.augmented:
                start = random_start(num_frames, window=window, rng=rng)
            else:
                start = evaluation_starts(num_frames, window=window, num_clips=1)[0]
        numbers = clip_frames(start, num_frames=num_frames, length=self.clip.length, stride=self.clip.stride)
        return stored_numbers(numbers)

    def _pace(self, row: int) -> tuple[int, Callable[[np.ndarray], np.ndarray]]:
        """How many frames clips count of a video, and what makes of their numbers those of stored frames."""
        stored, rate, fps = int(self.index.num_frames[row]), float(self.index.fps[row]), self.clip.fps
        if fps is None:
            return stored, lambda numbers: numbers
        if self.index.times_digest(row) is not None:
            at_pace = taken(self._reader.times(self.index.times_table(row), self.index.video(row)), fps)
            return len(at_pace), lambda numbers: at_pace[numbers]
        if math.isnan(rate):
            return stored, lambda numbers: numbers
        return int(num_taken(stored / rate, fps)), partial(taken_evenly, num_frames=stored, rate=rate, fps=fps)

    def _clip(self, row: int, numbers: np.ndarray, out: torch.Tensor) -> None:
        """Write the transformed frames; one that a looping clip repeats is decoded and transformed once."""
        if (numbers[1:] > numbers[:-1]).all():
            transformed = self.transform(*self._read_frames(row, numbers), out=out)
            if transformed is not out:
                out.copy_(transformed)
            return
        distinct, position = np.unique(numbers, return_inverse=True)
        memory = torch.empty((len(distinct), *out.shape[1:]), dtype=torch.uint8)
        out.copy_(self.transform(*self._read_frames(row, distinct), out=memory)[torch.from_numpy(position)])

    def _read_frames(self, row: int, numbers: np.ndarray) -> "list[StoredFrames]":
        """Frames of distinct, ascending numbers, as the transforms take them: of each modality."""
        video, chosen = self.index.video(row), numbers.tolist()
        tables = [self.index.table(row, modality) for modality in modalities(self.modality)]
        return [StoredFrames(self._reader, table, video, chosen) for table in tables]


@dataclass(frozen=True, slots=True)
class StoredFrames:
    """Frames of a prepared video, as `kinema.inference.preprocessing.Frames`."""

    reader: FrameReader
    shard: Path
    video: str
    numbers: list[int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.reader.size(self.shard, self.video)

    def cut(self, box: Box) -> Iterator[np.ndarray]:
        """The box of each frame."""
        return self.reader.read(self.shard, self.video, self.numbers, box=box)


def clips_for(index: ClipIndex, modality: str, **options: Any) -> ClipDataset:
    """Clips for a model that takes `modality`; ValueError where the shards do not hold it."""
    return ClipDataset(index, modality=checked_modality(index, modality), **options)


def checked_modality(index: ClipIndex, wanted: str) -> Modality:
    """What a model takes; ValueError where the shards of an index do not hold it."""
    shard = index.shard(0)
    found = "rgb+flow" if index.has_both else FrameReader().media(shard).modality
    if not {*modalities(wanted)} <= {*modalities(found)}:
        raise ValueError(
            f"{shard}: its frames are {found}, the model takes {wanted}; choose a model for {found}, or a data set "
            f"with `media: {{modality: {wanted}}}`"
        )
    return cast(Modality, wanted)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seeds torch's generator of the CPU for a while; torch.manual_seed would look for GPUs, too."""
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(state)
