"""verification.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.parity import Difference
from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Verification(Record):
    """The second gate: what the shipped network, at the device's own precision, and PyTorch say of the evaluation
    videos. Beside it lie the files that passed: model.xml and model.onnx; those of streaming/ and modelapi/ have a
    verification.json of their own, and serving/ has that of the two files which it copies.
    """

    VERSION: ClassVar[int] = 2

    subset: str
    """The subset that was scored: `testing` or `validation`."""
    num_videos: int
    """[videos] Scored."""
    openvino_video_top1: float
    """[fraction] Of the videos, those that the IR has right."""
    pytorch_video_top1: float
    """[fraction] Of the videos, those that PyTorch has right: `video_top1` of evaluation.json."""
    agreement: float
    """[fraction] Of the videos, those of which both say the same class."""
    num_disagreements: int
    """[videos] Of the others, those that are no near ties."""
    num_disagreements_at_float32: int
    """[videos] Of these, those that stay when the IR computes at float32."""
    largest_margin: float | None
    """[probability] Largest difference of two classes that they disagree on, near ties as well; null without any."""
    parity: Difference | None
    """At float32, of these files with weights of float32: of streaming/, against PyTorch; of modelapi/, of its
    probabilities against those of the IR that it is made of. Null of model.xml, of which parity.json tells."""
    sha256: dict[str, str]
    """Of the files that were shipped, by name, as `sha256sum` prints it."""
    model: str
    """Digest of the model.pth that they were made of (BLAKE2b, first 16 hexadecimal digits)."""
