"""parity.json and verification.json -> what was verified: that the export equals the model, and nothing more."""

from pathlib import Path

from kinema.deployment.ir_files import digests_of
from kinema.digests import file_digest
from kinema.outcome.found import FoundModel
from kinema.outcome.score import fraction
from kinema.records.parity import Parity
from kinema.records.verification import Verification

IR = ("model.xml", "model.bin")
MEANING = "verified: the export equals the model, which says nothing about how good the model is"


def is_verified(found: FoundModel) -> bool:
    """Whether the model.xml that lies there, with its model.bin, is the one that passed both gates for this model."""
    return found.verification is not None and not unlike(found.folder, found.verification)


def unlike(folder: Path, verification: Verification) -> list[str]:
    """Files beside verification.json that are not those that it speaks of, or of which one cannot be read."""
    try:
        found = digests_of([folder / name for name in IR])
    except OSError:
        return list(IR)
    # whoever ships a model may leave its checkpoint behind
    expected = verification.sha256 | ({"model.pth": verification.model} if (folder / "model.pth").exists() else {})
    found |= {"model.pth": file_digest(folder / "model.pth")} if "model.pth" in expected else {}
    return [name for name, digest in found.items() if digest != expected.get(name)]


def parity_line(parity: Parity) -> str:
    """The first gate."""
    return (
        f"gate 1: logits of {parity.num_clips} clips differ by {max(parity.onnx.largest, parity.openvino.largest):.1g} "
        f"at most at float32, the largest being {parity.largest_logit:.3g}"
    )


def verification_line(verification: Verification) -> str:
    """The second gate."""
    alike, number = round(verification.agreement * verification.num_videos), verification.num_videos
    rates = [fraction(rate, number) for rate in (verification.openvino_video_top1, verification.pytorch_video_top1)]
    text = f"gate 2: model.xml names the class that model.pth names for {alike:,} of {number:,} {verification.subset} "
    text += "videos, at the device's own precision"
    return text if rates[0] == rates[1] else f"{text}; it has {rates[0]} right, model.pth {rates[1]}"
