"""parity.json and verification.json -> what was verified: that the export equals the model, and nothing more."""

from pathlib import Path

from kinema.deployment.ir_files import ir_digests
from kinema.digests import ABSENT, file_digest
from kinema.outcome.found import FoundModel
from kinema.outcome.score import fraction
from kinema.records.parity import Parity
from kinema.records.verification import Verification

MEANING = "verified: the export equals the model, which says nothing about how good the model is"


def is_verified(found: FoundModel) -> bool:
    """Whether the model.xml that lies there, with its model.bin, is the one that passed both gates for this model."""
    return found.verification is not None and not unlike(found.folder, found.verification)


def unlike(folder: Path, verification: Verification) -> list[str]:
    """Files beside verification.json that are not those that it speaks of, or of which one cannot be read."""
    try:
        digests, model = ir_digests(folder / "model.xml"), file_digest(folder / "model.pth")
    except OSError:
        return ["model.xml", "model.bin"]
    expected = {"model.xml": verification.sha256.xml, "model.bin": verification.sha256.bin}
    # whoever ships a model may leave its checkpoint behind
    expected["model.pth"] = verification.model if model != ABSENT else ABSENT
    found = {"model.xml": digests.xml, "model.bin": digests.bin, "model.pth": model}
    return [name for name, digest in found.items() if digest != expected[name]]


def parity_line(parity: Parity) -> str:
    """The first gate."""
    return (
        f"gate 1: logits of {parity.num_clips} clips differ by {parity.max_abs_difference:.1g} at most at float32, "
        f"the largest being {parity.max_abs_logit:.3g}"
    )


def verification_line(verification: Verification) -> str:
    """The second gate."""
    alike, number = round(verification.agreement * verification.num_videos), verification.num_videos
    rates = [fraction(rate, number) for rate in (verification.openvino_video_top1, verification.pytorch_video_top1)]
    text = f"gate 2: model.xml names the class that model.pth names for {alike:,} of {number:,} {verification.subset} "
    text += "videos, at the device's own precision"
    return text if rates[0] == rates[1] else f"{text}; it has {rates[0]} right, model.pth {rates[1]}"
