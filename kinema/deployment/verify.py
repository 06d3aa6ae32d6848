"""The last gate: an IR becomes model.xml only when it is as accurate as the model it came from."""

import logging
import shutil
from pathlib import Path

from kinema.config import Settings
from kinema.deployment.openvino_model import ir_predictor
from kinema.evaluation.score import evaluation_dataset, evaluation_subset, read_accuracy, score
from kinema.files import atomic_path, write_text
from kinema.metrics import by_video, topk_accuracy
from kinema.models.checkpoint import load_checkpoint
from kinema.records import write_json

log = logging.getLogger(__name__)


def verify(
    *,
    converted: Path,
    checkpoint: Path,
    clips: Path,
    accuracy: Path,
    settings: Settings,
    xml: Path,
    labels: Path,
    verification: Path,
    threads: int,
) -> None:
    """Score the IR at the device's own precision; copy it to `xml` when it loses at most `max_accuracy_drop`."""
    trained = load_checkpoint(checkpoint)
    subset = evaluation_subset(clips, settings.evaluation.subset)
    dataset = evaluation_dataset(clips, trained, subset=subset, numbers=settings.clip)
    scores = by_video(
        score(ir_predictor(converted, threads=threads), dataset, batch_size=settings.evaluation.batch_size)
    )
    found = topk_accuracy(scores.probabilities, scores.labels, 1)
    # one video is the smallest step there is: with 31 videos it is already a loss of 0.03
    allowed = max(settings.deployment.max_accuracy_drop, 1 / len(scores.labels))
    result = check_accuracy(read_accuracy(accuracy), found, max_drop=allowed)
    for source, target in ((converted.with_suffix(".bin"), xml.with_suffix(".bin")), (converted, xml)):
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
    write_text(labels, "".join(f"{label}\n" for label in trained.labels))
    write_json(verification, {"subset": subset, "num_videos": len(scores.labels), **result})


def check_accuracy(pytorch: float, openvino: float, *, max_drop: float) -> dict[str, float]:
    """Both video top-1 accuracies; ValueError when the IR's is lower by more than `max_drop`."""
    if openvino < pytorch - max_drop - 1e-9:
        raise ValueError(
            f"the IR reaches a video top-1 of {openvino:.4f}, PyTorch {pytorch:.4f}: a loss of "
            f"{pytorch - openvino:.4f}, more than {max_drop:.4f} (deployment.max_accuracy_drop, or one video). "
            "No model.xml was written."
        )
    log.info("accuracy: OpenVINO %.4f, PyTorch %.4f", openvino, pytorch)
    return {"openvino_video_top1": openvino, "pytorch_video_top1": pytorch}
