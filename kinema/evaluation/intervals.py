"""Video scores -> 95 % intervals of their accuracies, by drawing the videos, or groups of them, again and again.

The percentile bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. Videos of one group
(a person, a scene) are much alike, and many of them say little more than one; so groups are drawn whole where they are
known: Davison and Hinkley, Bootstrap Methods and their Application (1997), section 3.8.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinema.evaluation.wilson import wilson_interval
from kinema.inference.probabilities import highest
from kinema.metrics import VideoScores
from kinema.records.evaluation import Interval, Intervals

NUM_DRAWS = 1000
SEED = 1  # of the draws: the same scores have the same intervals
ENDS = (2.5, 97.5)  # percentiles
MAX_CELLS = 2**20  # numbers of one array in memory: so many draws are looked at at a time


@dataclass(frozen=True)
class Answers:
    """What is drawn: true and predicted class of each video, (V,), whether it is among the first five, and its unit.

    `units` (V,) are numbers from 0; the videos of a unit are drawn together. They lie in an order of their own,
    whatever the one that they came in.
    """

    labels: np.ndarray
    predicted: np.ndarray
    in_five: np.ndarray
    units: np.ndarray

    @classmethod
    def of(cls, videos: VideoScores, groups: Sequence[str | None]) -> "Answers":
        """By the group of each video; one without a group is a unit of its own."""
        first = highest(videos.probabilities, 5)
        in_five = (first == videos.labels[:, None]).any(axis=1)
        return cls.grouped(videos.labels, first[:, 0], in_five, groups)

    @classmethod
    def grouped(
        cls, labels: np.ndarray, predicted: np.ndarray, in_five: np.ndarray, groups: Sequence[str | None]
    ) -> "Answers":
        """The same of arrays (V,), by the group of each."""
        names = np.array([group or "" for group in groups])
        order = np.lexsort((in_five, predicted, labels, names))
        names = names[order]
        begins = np.append(True, names[1:] != names[:-1]) | (names == "")
        return cls(labels[order], predicted[order], in_five[order], np.cumsum(begins) - 1)

    @property
    def num_units(self) -> int:
        """How many there are to draw from."""
        return int(self.units[-1]) + 1


def intervals_of(
    videos: VideoScores, groups: Sequence[str | None], *, num_draws: int = NUM_DRAWS, seed: int = SEED
) -> Intervals:
    """The intervals of the record; `groups` has the group of each video, None where none is known."""
    num_classes = videos.probabilities.shape[1]
    return intervals_over(Answers.of(videos, groups), num_classes=num_classes, num_draws=num_draws, seed=seed)


def intervals_over(answers: Answers, *, num_classes: int, num_draws: int = NUM_DRAWS, seed: int = SEED) -> Intervals:
    """The same of what is drawn.

    A fraction of videos that are independent of each other has Wilson's interval, which holds for few videos and near 0
    and 1, where draws hardly differ. Over groups it has the interval of the draws, but none that is narrower than
    Wilson's. Where all draws are alike they say nothing: a fraction then has Wilson's interval of so many units, the
    other numbers have none.
    """
    drawn = draws(answers, num_classes=num_classes, num_draws=num_draws, seed=seed)
    found = [_between(column) for column in drawn.T]
    seen = [(answers.predicted == answers.labels).sum(), answers.in_five.sum()]
    is_grouped = answers.num_units < len(answers.labels)
    top1, top5 = (
        _fraction(int(hits), answers, interval if is_grouped else None)
        for hits, interval in zip(seen, found, strict=False)
    )
    return Intervals(
        units="groups" if is_grouped else "videos",
        num_units=answers.num_units,
        video_top1=top1,
        video_top5=top5,
        mean_class_accuracy=found[2],
        macro_f1=found[3],
    )


def draws(answers: Answers, *, num_classes: int, num_draws: int, seed: int) -> np.ndarray:
    """Top-1, top-5, mean class accuracy and macro F1 of each draw, (num_draws, 4).

    A draw takes as many units as there are, with replacement. Means over classes are over those that it has.
    """
    rng = np.random.default_rng(seed)
    at_a_time = max(1, MAX_CELLS // max(len(answers.labels), num_classes))
    numbers = [min(at_a_time, num_draws - done) for done in range(0, num_draws, at_a_time)]
    return np.concatenate([_scores(_drawn(answers, number, rng), answers, num_classes) for number in numbers])


def _drawn(answers: Answers, number: int, rng: np.random.Generator) -> np.ndarray:
    """How often each video is in each of so many draws, (number, V)."""
    num_units = answers.num_units
    drawn = rng.integers(0, num_units, (number, num_units))
    return _counts(drawn, num_units)[:, answers.units]


def _scores(times: np.ndarray, answers: Answers, num_classes: int) -> np.ndarray:
    correct = answers.predicted == answers.labels
    own, called, right = (
        _counts(classes, num_classes, times[:, chosen])
        for classes, chosen in (
            (answers.labels, slice(None)),
            (answers.predicted, slice(None)),
            (answers.labels[correct], correct),
        )
    )
    total, num_classes_drawn = times.sum(axis=1), (own > 0).sum(axis=1)
    top1, top5 = right.sum(axis=1) / total, times[:, answers.in_five].sum(axis=1) / total
    recalls, f1 = right / np.maximum(own, 1), 2 * right / np.maximum(own + called, 1)  # both 0 without own videos
    return np.stack([top1, top5, recalls.sum(axis=1) / num_classes_drawn, f1.sum(axis=1) / num_classes_drawn], axis=1)


def _counts(values: np.ndarray, num_values: int, times: np.ndarray | None = None) -> np.ndarray:
    """How often each value is in each row, (rows, num_values).

    `values` are (rows, N), or (N,) for all rows where each counts `times` (rows, N).
    """
    rows = len(values if times is None else times)
    places = (values + num_values * np.arange(rows)[:, None]).ravel()
    weights = None if times is None else times.ravel()
    return np.bincount(places, weights=weights, minlength=rows * num_values).reshape(rows, num_values)


def _between(drawn: np.ndarray) -> Interval | None:
    """The ends of the interval of these draws; None where they are all alike."""
    if drawn.min() == drawn.max():
        return None
    low, high = np.percentile(drawn, ENDS)
    return Interval(low=float(low), high=float(high))


def _fraction(hits: int, answers: Answers, interval: Interval | None) -> Interval:
    """The interval of a fraction: that of the draws, made as wide as Wilson's."""
    number = len(answers.labels)
    if interval is None:
        return wilson_interval(hits / number * answers.num_units, answers.num_units)
    least = wilson_interval(hits, number)
    return Interval(low=min(interval.low, least.low), high=max(interval.high, least.high))
