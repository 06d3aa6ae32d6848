"""Accuracies of clips and of videos. A video's score is the mean softmax of its clips, as a rule.

A clip may be scored in several views, such as crops of it; each view of a video counts as much as any other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from kinema.inference.probabilities import Average, softmax

MAX_CELLS = 2**18  # numbers that are looked at at a time: they stay in the processor's cache


@dataclass(frozen=True)
class ClipScores:
    """Logits of scored views of clips, (N, K) float32, with the true class and the video number of each, (N,).

    The `num_views` views of a clip lie together; with one view, clips are scored as they are. `average` is what a clip,
    and a video, gets the mean of: probabilities, or logits, whose softmax are its probabilities then. The class is -1
    where the list has no label.
    """

    logits: np.ndarray
    labels: np.ndarray
    videos: np.ndarray
    num_views: int = 1
    average: Average = "probabilities"

    def by_clip(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A score of every class for each clip, (C, K), its true class (C,) and its video number (C,).

        Scores are what is averaged; of a single view they are its logits.
        """
        if self.num_views == 1:
            return self.logits, self.labels, self.videos
        views = self.logits.reshape(-1, self.num_views, self.logits.shape[1])
        scores = np.empty((len(views), views.shape[2]))
        at_a_time = max(1, MAX_CELLS // views[0].size) if len(views) else 1
        for begin in range(0, len(views), at_a_time):
            part = views[begin : begin + at_a_time]
            means = part.astype(np.float64) if self.average == "logits" else softmax(part)
            scores[begin : begin + at_a_time] = means.mean(axis=1)
        first = slice(None, None, self.num_views)
        return scores, self.labels[first], self.videos[first]

    def labelled(self) -> "ClipScores":
        """Those of videos with a label."""
        known = self.labels >= 0
        if known.all():
            return self
        return replace(self, logits=self.logits[known], labels=self.labels[known], videos=self.videos[known])

    def as_rows(self) -> "ClipScores":
        """The same, so that the probabilities of a video are the mean softmax of its rows, at any temperature.

        With `average: logits` that is one row a video, its mean logits.
        """
        if self.average == "probabilities":
            return replace(self, num_views=1)
        videos = Videos.of(self)
        return ClipScores(videos.means(self.logits).astype(np.float32), self.labels[videos.first], videos.numbers)


@dataclass(frozen=True)
class Videos:
    """Which rows are of which video: numbers of the videos (V,), ascending, and of each its first row and how many.

    `order` sorts the rows by video, those of a video as they came; None where they lie so. `starts` are in that order.
    """

    numbers: np.ndarray
    first: np.ndarray
    counts: np.ndarray
    starts: np.ndarray
    order: np.ndarray | None

    @classmethod
    def of(cls, scores: ClipScores) -> "Videos":
        """Those of scored views."""
        rows, order = scores.videos, None
        if (rows[1:] < rows[:-1]).any():
            order = np.argsort(rows, kind="stable")
            rows = rows[order]
        starts = np.flatnonzero(np.append(True, rows[1:] != rows[:-1])[: len(rows)])
        first = starts if order is None else order[starts]
        return cls(rows[starts], first, np.diff(starts, append=len(rows)), starts, order)

    def means(self, logits: np.ndarray, of: Callable[[np.ndarray], np.ndarray] | None = None) -> np.ndarray:
        """Mean of the rows of each video, or of what `of` makes of them (N, K), as float64 (V, K).

        So many videos are looked at at a time that memory stays small. Rows are added one after the other, as they
        came, so that the bits do not depend on that.
        """
        found = np.empty((len(self.numbers), logits.shape[1]))
        for begin, end in self._parts(logits.shape[1]):
            starts, counts = self.starts[begin:end] - self.starts[begin], self.counts[begin:end]
            rows = slice(self.starts[begin], self.starts[begin] + counts.sum())
            values = logits[rows if self.order is None else self.order[rows]]
            values = values.astype(np.float64) if of is None else of(values)
            sums = np.zeros((end - begin, logits.shape[1]))
            for number in range(counts.max()):
                longer = counts > number
                sums[longer] += values[starts[longer] + number]
            found[begin:end] = sums / counts[:, None]
        return found

    def _parts(self, num_classes: int) -> Iterator[tuple[int, int]]:
        """First video and end of each part: as many as `MAX_CELLS` allows, one at least."""
        most, begin = max(1, MAX_CELLS // num_classes), 0
        ends = self.starts + self.counts
        while begin < len(ends):
            end = max(begin + 1, int(np.searchsorted(ends, self.starts[begin] + most, side="right")))
            yield begin, end
            begin = end


@dataclass(frozen=True)
class VideoScores:
    """Mean class probabilities of each video, (V, K), its true class (V,) and number of clips (V,), by video number.

    The class is -1 where the list has no label.
    """

    videos: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    num_clips: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class of each video, (V,)."""
        return self.probabilities.argmax(axis=1)

    def take(self, positions: np.ndarray) -> "VideoScores":
        """The videos at these positions."""
        return VideoScores(
            self.videos[positions], self.probabilities[positions], self.labels[positions], self.num_clips[positions]
        )


def by_video(scores: ClipScores, *, temperature: float = 1.0) -> VideoScores:
    """Average softmax(logits / temperature) of the clips of each video, in whatever order they come.

    With `average: logits` it is the softmax of their mean logits, by the temperature.
    """
    videos = Videos.of(scores)
    if scores.average == "logits":
        probabilities = softmax(videos.means(scores.logits), temperature=temperature)
    else:
        probabilities = videos.means(scores.logits, lambda logits: softmax(logits, temperature=temperature))
    return VideoScores(videos.numbers, probabilities, scores.labels[videos.first], videos.counts // scores.num_views)


def mean_logits(scores: ClipScores) -> np.ndarray:
    """Mean of the logits of each video's clips and their views, (V, K) float32, in the order of `by_video`."""
    return Videos.of(scores).means(scores.logits).astype(np.float32)


def topk_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Fraction of rows whose true class is among the `k` highest scores; with fewer than k classes always 1.

    Equal scores count by the lower class number first, so constant scores are not all correct.
    """
    return float((ranks(scores, labels) <= k).mean())


def ranks(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Place of the true class among all by score, (N,) from 1; of equal ones the lower class number is first."""
    true = scores[np.arange(len(labels)), labels][:, None]
    before = np.arange(scores.shape[1]) < labels[:, None]
    return 1 + ((scores > true) | ((scores == true) & before)).sum(axis=1)


def mean_class_accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes that occur of the class's own top-1 accuracy."""
    correct = scores.argmax(axis=1) == labels
    return float(np.mean([correct[labels == label].mean() for label in np.unique(labels)]))
