"""model.pth + clips.parquet -> evaluation.json, predictions.parquet and a picture of the confusions."""

import logging
from pathlib import Path

import torch

from kinema.evaluation.confusion import plot_confusion
from kinema.evaluation.predictions import write_predictions
from kinema.evaluation.predictors import torch_predictor
from kinema.evaluation.score import evaluation_dataset, evaluation_subset, score
from kinema.experiment.config import Settings
from kinema.metrics import ClipScores, VideoScores, by_video, mean_class_accuracy, topk_accuracy
from kinema.models.device import device_of
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_what_is_of_another
from kinema.records.evaluation import ClassScores, Evaluation

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
    dataset = evaluation_dataset(clips_path, trained, subset=subset, numbers=settings.clip)
    predict = torch_predictor(trained.model, device=device_of(accelerator))
    scores = score(predict, dataset, batch_size=settings.evaluation.batch_size)
    videos = by_video(scores)
    result = evaluation_of(scores, videos, subset=subset, labels=trained.labels)
    names = dataset.videos.take(videos.videos).to_pylist()
    write_predictions(predictions_path, videos, names=names, labels=trained.labels)
    plot_confusion(confusion_path, videos, trained.labels)
    result.write(evaluation_path)
    log.info("%s: video top-1 %.4f over %d videos", subset, result.video_top1, result.num_videos)


def evaluation_of(scores: ClipScores, videos: VideoScores, *, subset: str, labels: list[str]) -> Evaluation:
    """The record of an evaluation; `labels` in the order of the logits."""
    return Evaluation(
        subset=subset,
        num_clips=len(scores.labels),
        num_videos=len(videos.labels),
        clip_top1=topk_accuracy(scores.logits, scores.labels, 1),
        clip_top5=topk_accuracy(scores.logits, scores.labels, 5),
        video_top1=topk_accuracy(videos.probabilities, videos.labels, 1),
        video_top5=topk_accuracy(videos.probabilities, videos.labels, 5),
        mean_class_accuracy=mean_class_accuracy(videos.probabilities, videos.labels),
        classes=per_class(videos, labels),
    )


def per_class(videos: VideoScores, labels: list[str]) -> dict[str, ClassScores]:
    """Videos, recall and precision of each class; null where there is nothing to divide by."""
    predicted = videos.probabilities.argmax(axis=1)
    classes = {}
    for number, label in enumerate(labels):
        own, called = videos.labels == number, predicted == number
        hits = int((own & called).sum())
        classes[label] = ClassScores(
            num_videos=int(own.sum()),
            recall=hits / int(own.sum()) if own.any() else None,
            precision=hits / int(called.sum()) if called.any() else None,
        )
    return classes
