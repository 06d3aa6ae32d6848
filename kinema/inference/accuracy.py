"""How good a trained model is, as it says itself: it travels inside the exported files."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from kinema.inference.spec import checked_keys


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Of the subset that the evaluation reports: `video_top1` is the fraction of `num_videos` that PyTorch has right.

    `low` and `high` are the ends of its 95 % interval. `coverage` is the fraction of the listed videos that could be
    scored. `trained_on`: the model was trained on these very videos, so the number says nothing of others.
    """

    subset: str
    num_videos: int
    coverage: float
    video_top1: float
    low: float
    high: float
    trained_on: bool

    def __post_init__(self) -> None:
        for name in ("coverage", "video_top1", "low", "high"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise ValueError(f"accuracy: {name} is {value!r:.60}, expected a number from 0 to 1")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Accuracy":
        """The inverse of `to_dict`; an unknown or missing key is a ValueError."""
        return cls(**checked_keys(values, cls, what="accuracy"))
