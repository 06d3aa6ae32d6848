"""Confidences of videos -> what is gained where only sure answers are given, and how sure they have to be."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kinema.records.calibration import AnswersAbove

MAX_POINTS = 50  # of a curve
STEPS = 10_000  # of confidences, cut off: less is below what another processor makes of the same network


def answers_above(confidence: np.ndarray, correct: np.ndarray) -> list[AnswersAbove]:
    """What is left above each confidence that occurs, the highest first; of both arrays (V,).

    Confidences are cut off at four digits, so that a client that compares its own with one of these answers the same
    videos, and at 0.9999: one that is 1 here is a little less on another processor. El-Yaniv and Wiener, On the
    Foundations of Noise-free Selective Classification, JMLR 11 (2010).
    """
    steps = cut_off(confidence)
    order = np.argsort(-steps, kind="stable")
    ranked, right = steps[order], np.cumsum(correct[order])
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])
    return [
        AnswersAbove(
            confidence=int(ranked[end]) / STEPS,
            num_videos=int(end) + 1,
            coverage=(int(end) + 1) / len(ranked),
            accuracy=int(right[end]) / (int(end) + 1),
        )
        for end in ends
    ]


def cut_off(confidence: np.ndarray) -> np.ndarray:
    """The most ten-thousandths, at most 9,999, that are not above each confidence (V,)."""
    steps = np.rint(confidence * STEPS).astype(np.int64)
    return np.minimum(steps - (steps / STEPS > confidence), STEPS - 1)


def thinned(points: Sequence[AnswersAbove], *, most: int = MAX_POINTS) -> list[AnswersAbove]:
    """At most so many of the points of a curve, evenly spaced in coverage; the first and the last stay."""
    if len(points) <= most:
        return list(points)
    coverage = np.array([point.coverage for point in points])
    wanted = np.linspace(coverage[0], coverage[-1], most)
    return [points[number] for number in np.unique(np.searchsorted(coverage, wanted))]


def lowest_with(points: Sequence[AnswersAbove], *, precision: float) -> AnswersAbove | None:
    """The lowest confidence above which this fraction of the answers is right; None where there is none."""
    return next((point for point in reversed(points) if point.accuracy >= precision), None)


def above(confidence: np.ndarray, correct: np.ndarray, *, threshold: float) -> AnswersAbove | None:
    """What is left above a confidence, which no video need have; None where that is nothing."""
    points = [point for point in answers_above(confidence, correct) if point.confidence >= threshold]
    return replace(points[-1], confidence=threshold) if points else None
