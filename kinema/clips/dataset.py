"""Clip index -> uint8 clips, by random access into the shards.

An item depends on (seed, epoch, index) alone, whatever the number of workers: `EpochSampler` hands the epoch to the
workers inside each index, which also works with workers that outlive an epoch.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch.utils.data import Dataset, Sampler

from kinema.clips.table import ClipIndex
from kinema.clips.transforms import evaluation_transform, training_transform
from kinema.clips.windows import RANDOM_START, clip_frames, random_start
from kinema.config import Augmentation, Clip
from kinema.media.reader import FrameReader


class ClipDataset(Dataset):
    """Clips of an index: {"clip": uint8 (T, 3, size, size), "label": int, "video": int, "row": int}.

    `video` is a number in `videos`. With `augmentation` clips are random, else centre crops.
    """

    def __init__(self, index: ClipIndex, *, clip: Clip, augmentation: Augmentation | None = None, seed: int = 0):
        self.index, self.clip, self.seed = index, clip, seed
        self.transform = (
            training_transform(clip.size, augmentation) if augmentation else evaluation_transform(clip.size)
        )
        self._reader = FrameReader()

    @property
    def videos(self) -> pa.StringArray:
        """Names of the videos by number."""
        return self.index.videos

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, item: int | tuple[int, int]) -> dict[str, Any]:
        epoch, row = item if isinstance(item, tuple) else (0, item)
        entropy = np.random.SeedSequence([self.seed, epoch, row])
        frames = self.frame_numbers(row, np.random.default_rng(entropy))
        clip = self._decode(row, frames)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(entropy.generate_state(1)[0]))
            clip = self.transform(clip)
        label, video = int(self.index.label_index[row]), int(self.index.video_number[row])
        return {"clip": clip, "label": label, "video": video, "row": row}

    def frame_numbers(self, row: int, rng: np.random.Generator) -> np.ndarray:
        """Frames of the clip in this row, (T,); a random start is drawn from `rng`."""
        num_frames, start = int(self.index.num_frames[row]), int(self.index.start[row])
        if start == RANDOM_START:
            start = random_start(num_frames, window=self.clip.length * self.clip.stride, rng=rng)
        return clip_frames(start, num_frames=num_frames, clip=self.clip)

    def _decode(self, row: int, frames: np.ndarray) -> torch.Tensor:
        """Frames as uint8 (T, 3, H, W); a frame that a looping clip repeats is decoded once."""
        needed, position = np.unique(frames, return_inverse=True)
        images = self._reader.read(self.index.shard(row), self.index.video(row), needed.tolist())
        return torch.stack(images)[torch.from_numpy(position)]


class EpochSampler(Sampler[tuple[int, int]]):
    """Indices of one epoch as (epoch, index): shuffled by (seed, epoch), the same on every machine."""

    def __init__(self, length: int, *, seed: int):
        self.length, self.seed, self.epoch = length, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.length)
        return iter([(self.epoch, int(row)) for row in order])
