"""Clip index -> uint8 clips, by random access into the shards.

An item depends on (seed, epoch, index) alone, whatever the number of workers: `EpochSampler` hands the epoch to the
workers inside each index, which also works with workers that outlive an epoch.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from torch.utils.data import Dataset

from kinema.clips.transforms import EvaluationTransform, Modality, TrainingTransform
from kinema.clips.windows import RANDOM_START, clip_frames, enumerate_clips, random_start
from kinema.config import Augmentation, Clip
from kinema.media.packed import PackedReader


@dataclass(frozen=True)
class ClipIndex:
    """Rows of clips.parquet of some subsets, with the labels of the data set."""

    rows: pd.DataFrame
    labels: list[str]

    @classmethod
    def load(cls, path: Path, *, subset: str, clip: Clip) -> "ClipIndex":
        """Rows of one subset. Clips of another length or number than the index has are enumerated afresh."""
        table = pq.read_table(path, filters=[("subset", "=", subset)])
        metadata = pq.read_schema(path).metadata
        rows = table.to_pandas()
        if Clip.model_validate_json(metadata[b"clip"]) != clip:
            rows = enumerate_clips(rows.drop_duplicates("video").drop(columns=["clip", "start"]), clip)
        return cls(rows=rows.reset_index(drop=True), labels=json.loads(metadata[b"labels"]))

    @cached_property
    def frame_offsets(self) -> dict[tuple[str, int], np.ndarray]:
        """Byte offsets of the frames of every video, (T + 1,), by shard table and row in it."""
        offsets = {}
        for shard, rows in self.rows.groupby("shard")["shard_row"]:
            column = pq.read_table(shard, columns=["frame_offsets"])["frame_offsets"].combine_chunks()
            for row in rows.unique():
                offsets[str(shard), int(row)] = column[int(row)].values.to_numpy()
        return offsets


class ClipDataset(Dataset):
    """Clips of an index: {"clip": uint8 (T, C, size, size), "label": int, "video": int, "row": int}.

    `video` numbers the distinct videos of the index. With `augmentation` clips are random, else centre crops; C is 3,
    or 2 for the modality flow. The layout THWC puts the channels last.
    """

    def __init__(
        self,
        index: ClipIndex,
        *,
        clip: Clip,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        modality: Modality = "rgb",
        layout: Literal["TCHW", "THWC"] = "TCHW",
    ):
        self.index, self.clip, self.seed, self.layout = index, clip, seed, layout
        self.num_channels = 2 if modality == "flow" else 3
        self.transform = (
            TrainingTransform(clip.size, augmentation, modality=modality)
            if augmentation
            else EvaluationTransform(clip.size)
        )
        rows = index.rows
        self.videos = list(dict.fromkeys(rows["video"]))
        self._video = rows["video"].map({video: number for number, video in enumerate(self.videos)}).to_numpy()
        self._start, self._label = rows["start"].to_numpy(), rows["label_index"].to_numpy()
        self._num_frames = rows["num_frames"].to_numpy()
        self._shard, self._shard_row = rows["shard"].to_numpy(), rows["shard_row"].to_numpy()
        self._offsets = index.frame_offsets
        self._reader = PackedReader()

    def __len__(self) -> int:
        return len(self._start)

    def __getitem__(self, item: int | tuple[int, int]) -> dict[str, Any]:
        return self.read(item)

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """Shape of every clip."""
        size = self.clip.size
        if self.layout == "THWC":
            return self.clip.length, size, size, self.num_channels
        return self.clip.length, self.num_channels, size, size

    def read(self, item: int | tuple[int, int], *, out: torch.Tensor | None = None) -> dict[str, Any]:
        """The item of an index or of (epoch, index); its clip is written to `out` where that is given."""
        epoch, row = item if isinstance(item, tuple) else (0, item)
        entropy = np.random.SeedSequence([self.seed, epoch, row])
        numbers = self.frame_numbers(row, np.random.default_rng(entropy))
        clip = torch.empty(self.clip_shape, dtype=torch.uint8) if out is None else out
        with _seeded(int(entropy.generate_state(1)[0])):
            self._clip(row, numbers, clip)
        return {"clip": clip, "label": int(self._label[row]), "video": int(self._video[row]), "row": row}

    def frame_numbers(self, row: int, rng: np.random.Generator) -> np.ndarray:
        """Frames of the clip in this row, (T,); a random start is drawn from `rng`."""
        num_frames, start = int(self._num_frames[row]), int(self._start[row])
        if start == RANDOM_START:
            start = random_start(num_frames, window=self.clip.length * self.clip.stride, rng=rng)
        return clip_frames(start, num_frames=num_frames, clip=self.clip)

    def _clip(self, row: int, numbers: np.ndarray, out: torch.Tensor) -> None:
        """Write the transformed frames; one that a looping clip repeats is decoded and transformed once."""
        distinct, position = np.unique(numbers, return_inverse=True)
        clip = out if self.layout == "TCHW" else out.permute(0, 3, 1, 2)
        in_place = len(distinct) == len(numbers) and self.layout == "TCHW"
        memory = clip if in_place else torch.empty((len(distinct), *clip.shape[1:]), dtype=torch.uint8)
        transformed = self.transform(self._read_frames(row, distinct), out=memory)
        if transformed is not clip:
            clip.copy_(transformed[torch.from_numpy(position)])

    def _read_frames(self, row: int, numbers: np.ndarray) -> Iterator[torch.Tensor]:
        """Frames of distinct, ascending numbers, each uint8 (C, H, W)."""
        shard = self._shard[row]
        offsets = self._offsets[shard, int(self._shard_row[row])]
        spans = [(int(offsets[number]), int(offsets[number + 1])) for number in numbers]
        for number, jpeg in zip(numbers, self._reader.read(Path(shard).with_suffix(".tar"), spans), strict=True):
            # the same library as behind torchvision's decode_jpeg and the same pixels, with less around it
            image = cv2.imdecode(np.frombuffer(jpeg, dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
            if image is None:
                raise ValueError(
                    f"{shard}: frame {number} of video '{self.videos[self._video[row]]}' is not a JPEG image, so table "
                    f"and tar do not belong together. Delete {shard} and run snakemake again, which rebuilds both."
                )
            yield torch.from_numpy(image).permute(2, 0, 1)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seeds torch's generator of the CPU for a while; torch.manual_seed would look for GPUs, too."""
    state = torch.default_generator.get_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.default_generator.set_state(state)
