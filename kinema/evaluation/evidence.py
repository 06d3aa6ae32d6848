"""Logits of the frames of each clip, as they are computed -> what a network says of a video over time.

Of a video the most probable classes and the true one are kept: all logits of all frames would be a hundred times what
else is known of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinema.evaluation.sources import first_rows, stored_values
from kinema.evaluation.views import ViewDataset
from kinema.inference.probabilities import highest
from kinema.media.reader import FrameReader
from kinema.metrics import ClipScores, by_video

NUM_CLASSES = 5  # the most probable ones of a video; the true one comes on top


@dataclass(frozen=True)
class Evidence:
    """Logits of the distinct frames (F,) of one video's clips, of some classes (E,).

    `frames` are their numbers in the video, ascending, and `counts` says how often each is in a clip: its logits,
    (E, F) float32, are means over these, and over the views of a clip. `log_totals` (F,) is the logarithm of the sum of
    exp(logit) over all classes of the network, so that exp(logits - log_totals) are probabilities.
    """

    frames: np.ndarray
    counts: np.ndarray
    classes: np.ndarray
    logits: np.ndarray
    log_totals: np.ndarray


class EvidenceCollector:
    """Takes what a network gives of the views of a data set, in the order of its rows, and keeps whole videos.

    The logits of one video are in memory at a time.
    """

    def __init__(self, dataset: ViewDataset):
        self.dataset = dataset
        self._num_added = 0
        self._random = np.random.default_rng()  # asked for, but the rows of evaluations draw nothing
        self._numbers = np.zeros(0, np.int64)  # of the frames of the row that is on its way
        self._found: dict[int, Evidence] = {}
        self._views: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # of the video that is on its way

    def add(self, logits: np.ndarray, of_frames: np.ndarray) -> None:
        """The next views: their logits (B, K), and those of their last F frames (B, F, K)."""
        for one, frames in zip(logits, of_frames, strict=True):
            row, view = divmod(self._num_added, self.dataset.num_views)
            if view == 0:
                if self._is_first_of_its_video(row):
                    self._end_of_video(row)
                self._numbers = self.dataset.frame_numbers(row, self._random)
            self._views.append((one, frames, self._numbers[-len(frames) :]))
            self._num_added += 1

    def found(self) -> list[Evidence]:
        """Of each video, in the order of `by_video`, when all views were added."""
        assert self._num_added == len(self.dataset) * self.dataset.num_views, "not all views were added"
        self._end_of_video(len(self.dataset))
        return [self._found[number] for number in sorted(self._found)]

    def _is_first_of_its_video(self, row: int) -> bool:
        numbers = self.dataset.index.video_number
        return row > 0 and bool(numbers[row] != numbers[row - 1])

    def _end_of_video(self, row: int) -> None:
        """Keep the video whose last clip is in the row before this one."""
        if self._views:
            index = self.dataset.index
            video = int(index.video_number[row - 1])
            assert video not in self._found, "the clips of a video lie together"
            self._found[video] = self._evidence(int(index.label_index[row - 1]))
            self._views.clear()

    def _evidence(self, label: int) -> Evidence:
        logits, of_frames, numbers = (np.array(part) for part in zip(*self._views, strict=True))
        order = np.argsort(numbers, axis=None, kind="stable")
        frames, starts, counts = np.unique(numbers.ravel()[order], return_index=True, return_counts=True)
        means = np.add.reduceat(of_frames.reshape(-1, logits.shape[1])[order], starts, dtype=np.float64)
        means /= counts[:, None]
        classes = self._classes(logits, label)
        return Evidence(
            frames=frames,
            counts=counts // self.dataset.num_views,
            classes=classes,
            logits=means[:, classes].T.astype(np.float32),
            log_totals=_log_totals(means.astype(np.float32)),
        )

    def _classes(self, logits: np.ndarray, label: int) -> np.ndarray:
        zeros = np.zeros(len(logits), np.int64)
        scores = ClipScores(logits, zeros, zeros, self.dataset.num_views, self.dataset.views.average)
        first = highest(by_video(scores).probabilities[0], NUM_CLASSES)
        return first if label < 0 or label in first else np.append(first, label)


def _log_totals(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exp over the last axis."""
    largest = logits.max(axis=-1)
    return largest + np.log(np.exp(logits - largest[..., None]).sum(axis=-1))


def as_rows(evidence: Sequence[Evidence], dataset: ViewDataset, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The column `evidence` of predictions.parquet; seconds are those since the beginning of the stored frames."""
    index, rows = dataset.index, first_rows(dataset)
    rates, reader = stored_values(index, rows, "fps"), FrameReader()
    times = [
        reader.times(index.times_table(row), index.video(row)) if index.times_digest(row) else None for row in rows
    ]
    return [
        {
            "frames": one.frames.astype(np.int32),
            "seconds": (one.frames / rate if own is None else own[one.frames]).astype(np.float32),
            "counts": one.counts.astype(np.int32),
            "labels": [labels[number] for number in one.classes],
            "logits": list(one.logits),
            "log_totals": one.log_totals,
        }
        for one, rate, own in zip(evidence, rates, times, strict=True)
    ]
