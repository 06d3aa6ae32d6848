"""The last gate: an IR becomes model.xml only when it says of every video what the model it came from says."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kinema.clips.dataset import ClipDataset
from kinema.config import Settings
from kinema.deployment.agreement import Agreement, check_agreement, compare
from kinema.deployment.ir_files import check_digests, copy_ir, remove_ir
from kinema.deployment.pytorch_scores import read_pytorch_scores
from kinema.digests import file_digest
from kinema.evaluation.score import evaluation_dataset, evaluation_subset, score
from kinema.files import write_text
from kinema.inference.predictors.openvino import openvino_predictor
from kinema.metrics import VideoScores, by_video, topk_accuracy
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.records import write_json

log = logging.getLogger(__name__)


def verify(
    *,
    converted: Path,
    parity: Path,
    checkpoint: Path,
    clips: Path,
    evaluation: Path,
    predictions: Path,
    settings: Settings,
    xml: Path,
    labels: Path,
    verification: Path,
    threads: int,
) -> None:
    """Score the IR at the device's own precision; copy it to `xml` when it agrees with PyTorch (see `check_agreement`).

    Only the IR that passed the first gate is looked at: `parity` has its digests. The IR of an earlier model at `xml`
    is removed first, and the new one is put there last. `verification` says what was found: see `findings`.
    """
    remove_ir(xml)
    digests = read_digests(parity)
    check_digests(converted, digests, name=converted)
    trained = load_checkpoint(checkpoint)
    subset = evaluation_subset(clips, settings.evaluation.subset)
    dataset = evaluation_dataset(clips, trained, subset=subset, numbers=settings.clip)
    truth = true_labels(dataset)
    pytorch = read_pytorch_scores(evaluation, predictions, subset=subset, truth=truth, labels=trained.labels)
    results = judged(converted, dataset, pytorch, settings=settings, threads=threads)
    write_text(labels, "".join(f"{label}\n" for label in trained.labels))
    model = file_digest(checkpoint)
    write_json(verification, {"subset": subset, **results, "sha256": digests, "model": model})
    copy_ir(converted, xml, digests=digests)
    log.info("%s: %s", xml, ", ".join(f"{key} {value}" for key, value in results.items()))


def judged(
    xml: Path, dataset: ClipDataset, pytorch: VideoScores, *, settings: Settings, threads: int
) -> dict[str, Any]:
    """Score an IR and compare it with PyTorch's scores of the same videos; the `findings`, or ValueError."""
    options: dict[str, Any] = {"batch_size": settings.evaluation.batch_size, "threads": threads}
    openvino = ir_scores(xml, dataset, **options)
    found = compare(pytorch, openvino)
    num_at_float32 = 0
    if len(wrong := found.disagreements):
        rows = np.flatnonzero(np.isin(dataset.index.video_number, openvino.videos[wrong]))
        exact = ir_scores(xml, dataset, precision="f32", rows=rows.tolist(), **options)
        num_at_float32 = len(compare(pytorch.take(wrong), exact).disagreements)
    check_agreement(
        found,
        num_at_float32=num_at_float32,
        max_accuracy_drop=settings.deployment.max_accuracy_drop,
        names=dataset.videos.take(openvino.videos).to_pylist(),
    )
    return findings(found, pytorch, openvino, num_at_float32=num_at_float32)


def ir_scores(
    xml: Path,
    clips: ClipDataset,
    *,
    batch_size: int,
    threads: int,
    precision: Literal["f32"] | None = None,
    rows: Sequence[int] | None = None,
) -> VideoScores:
    """Scores of an IR by video, of all clips or of some rows; without `precision` at the device's own."""
    predict = openvino_predictor(xml, precision=precision, threads=threads)
    return by_video(score(predict, clips, batch_size=batch_size, rows=rows))


def true_labels(dataset: ClipDataset) -> dict[str, str]:
    """Label of each video, in the order in which `by_video` gives their scores."""
    numbers, first = np.unique(dataset.index.video_number, return_index=True)
    labels = [dataset.index.labels[number] for number in dataset.index.label_index[first]]
    return dict(zip(dataset.videos.take(numbers).to_pylist(), labels, strict=True))


def findings(found: Agreement, pytorch: VideoScores, openvino: VideoScores, *, num_at_float32: int) -> dict[str, Any]:
    """The numbers of verification.json.

    `agreement` is the fraction of videos with the same top-1. Of the others `num_disagreements` are no near ties, and
    `num_disagreements_at_float32` of these stay when the IR computes at float32; `largest_margin` is the largest
    difference of their two probabilities, null where there is no other.
    """
    return {
        "num_videos": found.num_videos,
        "openvino_video_top1": topk_accuracy(openvino.probabilities, openvino.labels, 1),
        "pytorch_video_top1": topk_accuracy(pytorch.probabilities, pytorch.labels, 1),
        "agreement": 1 - len(found.differing) / found.num_videos,
        "num_disagreements": len(found.disagreements),
        "num_disagreements_at_float32": num_at_float32,
        "largest_margin": float(found.margins.max()) if len(found.margins) else None,
    }


def read_digests(parity: Path) -> dict[str, str]:
    """Digests of the IR that passed the first gate, from its parity.json."""
    try:
        digests = json.loads(parity.read_text(encoding="utf-8"))["sha256"]
        return {suffix: str(digests[suffix]) for suffix in ("xml", "bin")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{parity}: has no digests of an IR ({type(error).__name__}); delete it and run again, which converts anew"
        ) from None
