"""look_alikes.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class LookAlike:
    """Two videos of two subsets that look alike: cuts of one recording, copies, or one scene filmed twice."""

    likeness: float
    """At most 1, more than `threshold`."""
    video: str
    """The one in the subset that is earlier in training, validation, testing."""
    subset: str
    """Its subset."""
    label: str | None
    """Its label; null where it has none."""
    other: str
    """The other one."""
    other_subset: str
    """Its subset."""
    other_label: str | None
    """Its label; null where it has none."""


@dataclass(frozen=True, kw_only=True)
class LookAlikes(Record):
    """Which usable videos of two subsets look alike, by the encoder that comes with pip."""

    VERSION: ClassVar[int] = 1

    looked: bool
    """Whether there was a search."""
    reason: str | None
    """Why there was none; null where there was."""
    threshold: float | None
    """Likeness above which two videos are listed: what chance hardly gives in this set; null without a search."""
    num_videos: int
    """[videos] That were compared, of all subsets."""
    num_pairs: int
    """[pairs] Of two subsets that look alike, those that are not listed among them."""
    pairs: list[LookAlike]
    """The most alike first, 10,000 at the most."""
