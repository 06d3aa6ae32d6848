"""Gate 2 for whatever is shipped: a network is scored as PyTorch was, and must say of each video what PyTorch says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from kinema.deployment.about import ModelFiles
from kinema.deployment.agreement import Agreement, check_agreement, compare
from kinema.deployment.pytorch_scores import ScoreFiles, read_pytorch_scores
from kinema.evaluation.score import evaluation_dataset, reported_subset, score
from kinema.evaluation.views import ViewDataset
from kinema.experiment.config import Settings
from kinema.inference.predictors.predictor import Predictor
from kinema.metrics import VideoScores, by_video, topk_accuracy
from kinema.models.loading.checkpoint import Checkpoint

Precision = Literal["f32"] | None
"""None is the device's own."""


@dataclass(frozen=True)
class Judge:
    """The videos of the reported subset, and what PyTorch said of them."""

    subset: str
    dataset: ViewDataset
    pytorch: VideoScores
    batch_size: int
    threads: int
    max_accuracy_drop: float

    @classmethod
    def of(
        cls, trained: Checkpoint, files: ModelFiles, *, clips_path: Path, settings: Settings, threads: int
    ) -> "Judge":
        """ValueError, naming the file, where what rule evaluate wrote is not of these videos or damaged."""
        subset = reported_subset(clips_path, settings.evaluation.subset)
        dataset = evaluation_dataset(
            clips_path, trained, subset=subset, numbers=settings.clip, views=settings.evaluation
        )
        scores = ScoreFiles(files.evaluation_path, files.predictions_path)
        pytorch = read_pytorch_scores(scores, subset=subset, truth=true_labels(dataset), labels=trained.labels)
        return cls(
            subset,
            dataset,
            pytorch,
            settings.evaluation.batch_size,
            threads=threads,
            max_accuracy_drop=settings.deployment.max_accuracy_drop,
        )

    def findings(self, predictor_of: Callable[[Precision], Predictor]) -> dict[str, Any]:
        """Score a network and compare it with PyTorch: numbers of `Verification`. ValueError where it is refused.

        `predictor_of` makes it at a precision; at float32 only videos are scored on which the two disagree.
        """
        openvino = self.scores(predictor_of(None))
        found = compare(self.pytorch, openvino)
        num_at_float32 = 0
        if len(wrong := found.disagreements):
            rows = np.flatnonzero(np.isin(self.dataset.index.video_number, openvino.videos[wrong]))
            exact = self.scores(predictor_of("f32"), rows=rows.tolist())
            num_at_float32 = len(compare(self.pytorch.take(wrong), exact).disagreements)
        check_agreement(
            found,
            num_at_float32=num_at_float32,
            max_accuracy_drop=self.max_accuracy_drop,
            names=self.names(openvino),
        )
        return {"subset": self.subset, **findings(found, self.pytorch, openvino, num_at_float32=num_at_float32)}

    def names(self, scores: VideoScores) -> list[str]:
        """Those of the scored videos."""
        return self.dataset.videos.take(scores.videos).to_pylist()

    def scores(self, predict: Predictor, *, rows: Sequence[int] | None = None) -> VideoScores:
        """By video, of all clips or of some rows."""
        scores = score(predict, self.dataset, batch_size=self.batch_size, rows=rows, num_threads=self.threads)
        return by_video(scores)


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
