"""Logits of an exported network against PyTorch's on the same clips, by their size and by their spread over the clips.

The size alone says little of a network whose logits are nearly the same for every clip: it would pass whatever an
export did to its pixels. So the difference is measured against the spread of the logits over the clips as well.
"""

import logging
from dataclasses import dataclass

import numpy as np

from kinema.inference.predictors.predictor import Predictor
from kinema.records.parity import Difference

log = logging.getLogger(__name__)

# Of the largest logit. Rounding at float32 is 1e-7 to 1e-6 of it: what clips change by less than this shows nothing.
ALIKE = 1e-4
# A difference may be so many times the tolerance, of the spread.
OF_SPREAD = 100
# Of the largest logit: what rounding weights to float16 may make. Healthy networks have 3e-4 to 6e-3.
ROUNDED = 0.05


@dataclass(frozen=True)
class Sample:
    """Clips, uint8 (N, T, C, S, S), and what PyTorch gives for them (N, K), at float32."""

    clips: np.ndarray
    logits: np.ndarray

    def __post_init__(self) -> None:
        if not np.isfinite(self.logits).all():
            raise ValueError("the PyTorch model gives logits that are not finite. No model was written; train again.")
        if self.spread is not None and self.spread <= ALIKE * self.largest:
            raise ValueError(
                f"the PyTorch model says the same of {len(self.clips)} clips: its logits, up to {self.largest:.3g}, "
                f"differ by {self.spread:.2g} between them. An export of it cannot be judged, as nothing shows whether "
                "it looks at its input. No model was written; train longer, or with another training.lr."
            )

    @property
    def largest(self) -> float:
        """The largest logit, without its sign."""
        return float(np.abs(self.logits).max())

    @property
    def spread(self) -> float | None:
        """That of its logits."""
        return spread_of(self.logits)


def spread_of(logits: np.ndarray) -> float | None:
    """The largest distance of a logit (N, K) to the mean of its class over the clips; None of a single clip.

    What is added to all classes of a clip alike changes no answer and does not count.
    """
    answers = logits - logits.mean(axis=1, keepdims=True) if logits.shape[1] > 1 else logits
    return float(np.abs(answers - answers.mean(axis=0)).max()) if len(answers) > 1 else None


def difference(sample: Sample, predict: Predictor, *, what: str) -> Difference:
    """How far `what` is from the sample; ValueError where its logits are none.

    It is asked twice, and what is further off counts: what a network says must not depend on what it was asked before.
    """
    largest_difference = 0.0
    for _ in range(2):
        found = predict(sample.clips)
        if sample.logits.shape != found.shape:
            raise ValueError(f"{what} gives logits {found.shape}, PyTorch {sample.logits.shape}. No model was written.")
        if not np.isfinite(found).all():
            raise ValueError(f"{what} gives logits that are not finite. No model was written; train again.")
        largest_difference = max(largest_difference, float(np.abs(sample.logits - found).max()))
    return Difference(
        largest=largest_difference,
        of_largest=largest_difference / max(sample.largest, 1e-30),
        of_spread=largest_difference / sample.spread if sample.spread else None,
    )


def check_rounded(sample: Sample, predict: Predictor, *, what: str) -> Difference:
    """The same; ValueError where it is more than rounding of weights makes. The answers are judged by gate 2."""
    result = difference(sample, predict, what=what)
    if result.of_largest > ROUNDED:
        raise ValueError(
            f"{what} differs from PyTorch by {result.of_largest:.2e} of the largest logit, more than {ROUNDED:g}. "
            "No model was written; set deployment.weights: float32."
        )
    return result


def check_difference(sample: Sample, predict: Predictor, *, what: str, tolerance: float) -> Difference:
    """The same; ValueError where it is more than `tolerance` of the largest logit, or 100 times that of the spread."""
    result = difference(sample, predict, what=what)
    for part, allowed, of in (
        (result.of_largest, tolerance, "the largest"),
        (result.of_spread or 0.0, OF_SPREAD * tolerance, "what they differ by between the clips"),
    ):
        if part > allowed:
            raise ValueError(
                f"{what} differs from PyTorch by {result.largest:.3g} on logits up to {sample.largest:.3g}: {part:.2e} "
                f"of {of}, more than {allowed:g} (deployment.parity_tolerance = {tolerance:g}). No model was written; "
                "try another deployment.opset."
            )
    log.info("%s: largest difference %.3g, %.2e of the largest logit", what, result.largest, result.of_largest)
    return result
