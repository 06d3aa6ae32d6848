"""Clip index -> a few fixed views of each clip, the same ones in whatever index a video is, with whatever seed."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from kinema.annotations.mirrored import mirror_images
from kinema.clips.dataset import ClipDataset, checked_modality
from kinema.clips.table import ClipIndex
from kinema.digests import digest
from kinema.experiment.data_sections import Augmentation, Clip

View = tuple[int, int]  # number of the view, row of the index


class ClipViews(Dataset):
    """Items of (view, row): {"clip": uint8 (T, C, size, size), "view", "row", "mirrored", and as in `ClipDataset`}.

    The first view of a video's first clip is what evaluation would see of it: the middle of the video, the centre of
    the frames. The others are drawn as `augmentation` says. Without one, as of validation videos, all are as evaluation
    sees them. Mirrored clips keep their label here.
    """

    def __init__(
        self,
        index: ClipIndex,
        modality: str,
        *,
        clip: Clip,
        num_views: int = 1,
        augmentation: Augmentation | None = None,
        copies: Path | None = None,
    ):
        self.index, self.num_views = index, num_views
        options: dict[str, Any] = {"clip": clip, "modality": checked_modality(index, modality), "copies": copies}
        self.plain = ClipDataset(index, **options)
        self.drawn = DrawnClips(index, augmentation=augmentation, **options) if augmentation else None
        pairs = augmentation.mirrored_labels if augmentation else ()
        self._images = mirror_images(index.labels, pairs)

    def __len__(self) -> int:
        return self.num_views * len(self.index)

    @property
    def clip_shape(self) -> tuple[int, ...]:
        """Shape of every clip."""
        return self.plain.clip_shape

    def items(self) -> list[View]:
        """All there are."""
        return [(view, row) for view in range(self.num_views) for row in range(len(self.index))]

    def key(self, item: View) -> str:
        """What the pixels of a view depend on, as a short hash."""
        view, row = item
        if drawn := self._drawn(item):
            return drawn.key(view, row)
        return digest([_content(self.index, row), self.plain.frame_numbers(row, np.random.default_rng(0)).tolist()])

    def label(self, row: int, *, mirrored: bool) -> int:
        """The class of a clip, or of its mirror image."""
        label = int(self.index.label_index[row])
        return self._images[label] if mirrored and self._images else label

    def __getitem__(self, item: View) -> dict[str, Any]:
        return self.read(item)

    def read(self, item: View, *, out: torch.Tensor | None = None) -> dict[str, Any]:
        """The item; its clip is written to `out` where that is given."""
        view, row = item
        if drawn := self._drawn(item):
            return drawn.read(item, out=out) | {"view": view, "mirrored": drawn.transform.mirrored}
        return self.plain.read(row, out=out) | {"view": view, "mirrored": False}

    def _drawn(self, item: View) -> "DrawnClips | None":
        """What draws this view; None where it is as evaluation sees the clip."""
        view, row = item
        is_first = view == 0 and self.index.rows["clip"][row].as_py() == 0
        return None if is_first else self.drawn


class DrawnClips(ClipDataset):
    """Augmented clips that depend on the frames of their video, their number in it and the view, on nothing else."""

    transform: Any

    def __init__(self, index: ClipIndex, *, augmentation: Augmentation, **options: Any):
        # which label a mirror image has changes no pixel
        pixels = augmentation.model_copy(update={"mirrored_labels": []})
        super().__init__(index, augmentation=pixels, **options)
        self._changes = digest(pixels.model_dump(mode="json"))

    def key(self, view: int, row: int) -> str:
        """See `ClipViews.key`."""
        rate: Any = None if self.clip.fps is None else float(self.index.fps[row])
        if rate is not None and (times := self.index.times_digest(row)):
            rate = [rate, times]
        return digest([_content(self.index, row), self.index.rows["clip"][row].as_py(), view, rate, self._changes])

    def _entropy(self, epoch: int, row: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(int(self.key(epoch, row), 16))


def _content(index: ClipIndex, row: int) -> str:
    return index.rows["frames_digest"][row].as_py()
