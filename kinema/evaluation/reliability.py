"""Probabilities of videos -> how far they can be believed: are those said with 0.8 right in 8 of 10?"""

from dataclasses import dataclass

import numpy as np

from kinema.records.evaluation import ReliabilityBin

NUM_BINS = 15


@dataclass(frozen=True)
class Reliability:
    """Videos by their confidence, in bins ((m - 1) / M, m / M] of equal width: arrays (M,).

    `counts` are numbers of videos; `confidence` and `accuracy` are means over the videos of a bin, NaN without any.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray


def reliability(confidence: np.ndarray, correct: np.ndarray, *, num_bins: int = NUM_BINS) -> Reliability:
    """Bins of the probability of the predicted class, `confidence` (V,); `correct` (V,) says whether that is right.

    Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017, section 2.
    """
    bins = np.digitize(confidence, np.linspace(0, 1, num_bins + 1)[1:-1], right=True)
    counts = np.bincount(bins, minlength=num_bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(bins, weights=values, minlength=num_bins) / counts for values in (confidence, correct)]
    return Reliability(counts, *means)


def bins_of(confidence: np.ndarray, correct: np.ndarray) -> list[ReliabilityBin]:
    """The bins of the record: those that have videos."""
    found = reliability(confidence, correct)
    edges = np.linspace(0, 1, NUM_BINS + 1).tolist()
    return [
        ReliabilityBin(
            low=edges[number],
            high=edges[number + 1],
            num_videos=int(found.counts[number]),
            confidence=float(found.confidence[number]),
            accuracy=float(found.accuracy[number]),
        )
        for number in np.flatnonzero(found.counts)
    ]


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, *, num_bins: int = NUM_BINS) -> float:
    """Mean distance of confidence and accuracy, in [0, 1], over `num_bins` equal bins of confidence (Guo et al. 2017).

    Each bin counts as it has videos. 0 is a network that is right as often as it says.
    """
    found = reliability(confidence, correct, num_bins=num_bins)
    filled = found.counts > 0
    gaps = np.abs(found.accuracy - found.confidence)[filled]
    return float((found.counts[filled] * gaps).sum() / found.counts.sum())


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the videos of the squared distance of the probabilities to 1 for the true class and 0 for the others.

    Brier, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78 (1950), equation 2: in
    [0, 2], 0 for a network that is right and sure of it, (K - 1) / K for one that finds all classes alike.
    """
    true = probabilities[np.arange(len(labels)), labels]
    return float((np.square(probabilities).sum(axis=1) - 2 * true + 1).mean())
