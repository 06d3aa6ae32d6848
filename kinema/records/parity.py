"""parity.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far the logits of an exported network are from PyTorch's on the same clips."""

    largest: float
    """[logit] Largest difference of two logits."""
    of_largest: float
    """[fraction] Of the largest logit."""
    of_spread: float | None
    """[fraction] Of the spread of PyTorch's logits over the clips, so that a network that says nearly the same of every
    clip does not pass for that; null of a single clip."""


@dataclass(frozen=True, kw_only=True)
class Parity(Record):
    """The first gate: what ONNX Runtime and OpenVINO, both at float32, and PyTorch compute of real clips.

    At most `deployment.parity_tolerance` of the largest logit, and 100 times that of the spread. Where PyTorch's own
    logits have no spread beyond rounding, nothing can be judged, and no model is exported.
    """

    VERSION: ClassVar[int] = 2

    num_clips: int
    """[clips] Compared."""
    largest_logit: float
    """[logit] Largest logit of PyTorch's, without its sign."""
    spread: float | None
    """[logit] Largest distance of a logit of PyTorch's to the mean of its class over the clips; null of a single
    clip."""
    onnx: Difference
    """Of model.onnx, by ONNX Runtime."""
    openvino: Difference
    """Of the IR with weights of float32, by OpenVINO at float32."""
    stored: Difference
    """Of the IR as it is stored, by `deployment.weights`, by OpenVINO at float32. Rounding to float16 makes a
    thousandth of the largest logit and more: this is judged by the second gate, not here."""
    weights: str
    """How the IR stores its weights: `float16` or `float32`."""
    sha256: dict[str, str]
    """Of the files that were compared, in hexadecimal digits; only these go through the second gate."""
