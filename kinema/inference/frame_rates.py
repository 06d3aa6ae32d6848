"""The frame rates of the videos that a model was trained on: they travel with it, so that clients keep its pace."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from kinema.inference.spec import checked_keys

OUTSIDE = 5.0  # percent of the videos below `low`, and as many above `high`


@dataclass(frozen=True, kw_only=True)
class FrameRates:
    """Frames per second: the median of the training videos, and between which rates nine in ten of them lie."""

    median: float
    low: float
    high: float

    def __post_init__(self) -> None:
        values = [getattr(self, field.name) for field in fields(self)]
        are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        if not are_numbers or not 0 < self.low <= self.median <= self.high < np.inf:
            raise ValueError(f"frame_rates: found {self.to_dict()}, expected 0 < low <= median <= high")

    @classmethod
    def of(cls, rates: Sequence[float] | np.ndarray) -> "FrameRates | None":
        """Of the rates of videos; None without any."""
        if not len(rates):
            return None
        # rates of videos themselves, none in between
        low, median, high = np.percentile(rates, (OUTSIDE, 50, 100 - OUTSIDE), method="nearest")
        return cls(median=float(median), low=float(low), high=float(high))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "FrameRates":
        """The inverse of `to_dict`; an unknown or missing key is a ValueError."""
        return cls(**checked_keys(values, cls, what="frame_rates"))
