"""How far an accuracy can be trusted, and what guessing gives. Pure functions of numbers."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

Z95 = 1.959964  # of the normal distribution, 95 % lie within so many deviations


@dataclass(frozen=True)
class Interval:
    """A range of fractions, both ends in [0, 1]."""

    low: float
    high: float


def wilson_interval(hits: int, trials: int, *, z: float = Z95) -> Interval:
    """The score interval of a fraction of which `hits` of `trials` independent trials were seen; by default of 95 %.

    Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927), 209-212: the p with
    (hits / trials - p)^2 = t p (1 - p), where t = z^2 / trials. Unlike the usual p +- z s it holds near 0 and 1 and for
    few trials. Without trials it is all of [0, 1].
    """
    if not trials:
        return Interval(0.0, 1.0)
    seen, t = hits / trials, z * z / trials
    middle, half = seen + t / 2, math.sqrt(t * seen * (1 - seen) + t * t / 4)
    return Interval(max(0.0, (middle - half) / (1 + t)), min(1.0, (middle + half) / (1 + t)))


def chance_level(num_classes: int) -> float:
    """Accuracy of a guess among so many classes, each as likely as another: 1/K."""
    return 1 / num_classes


def majority_level(videos_by_class: Iterable[int]) -> float:
    """Accuracy of always naming the class that has the most of these videos: its share of them, 0 without videos."""
    counts = list(videos_by_class)
    return max(counts, default=0) / (sum(counts) or 1)


def videos_to_tell(accuracy: float, level: float) -> int:
    """The least number of videos of which an `accuracy` above a `level` has an interval that lies above it.

    From Wilson's equation with p = `level`: trials > z^2 p (1 - p) / (accuracy - p)^2. ValueError where the accuracy is
    not above the level.
    """
    if accuracy <= level:
        raise ValueError(f"no number of videos lifts the interval of {accuracy:g} above {level:g}")
    return math.floor(Z95**2 * level * (1 - level) / (accuracy - level) ** 2) + 1
