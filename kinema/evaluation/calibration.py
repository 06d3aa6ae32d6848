"""Scores of videos with labels -> one temperature that makes confidences honest, and the confidence to answer from.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
"""

import math
from collections.abc import Callable

import numpy as np

from kinema.evaluation.answers import answers_above, lowest_with
from kinema.evaluation.subset_scores import ScoredSubset
from kinema.metrics import MAX_CELLS, ClipScores
from kinema.records.calibration import AnswersAbove, Calibration, Temperature

LOWEST, HIGHEST = 0.05, 20.0  # temperatures that are looked at
FEWEST_VIDEOS = 10  # of fewer nothing is fitted
COARSE, FINE = 0.5, 3e-4  # distances of the logarithms of temperatures that are tried, and in which one is found
GOLDEN = (math.sqrt(5) - 1) / 2


def calibrated(
    scored: ScoredSubset, *, num_clips: int, is_reported: bool, precision: float
) -> tuple[ScoredSubset, Calibration]:
    """A subset at the temperature that its videos with labels give, and what these say of the confidences.

    Each was scored on `num_clips` clips; `precision` is what answers shall have. `is_reported`: the reported numbers
    are of these videos.
    """
    known, notes = scored.labelled(), []
    if is_reported:
        notes.append(f"fitted on the very {scored.name} videos that are reported")
    try:
        temperature = fitted_temperature(known.clips)
        scored = scored.at(temperature.value)
    except ValueError as error:
        temperature = None
        notes.append(f"no temperature: {error}")
    try:
        threshold = found_threshold(scored.labelled(), precision=precision)
    except ValueError as error:
        threshold = None
        notes.append(f"no threshold: {error}")
    return scored, Calibration(
        subset=scored.name,
        is_reported=is_reported,
        num_videos=len(known.videos.videos),
        num_clips=num_clips,
        temperature=temperature,
        threshold=threshold,
        asked_precision=precision,
        notes=notes,
    )


def found_threshold(scored: ScoredSubset, *, precision: float) -> AnswersAbove:
    """The lowest confidence that keeps the precision. ValueError, in a few words, where the videos tell of none."""
    if len(scored.videos.videos) < FEWEST_VIDEOS:
        raise ValueError(_few(len(scored.videos.videos)))
    found = lowest_with(answers_above(scored.confidence, scored.correct), precision=precision)
    if found is None:
        raise ValueError(f"above no confidence {precision:g} of the answers are right")
    if found.num_videos < FEWEST_VIDEOS:
        raise ValueError(
            f"{precision:g} of the answers are right only above {found.confidence:g}, where {_few(found.num_videos)}"
        )
    return found


def fitted_temperature(scores: ClipScores) -> Temperature:
    """The temperature with the least `log_loss`. ValueError, in a few words, where the scores give none."""
    num_videos = len(np.unique(scores.videos))
    if num_videos < FEWEST_VIDEOS:
        raise ValueError(_few(num_videos))
    if (scores.labels == scores.labels[0]).all():
        raise ValueError("all videos are of one class")
    if not np.ptp(scores.logits, axis=1).any():
        raise ValueError("the network finds all classes alike")
    loss = LogLoss(scores)
    found = math.exp(_minimum(lambda logarithm: loss(math.exp(logarithm)), math.log(LOWEST), math.log(HIGHEST)))
    if math.log(found / LOWEST) < FINE:
        raise ValueError(f"the videos are named so surely and rightly that it would be {LOWEST:g} or less")
    if math.log(HIGHEST / found) < FINE:
        raise ValueError(f"the network is so often sure and wrong that it would be {HIGHEST:g} or more")
    value = float(f"{found:.4g}")
    return Temperature(value=value, log_loss=loss(1.0), calibrated_log_loss=loss(value))


class LogLoss:
    """The mean over the videos of -log of the probability of the true class, as a function of the temperature.

    The probability of a video is the mean of its clips' softmax(logits / temperature).
    """

    def __init__(self, scores: ClipScores):
        scores = scores.as_rows()
        self._logits, self._labels = scores.logits, scores.labels
        self._largest = scores.logits.max(axis=1, keepdims=True)
        _, self._position, self._counts = np.unique(scores.videos, return_inverse=True, return_counts=True)

    def __call__(self, temperature: float) -> float:
        """Its value."""
        sums = np.bincount(self._position, weights=self._of_clips(temperature))
        return float(-np.log(np.maximum(sums / self._counts, np.finfo(np.float64).tiny)).mean())

    def _of_clips(self, temperature: float) -> np.ndarray:
        """The probability of the true class of each clip, (N,)."""
        at_a_time = max(1, MAX_CELLS // self._logits.shape[1])
        parts = []
        for begin in range(0, len(self._logits), at_a_time):
            rows = slice(begin, begin + at_a_time)
            exponents = (self._logits[rows] - self._largest[rows]).astype(np.float32) / np.float32(temperature)
            labels = self._labels[rows]
            true = exponents[np.arange(len(labels)), labels].astype(np.float64)
            # of an unlikely class the power is 0 in float32
            parts.append(np.exp(true) / np.exp(exponents).sum(axis=1, dtype=np.float64))
        return np.concatenate(parts)


def _minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function has its least value: the best of points `COARSE` apart, then golden-section search around it.

    Kiefer, Sequential Minimax Search for a Maximum, Proceedings of the AMS 4 (1953).
    """
    points = np.linspace(low, high, math.ceil((high - low) / COARSE) + 1)
    best = int(np.argmin([function(point) for point in points]))
    begin, end = points[max(best - 1, 0)], points[min(best + 1, len(points) - 1)]
    left, right = end - GOLDEN * (end - begin), begin + GOLDEN * (end - begin)
    at_left, at_right = function(left), function(right)
    while end - begin > FINE:
        if at_left <= at_right:
            end, right, at_right = right, left, at_left
            left = end - GOLDEN * (end - begin)
            at_left = function(left)
        else:
            begin, left, at_left = left, right, at_right
            right = begin + GOLDEN * (end - begin)
            at_right = function(right)
    return float(begin + end) / 2


def _few(num_videos: int) -> str:
    return f"{num_videos} videos are too few, expected {FEWEST_VIDEOS} or more"
