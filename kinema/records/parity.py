"""parity.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class IrDigests:
    """SHA-256 of the two files of an IR, as `sha256sum` prints it."""

    xml: str
    """Of the .xml file, in hexadecimal digits."""
    bin: str
    """Of the .bin file, in hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class Parity(Record):
    """The first gate: how far the logits of the IR, computed at float32, are from PyTorch's on real clips."""

    VERSION: ClassVar[int] = 1

    num_clips: int
    """[clips] Compared."""
    max_abs_difference: float
    """[logit] Largest difference of two logits."""
    max_abs_logit: float
    """[logit] Largest logit of PyTorch's, without its sign."""
    relative_difference: float
    """[fraction] The first of these two of the second; at most `deployment.parity_tolerance`."""
    sha256: IrDigests
    """The IR that was compared; only this one goes through the second gate."""
