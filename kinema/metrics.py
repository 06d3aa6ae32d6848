"""Accuracies of clips and of videos. A video's score is the mean softmax of its clips, as a rule.

A clip may be scored in several views, such as crops of it; each view of a video counts as much as any other.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from kinema.inference.probabilities import softmax

Average = Literal["probabilities", "logits"]


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
        first = slice(None, None, self.num_views)
        scores = self.logits.astype(np.float64) if self.average == "logits" else softmax(self.logits)
        return scores.reshape(-1, self.num_views, scores.shape[1]).mean(axis=1), self.labels[first], self.videos[first]

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
        videos, first, position, counts = np.unique(
            self.videos, return_index=True, return_inverse=True, return_counts=True
        )
        sums = np.zeros((len(videos), self.logits.shape[1]))
        np.add.at(sums, position, self.logits)
        return ClipScores((sums / counts[:, None]).astype(np.float32), self.labels[first], videos)


@dataclass(frozen=True)
class VideoScores:
    """Mean class probabilities of each video, (V, K), its true class (V,) and number of clips (V,), by video number.

    The class is -1 where the list has no label.
    """

    videos: np.ndarray
    probabilities: np.ndarray
    labels: np.ndarray
    num_clips: np.ndarray

    def take(self, positions: np.ndarray) -> "VideoScores":
        """The videos at these positions."""
        return VideoScores(
            self.videos[positions], self.probabilities[positions], self.labels[positions], self.num_clips[positions]
        )


def by_video(scores: ClipScores, *, temperature: float = 1.0) -> VideoScores:
    """Average softmax(logits / temperature) of the clips of each video, in whatever order they come.

    With `average: logits` it is the softmax of their mean logits, by the temperature.
    """
    is_logits = scores.average == "logits"
    videos, first, position, counts = np.unique(
        scores.videos, return_index=True, return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(videos), scores.logits.shape[1]))
    np.add.at(sums, position, scores.logits if is_logits else softmax(scores.logits, temperature=temperature))
    means = sums / counts[:, None]
    probabilities = softmax(means, temperature=temperature) if is_logits else means
    return VideoScores(videos, probabilities, scores.labels[first], counts // scores.num_views)


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
