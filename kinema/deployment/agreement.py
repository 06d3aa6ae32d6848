"""Whether an IR says of the same videos what the network it was made of says.

Accuracy alone cannot tell: with few videos a wrong network may be as accurate by chance. So the two are compared video
by video. Where they name different classes, that is a disagreement, unless both find the two classes nearly equal.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinema.metrics import VideoScores

# Two classes of a video whose probabilities differ by no more are a near tie: rounding may turn it round.
NEAR_TIE = 0.05
# What has less probability than this was not chance.
CHANCE = 0.05


@dataclass(frozen=True)
class Agreement:
    """Top-1 of two networks on the same videos.

    `margins` is, for each video in `differing`, by how much either network prefers its class to the other's, the larger
    of the two; `gained` and `lost` count the videos that only the IR, and only PyTorch, has right.
    """

    differing: np.ndarray
    margins: np.ndarray
    gained: int
    lost: int
    num_videos: int

    @property
    def disagreements(self) -> np.ndarray:
        """Positions of the videos that are no near ties."""
        return self.differing[self.margins > NEAR_TIE]


def compare(pytorch: VideoScores, openvino: VideoScores) -> Agreement:
    """Compare scores of the same videos in the same order."""
    ours, theirs = pytorch.probabilities.argmax(axis=1), openvino.probabilities.argmax(axis=1)
    at = np.flatnonzero(ours != theirs)
    margins = np.maximum(
        pytorch.probabilities[at, ours[at]] - pytorch.probabilities[at, theirs[at]],
        openvino.probabilities[at, theirs[at]] - openvino.probabilities[at, ours[at]],
    )
    right, still_right = ours == pytorch.labels, theirs == pytorch.labels
    gained, lost = int((still_right & ~right).sum()), int((right & ~still_right).sum())
    return Agreement(at, margins, gained, lost, len(ours))


def check_agreement(found: Agreement, *, num_at_float32: int, max_accuracy_drop: float, names: Sequence[str]) -> None:
    """ValueError where an IR is refused, see `refusal`."""
    if reason := refusal(found, num_at_float32=num_at_float32, max_accuracy_drop=max_accuracy_drop, names=names):
        raise ValueError(f"{reason}. No model was written.")


def refusal(
    found: Agreement,
    *,
    num_at_float32: int,
    max_accuracy_drop: float,
    names: Sequence[str],
    key: str = "deployment.max_accuracy_drop",
) -> str | None:
    """Why the IR is another network than PyTorch's, or a clearly worse one on this device; None where it is neither.

    `num_at_float32` of the disagreements stay when the IR computes at float32. They, and the videos lost, may be
    `max_accuracy_drop` of all, rounded down: of few videos none. All disagreements may be as many as chance allows
    where each video has that probability of one, by the exact binomial bound: more only where that is less likely than
    5 %. One may be there in any case, so that no single video decides. Losses among near ties pass where gains would
    have been as likely. `names` are the videos', in the order in which they were compared; `key` is the setting's.
    """
    part = math.floor(max_accuracy_drop * found.num_videos + 1e-9)
    by_chance = max(1, part, most_by_chance(found.num_videos, max_accuracy_drop))
    for count, allowed, precision in (
        (num_at_float32, part, "at float32"),
        (len(found.disagreements), by_chance, "at this device's own precision"),
    ):
        if count > allowed:
            examples = ", ".join(names[position] for position in found.disagreements[:3])
            return (
                f"the IR and PyTorch name different classes for {count} of {found.num_videos} videos {precision}, with "
                f"probabilities up to {found.margins.max():.2f} apart, for example {examples}; "
                f"{key} = {max_accuracy_drop:g} allows {allowed}"
            )
    if found.lost - found.gained > part and probability_of_losses(found.gained, found.lost) < CHANCE:
        return (
            f"of {found.num_videos} videos the IR has {found.lost} wrong that PyTorch has right, and only "
            f"{found.gained} the other way round; {key} = {max_accuracy_drop:g} allows {part}"
        )
    return None


def most_by_chance(num_videos: int, probability: float) -> int:
    """Largest number of events that so many videos have with a probability of at least CHANCE (binomial)."""
    if probability in (0, 1):
        return round(num_videos * probability)
    tail, events = 1.0, 0
    while events < num_videos and (tail := tail - _binomial(num_videos, events, probability)) >= CHANCE:
        events += 1
    return events


def probability_of_losses(gained: int, lost: int) -> float:
    """Probability of so many losses or more where each change is a gain or a loss alike (one-sided sign test)."""
    changes = gained + lost
    return sum(_binomial(changes, count, 0.5) for count in range(lost, changes + 1))


def _binomial(trials: int, events: int, probability: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(events + 1) - math.lgamma(trials - events + 1)
    return math.exp(ways + events * math.log(probability) + (trials - events) * math.log1p(-probability))
