"""Accuracies of clips and of videos. A video's score is the mean softmax of its clips."""

from dataclasses import dataclass

import numpy as np

from kinema.inference.probabilities import highest, softmax


@dataclass(frozen=True)
class ClipScores:
    """Logits of scored clips, (N, K) float32, with the true class and the video number of each, (N,).

    The class is -1 where the list has no label.
    """

    logits: np.ndarray
    labels: np.ndarray
    videos: np.ndarray

    def labelled(self) -> "ClipScores":
        """Those of videos with a label."""
        known = self.labels >= 0
        return self if known.all() else ClipScores(self.logits[known], self.labels[known], self.videos[known])


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
    """Average softmax(logits / temperature) of the clips of each video, in whatever order they come."""
    videos, first, position, counts = np.unique(
        scores.videos, return_index=True, return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(videos), scores.logits.shape[1]))
    np.add.at(sums, position, softmax(scores.logits, temperature=temperature))
    return VideoScores(videos, sums / counts[:, None], scores.labels[first], counts)


def topk_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Fraction of rows whose true class is among the `k` highest scores; with fewer than k classes always 1.

    Equal scores count by the lower class number first, so constant scores are not all correct.
    """
    return float((highest(scores, k) == labels[:, None]).any(axis=1).mean())


def mean_class_accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes that occur of the class's own top-1 accuracy."""
    correct = scores.argmax(axis=1) == labels
    return float(np.mean([correct[labels == label].mean() for label in np.unique(labels)]))
