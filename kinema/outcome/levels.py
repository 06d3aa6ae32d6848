"""What guessing gives, and how many videos tell an accuracy from it. Pure functions of numbers."""

import math
from collections.abc import Iterable

from kinema.evaluation.wilson import Z95


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
