"""verification.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.parity import IrDigests
from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Verification(Record):
    """The second gate: what the IR, at the device's own precision, and PyTorch say of the evaluation videos.

    Beside it lies the model.xml that passed.
    """

    VERSION: ClassVar[int] = 1

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
    sha256: IrDigests
    """The model.xml and model.bin that were shipped."""
    model: str
    """Digest of the model.pth that they were made of (BLAKE2b, first 16 hexadecimal digits)."""
