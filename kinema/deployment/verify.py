"""The last gate: an IR becomes model.xml only when it says of every video what the model it came from says."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kinema.deployment.agreement import Agreement, check_agreement, compare
from kinema.deployment.ir_files import check_digests, copy_ir, remove_ir
from kinema.deployment.pytorch_scores import ScoreFiles, read_pytorch_scores
from kinema.digests import file_digest
from kinema.evaluation.score import evaluation_dataset, reported_subset, score
from kinema.evaluation.views import ViewDataset
from kinema.experiment.config import Settings
from kinema.files import write_text
from kinema.inference.predictors.openvino import openvino_predictor
from kinema.metrics import VideoScores, by_video, topk_accuracy
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.records.evaluation import Evaluation
from kinema.records.parity import Parity
from kinema.records.verification import Verification

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ShippedFiles:
    """What is there of a model that passed both gates; model.bin lies beside model.xml."""

    xml_path: Path
    labels_path: Path
    verification_path: Path


def verify(
    *,
    converted_path: Path,
    parity_path: Path,
    checkpoint_path: Path,
    clips_path: Path,
    scores: ScoreFiles,
    settings: Settings,
    shipped: ShippedFiles,
    threads: int,
) -> None:
    """Score the IR at the device's own precision; ship it where it agrees with PyTorch (see `check_agreement`).

    Only the IR that passed the first gate is looked at: parity.json has its digests. The shipped IR of an earlier model
    is removed first, and the new one is put there last. verification.json says what was found.
    """
    remove_ir(shipped.xml_path)
    digests = Parity.read(parity_path).sha256
    check_digests(converted_path, digests, named_path=converted_path)
    trained = load_checkpoint(checkpoint_path)
    subset = reported_subset(clips_path, settings.evaluation.subset)
    dataset = evaluation_dataset(clips_path, trained, subset=subset, numbers=settings.clip, views=settings.evaluation)
    pytorch = read_pytorch_scores(scores, subset=subset, truth=true_labels(dataset), labels=trained.labels)
    results = judged(converted_path, dataset, pytorch, settings=settings, threads=threads)
    write_text(shipped.labels_path, "".join(f"{label}\n" for label in trained.labels))
    record = Verification(subset=subset, **results, sha256=digests, model=file_digest(checkpoint_path))
    record.write(shipped.verification_path)
    copy_ir(converted_path, shipped.xml_path, digests=digests)
    coverage = Evaluation.read(scores.evaluation_path).scores.coverage
    log.info(
        "%s equals the model, which says nothing about how good the model is: %s, coverage %.4f of the %s videos",
        shipped.xml_path,
        ", ".join(f"{key} {value}" for key, value in results.items()),
        math.floor(coverage * 10_000) / 10_000,
        subset,
    )


def judged(
    xml_path: Path, dataset: ViewDataset, pytorch: VideoScores, *, settings: Settings, threads: int
) -> dict[str, Any]:
    """Score an IR and compare it with PyTorch's scores of the same videos; the `findings`, or ValueError."""
    options: dict[str, Any] = {"batch_size": settings.evaluation.batch_size, "threads": threads}
    openvino = ir_scores(xml_path, dataset, **options)
    found = compare(pytorch, openvino)
    num_at_float32 = 0
    if len(wrong := found.disagreements):
        rows = np.flatnonzero(np.isin(dataset.index.video_number, openvino.videos[wrong]))
        exact = ir_scores(xml_path, dataset, precision="f32", rows=rows.tolist(), **options)
        num_at_float32 = len(compare(pytorch.take(wrong), exact).disagreements)
    check_agreement(
        found,
        num_at_float32=num_at_float32,
        max_accuracy_drop=settings.deployment.max_accuracy_drop,
        names=dataset.videos.take(openvino.videos).to_pylist(),
    )
    return findings(found, pytorch, openvino, num_at_float32=num_at_float32)


def ir_scores(
    xml_path: Path,
    dataset: ViewDataset,
    *,
    batch_size: int,
    threads: int,
    precision: Literal["f32"] | None = None,
    rows: Sequence[int] | None = None,
) -> VideoScores:
    """Scores of an IR by video, of all clips or of some rows; without `precision` at the device's own."""
    predict = openvino_predictor(xml_path, precision=precision, threads=threads)
    return by_video(score(predict, dataset, batch_size=batch_size, rows=rows, num_threads=threads))


def true_labels(dataset: ViewDataset) -> dict[str, str]:
    """Label of each video, in the order in which `by_video` gives their scores."""
    numbers, first = np.unique(dataset.index.video_number, return_index=True)
    labels = [dataset.index.labels[number] for number in dataset.index.label_index[first]]
    return dict(zip(dataset.videos.take(numbers).to_pylist(), labels, strict=True))


def findings(found: Agreement, pytorch: VideoScores, openvino: VideoScores, *, num_at_float32: int) -> dict[str, Any]:
    """The numbers of `Verification`."""
    return {
        "num_videos": found.num_videos,
        "openvino_video_top1": topk_accuracy(openvino.probabilities, openvino.labels, 1),
        "pytorch_video_top1": topk_accuracy(pytorch.probabilities, pytorch.labels, 1),
        "agreement": 1 - len(found.differing) / found.num_videos,
        "num_disagreements": len(found.disagreements),
        "num_disagreements_at_float32": num_at_float32,
        "largest_margin": float(found.margins.max()) if len(found.margins) else None,
    }
