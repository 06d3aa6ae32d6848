"""Scores of videos with labels -> one temperature that makes confidences honest, and the confidence to answer from.

Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 4.2.
"""

import math
from collections.abc import Callable

import numpy as np

from kinema.evaluation.answers import answers_above, lowest_with
from kinema.metrics import ClipScores, by_video
from kinema.records.calibration import Calibration, Temperature

LOWEST, HIGHEST = 0.05, 20.0  # temperatures that are looked at
FEWEST_VIDEOS = 10  # of fewer nothing is fitted
COARSE, FINE = 0.5, 3e-4  # distances of the logarithms of temperatures that are tried, and in which one is found
GOLDEN = (math.sqrt(5) - 1) / 2
MAX_CELLS = 2**18  # logits that are looked at at a time: they stay in the processor's cache


def calibrated(scores: ClipScores, *, subset: str, is_reported: bool, precision: float) -> Calibration:
    """What these videos, which all have labels, say of the confidences; `precision` is what answers shall have.

    `is_reported`: the reported numbers are of these videos.
    """
    num_videos, notes = len(np.unique(scores.videos)), []
    if is_reported:
        notes.append(f"fitted on the {subset} videos that are reported, as no others can tell it")
    temperature, threshold = None, None
    try:
        temperature = fitted_temperature(scores)
    except ValueError as error:
        notes.append(f"no temperature: {error}")
    if num_videos >= FEWEST_VIDEOS:
        videos = by_video(scores, temperature=temperature.value if temperature else 1.0)
        probabilities = videos.probabilities
        points = answers_above(probabilities.max(axis=1), probabilities.argmax(axis=1) == videos.labels)
        threshold = lowest_with(points, precision=precision)
        if threshold is None:
            notes.append(f"no threshold: above no confidence {precision:g} of the answers are right")
    else:
        notes.append(f"no threshold: {_few(num_videos)}")
    return Calibration(
        subset=subset,
        is_reported=is_reported,
        num_videos=num_videos,
        temperature=temperature,
        threshold=threshold,
        asked_precision=precision,
        notes=notes,
    )


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
    if found < LOWEST * (1 + COARSE / 2):
        raise ValueError(f"the videos are named so surely and rightly that it would be {LOWEST:g} or less")
    if found > HIGHEST / (1 + COARSE / 2):
        raise ValueError(f"the network is so often sure and wrong that it would be {HIGHEST:g} or more")
    value = float(f"{found:.4g}")
    return Temperature(value=value, log_loss=loss(1.0), calibrated_log_loss=loss(value))


class LogLoss:
    """The mean over the videos of -log of the probability of the true class, as a function of the temperature.

    The probability of a video is the mean of its clips' softmax(logits / temperature).
    """

    def __init__(self, scores: ClipScores):
        scores = scores.as_rows()
        self._shifted = (scores.logits - scores.logits.max(axis=1, keepdims=True)).astype(np.float32)
        self._labels = scores.labels
        _, self._position, self._counts = np.unique(scores.videos, return_inverse=True, return_counts=True)

    def __call__(self, temperature: float) -> float:
        """Its value."""
        sums = np.bincount(self._position, weights=self._of_clips(temperature))
        return float(-np.log(np.maximum(sums / self._counts, np.finfo(np.float64).tiny)).mean())

    def _of_clips(self, temperature: float) -> np.ndarray:
        """The probability of the true class of each clip, (N,)."""
        rows = max(1, MAX_CELLS // self._shifted.shape[1])
        parts = []
        for begin in range(0, len(self._shifted), rows):
            exponents = self._shifted[begin : begin + rows] / np.float32(temperature)
            labels = self._labels[begin : begin + rows]
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
