"""Video scores -> what is right and wrong of each class."""

import numpy as np

from kinema.metrics import VideoScores
from kinema.records.evaluation import ClassScores


def confusion_matrix(videos: VideoScores, num_classes: int) -> np.ndarray:
    """Number of videos by true class (rows) and predicted class (columns), (K, K)."""
    return counted(videos.labels, videos.predicted, num_classes)


def counted(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """The same of true and predicted classes, (V,) each."""
    counts = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


def macro_f1(counts: np.ndarray) -> float:
    """Mean F1 over the classes that have videos; `counts` is a confusion matrix (K, K).

    A class that is never predicted has F1 0.
    """
    right, own, called = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    there = own > 0
    return float((2 * right[there] / (own + called)[there]).mean())


def average_precision(probabilities: np.ndarray, own: np.ndarray) -> float | None:
    """Average precision of one class: the area under precision against recall, in steps; None without videos.

    `probabilities` (V,) are those of the class, `own` (V,) says which videos are of it. Everingham et al., The PASCAL
    Visual Object Classes Challenge: A Retrospective, IJCV 111 (2015), without smoothing: the sum over distinct
    probabilities, from the highest, of precision x gain in recall. Videos of equal probability come in at once, so
    that their order does not count.
    """
    if not own.any():
        return None
    order = np.argsort(-probabilities)
    ranked, found = probabilities[order], np.cumsum(own[order])
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # last of each run of equal ones
    precision, gains = found[ends] / (ends + 1), np.diff(found[ends], prepend=0)
    return float((precision * gains).sum() / own.sum())


def per_class(videos: VideoScores, counts: np.ndarray, labels: list[str]) -> dict[str, ClassScores]:
    """The scores of each class by label, null where there is nothing to divide by; `counts` is the confusion matrix."""
    classes = {}
    for number, label in enumerate(labels):
        hits, own, called = (int(n) for n in (counts[number, number], counts[number].sum(), counts[:, number].sum()))
        classes[label] = ClassScores(
            num_videos=own,
            recall=hits / own if own else None,
            precision=hits / called if called else None,
            f1=2 * hits / (own + called) if own + called else None,
            average_precision=average_precision(videos.probabilities[:, number], videos.labels == number),
            called=called_as(counts[number], labels),
        )
    return classes


def called_as(row: np.ndarray, labels: list[str]) -> dict[str, int]:
    """The classes that occur in a row of the confusion matrix, the most frequent first."""
    order = np.argsort(-row, kind="stable")
    return {labels[number]: int(row[number]) for number in order[: np.count_nonzero(row)]}
