"""What a model says of a video: probabilities of the whole, and of each clip."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kinema.inference.probabilities import highest
from kinema.inference.sampling import Sampling


class Scores(NamedTuple):
    """Calibrated probabilities (K,), and what classes are ranked by (K,): the probabilities before that.

    The calibration tells how sure an answer is, and changes none.
    """

    probabilities: np.ndarray
    ranking: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Class probabilities (K,), in the order of `labels`, and the `ranking` (K,) of the classes: see `Scores`.

    They are calibrated where the model says how: of answers of 0.8, 8 in 10 are right on videos like those of the
    evaluation, where as many clips of a video are looked at as it was calibrated on. `threshold` is the probability
    below which the answer is "none of these"; None where there is none.
    """

    probabilities: np.ndarray
    ranking: np.ndarray
    labels: Sequence[str]
    threshold: float | None = None

    @property
    def label(self) -> str:
        """The most probable class, however probable it is."""
        return self.top(1)[0][0]

    @property
    def confidence(self) -> float:
        """The probability of this class."""
        return self.top(1)[0][1]

    @property
    def answer(self) -> str | None:
        """The most probable class; None, "none of these", where its probability is below the threshold."""
        return None if self.threshold is not None and self.confidence < self.threshold else self.label

    def top(self, k: int) -> list[tuple[str, float]]:
        """The `k` most probable classes with their probabilities, the most probable first."""
        return [(self.labels[number], float(self.probabilities[number])) for number in highest(self.ranking, k)]


@dataclass(frozen=True, kw_only=True)
class ClipPrediction(Scored):
    """Of one clip, which shows the video from `start` to `end`, in seconds."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Prediction(Scored):
    """Of a video: all of its `clips` together, which are in their order in time.

    `sampling` says at which pace its frames were taken.
    """

    clips: Sequence[ClipPrediction]
    sampling: Sampling
