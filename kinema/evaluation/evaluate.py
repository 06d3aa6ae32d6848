"""model.pth + clips.parquet -> evaluation.json, predictions.parquet and a picture of the confusions."""

import logging
from pathlib import Path
from typing import Any

import torch

from kinema.clips.parts import num_annotated
from kinema.clips.table import parts_path
from kinema.evaluation.class_scores import confusion_matrix, macro_f1, per_class
from kinema.evaluation.confusion import plot_confusion
from kinema.evaluation.evidence import EvidenceCollector, as_rows
from kinema.evaluation.intervals import intervals_of
from kinema.evaluation.predictions import write_predictions
from kinema.evaluation.predictors import torch_predictor
from kinema.evaluation.reliability import brier_score, expected_calibration_error
from kinema.evaluation.score import evaluation_dataset, evaluation_subset, score
from kinema.evaluation.sources import sources_of
from kinema.experiment.choosing import chosen_by
from kinema.experiment.config import Settings
from kinema.metrics import ClipScores, VideoScores, by_video, mean_class_accuracy, topk_accuracy
from kinema.models.device import device_of
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_what_is_of_another
from kinema.records.evaluation import Evaluation

log = logging.getLogger(__name__)


def evaluate(
    *,
    checkpoint_path: Path,
    clips_path: Path,
    settings: Settings,
    evaluation_path: Path,
    predictions_path: Path,
    confusion_path: Path,
    threads: int,
    accelerator: str = "auto",
) -> None:
    """Score the model on every evaluation clip and write the three outputs.

    Of the settings, `evaluation` counts, and the numbers of clips a video: those of the training were for its own ends.
    `accelerator` is where PyTorch computes (`training.accelerator`).
    """
    torch.set_num_threads(threads)
    remove_what_is_of_another(checkpoint_path)
    trained = load_checkpoint(checkpoint_path)
    subset = evaluation_subset(clips_path, settings.evaluation.subset)
    dataset = evaluation_dataset(clips_path, trained, subset=subset, numbers=settings.clip, views=settings.evaluation)
    collector = EvidenceCollector(dataset) if settings.evaluation.evidence and trained.model.has_evidence else None
    watch = collector.add if collector else None
    predict = torch_predictor(trained.model, device=device_of(accelerator), watch=watch)
    scores = score(predict, dataset, batch_size=settings.evaluation.batch_size)
    videos, sources = by_video(scores), sources_of(dataset)
    counts = confusion_matrix(videos, len(trained.labels))
    result = Evaluation(
        subset=subset,
        chosen=chosen_by(trained.settings, subset),
        **coverage_of(videos, num_annotated(parts_path(clips_path), subset)),
        **accuracies(scores, videos),
        macro_f1=macro_f1(counts),
        intervals=intervals_of(videos, sources.groups),
        expected_calibration_error=expected_calibration_error(videos.probabilities, videos.labels),
        brier_score=brier_score(videos.probabilities, videos.labels),
        classes=per_class(videos, counts, trained.labels),
    )
    evidence = as_rows(collector.found(), dataset, trained.labels) if collector else None
    write_predictions(predictions_path, scores, videos, sources=sources, labels=trained.labels, evidence=evidence)
    plot_confusion(confusion_path, counts, trained.labels)
    result.write(evaluation_path)
    log.info("%s", told(result))


def accuracies(scores: ClipScores, videos: VideoScores) -> dict[str, Any]:
    """The accuracies of the record, of clips and of videos, and how many clips there were."""
    clips, labels, _ = scores.by_clip()
    return {
        "num_clips": len(labels),
        "clip_top1": topk_accuracy(clips, labels, 1),
        "clip_top5": topk_accuracy(clips, labels, 5),
        "video_top1": topk_accuracy(videos.probabilities, videos.labels, 1),
        "video_top5": topk_accuracy(videos.probabilities, videos.labels, 5),
        "mean_class_accuracy": mean_class_accuracy(videos.probabilities, videos.labels),
    }


def coverage_of(videos: VideoScores, num_listed: int) -> dict[str, Any]:
    """How many of the listed videos were scored."""
    number = len(videos.labels)
    return {"num_videos": number, "num_annotated": num_listed, "coverage": number / num_listed}


def told(result: Evaluation) -> str:
    """The accuracy in a line, with what is to be known beside it."""
    interval, units = result.intervals.video_top1, result.intervals.units
    text = f"{result.subset}: video top-1 {result.video_top1:.4f} over {result.num_videos} videos, "
    text += f"95 % interval {interval.low:.4f} to {interval.high:.4f}"
    text += f" over {result.intervals.num_units} groups" if units == "groups" else ""
    share = result.num_videos * 10_000 // result.num_annotated / 10_000  # cut off: 1 where all were scored
    text += f", coverage {share:.4f} of {result.num_annotated} that are listed"
    return f"{text}; chosen on these very videos ({', '.join(result.chosen)})" if result.chosen else text
