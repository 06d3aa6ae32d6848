"""Scores of the clips of a subset -> its numbers in evaluation.json."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kinema.evaluation.answers import above, answers_above, thinned
from kinema.evaluation.class_scores import confusion_matrix, macro_f1, per_class
from kinema.evaluation.intervals import intervals_of
from kinema.evaluation.reliability import bins_of, brier_score, expected_calibration_error
from kinema.evaluation.sources import Sources
from kinema.metrics import ClipScores, VideoScores, by_video, mean_class_accuracy, topk_accuracy
from kinema.records.calibration import Calibration
from kinema.records.evaluation import CalibratedScores, SubsetScores


@dataclass(frozen=True)
class ScoredSubset:
    """What a model gave for the clips of a subset; `sources` are in the order of `videos`.

    So is `evidence`, rows of predictions.parquet; None where there is none. `calibrated` are the scores of the videos
    at the temperature; those as they are where there is none.
    """

    name: str
    clips: ClipScores
    videos: VideoScores
    calibrated: VideoScores
    sources: Sources
    evidence: list[dict[str, Any]] | None = None

    @classmethod
    def of(
        cls, name: str, clips: ClipScores, sources: Sources, *, evidence: list[dict[str, Any]] | None = None
    ) -> "ScoredSubset":
        """Before a temperature is known."""
        videos = by_video(clips)
        return cls(name, clips, videos, videos, sources, evidence)

    def at(self, temperature: float) -> "ScoredSubset":
        """The same with confidences that are calibrated."""
        return replace(self, calibrated=by_video(self.clips, temperature=temperature))

    @property
    def is_labelled(self) -> np.ndarray:
        """Which of the videos have a label, (V,)."""
        return self.videos.labels >= 0

    @property
    def confidence(self) -> np.ndarray:
        """The calibrated probability of what is predicted of each video, (V,).

        Predicted is the class that is the most probable one without a temperature. Where the clips of a video disagree,
        a temperature can raise another one above it: it tells how sure an answer is, and changes none.
        """
        return self.calibrated.probabilities[np.arange(len(self.videos.videos)), self.videos.predicted]

    @property
    def correct(self) -> np.ndarray:
        """Whether what is predicted of each video is its label, (V,)."""
        return self.videos.predicted == self.videos.labels

    def labelled(self) -> "ScoredSubset":
        """The same of the videos with a label."""
        if self.is_labelled.all():
            return self
        known = np.flatnonzero(self.is_labelled)
        return ScoredSubset(
            self.name,
            self.clips.labelled(),
            self.videos.take(known),
            self.calibrated.take(known),
            self.sources.take(known),
            None if self.evidence is None else [self.evidence[number] for number in known],
        )


def subset_scores(
    scored: ScoredSubset,
    *,
    labels: list[str],
    calibration: Calibration | None,
    num_annotated: int,
    trained_on: bool,
    chosen: list[str],
) -> SubsetScores:
    """The numbers of the videos that have labels, of which there must be some; `labels` are those of the model."""
    scored = scored.labelled()
    videos = scored.videos
    counts, number = confusion_matrix(videos, len(labels)), len(videos.labels)
    confidence = videos.probabilities.max(axis=1)
    return SubsetScores(
        trained_on=trained_on,
        chosen=chosen,
        num_videos=number,
        num_annotated=num_annotated,
        coverage=number / num_annotated,
        **accuracies(scored.clips, videos),
        macro_f1=macro_f1(counts),
        intervals=intervals_of(videos, scored.sources.groups),
        expected_calibration_error=expected_calibration_error(confidence, scored.correct),
        brier_score=brier_score(videos.probabilities, videos.labels),
        reliability=bins_of(confidence, scored.correct),
        **calibrated_numbers(scored, calibration),
        classes=per_class(videos, counts, labels),
    )


def accuracies(clips: ClipScores, videos: VideoScores) -> dict[str, Any]:
    """The accuracies of the record, of clips and of videos, and how many clips there were."""
    scores, labels, _ = clips.by_clip()
    return {
        "num_clips": len(labels),
        "clip_top1": topk_accuracy(scores, labels, 1),
        "clip_top5": topk_accuracy(scores, labels, 5),
        "video_top1": topk_accuracy(videos.probabilities, videos.labels, 1),
        "video_top5": topk_accuracy(videos.probabilities, videos.labels, 5),
        "mean_class_accuracy": mean_class_accuracy(videos.probabilities, videos.labels),
    }


def calibrated_numbers(scored: ScoredSubset, calibration: Calibration | None) -> dict[str, Any]:
    """What the record has of calibrated scores, or of those as they are where there is no temperature."""
    confidence, correct = scored.confidence, scored.correct
    threshold = calibration.threshold if calibration else None
    return {
        "calibrated": CalibratedScores(
            expected_calibration_error=expected_calibration_error(confidence, correct),
            brier_score=brier_score(scored.calibrated.probabilities, scored.videos.labels),
            reliability=bins_of(confidence, correct),
        )
        if calibration and calibration.temperature
        else None,
        "answers": thinned(answers_above(confidence, correct)),
        "above_threshold": above(confidence, correct, threshold=threshold.confidence) if threshold else None,
    }
