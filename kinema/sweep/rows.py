"""What is known of each combination of a sweep -> the rows of its summary, the best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kinema.input_error import InputError
from kinema.records.crossval import CrossValidation
from kinema.records.evaluation import Evaluation, Interval
from kinema.records.training import Training

VALIDATION, CROSSVAL = "validation", "crossval"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A combination, with the values of its settings. Accuracies, coverage and deviations are fractions.

    The deviations are None without a cross-validation, that of the seeds also with a single one.
    `is_chosen_here`: the videos that score it chose its epoch or its learning rate, too.
    """

    name: str
    settings: Mapping[str, str]
    video_top1: float
    interval: Interval
    video_top5: float
    mean_class_accuracy: float
    macro_f1: float
    num_videos: int
    coverage: float
    is_chosen_here: bool
    seed_deviation: float | None
    fold_deviation: float | None
    training_seconds: float


def read_rows(folder: Path, points: Mapping[str, Mapping[str, str]], *, choose_on: str) -> list[Row]:
    """Read the scores of the models `points`, whose folders lie in that of the data set; those of most right first.

    InputError where a record cannot be read, or has no scores of validation videos.
    """
    read = _of_crossval if choose_on == CROSSVAL else _of_validation
    rows = [read(folder / name, settings) for name, settings in points.items()]
    return sorted(rows, key=lambda row: (-row.video_top1, row.name))


def ranks_of(rows: Sequence[Row]) -> list[int]:
    """From 1; equal where as many videos are right."""
    return [1 + sum(other.video_top1 > row.video_top1 for other in rows) for row in rows]


def _of_validation(folder: Path, settings: Mapping[str, str]) -> Row:
    evaluation, training = Evaluation.read(folder / "evaluation.json"), Training.read(folder / "training.json")
    if VALIDATION not in evaluation.subsets:
        raise InputError(
            f"{folder / 'evaluation.json'}: has no scores of validation videos, which are to choose; give some videos "
            "of the list the subset validation, or set choose_on: crossval"
        )
    scores = evaluation.subsets[VALIDATION]
    return Row(
        name=folder.name,
        settings=settings,
        video_top1=scores.video_top1,
        interval=scores.intervals.video_top1,
        video_top5=scores.video_top5,
        mean_class_accuracy=scores.mean_class_accuracy,
        macro_f1=scores.macro_f1,
        num_videos=scores.num_videos,
        coverage=scores.coverage,
        is_chosen_here=bool(scores.chosen),
        seed_deviation=None,
        fold_deviation=None,
        training_seconds=training.seconds,
    )


def _of_crossval(folder: Path, settings: Mapping[str, str]) -> Row:
    found = CrossValidation.read(folder / "crossval/summary.json")
    return Row(
        name=folder.name,
        settings=settings,
        video_top1=found.video_top1.mean,
        interval=found.intervals.video_top1,
        video_top5=found.video_top5.mean,
        mean_class_accuracy=found.mean_class_accuracy.mean,
        macro_f1=found.macro_f1.mean,
        num_videos=found.num_videos,
        coverage=found.coverage,
        is_chosen_here=False,
        seed_deviation=found.video_top1.seed_deviation,
        fold_deviation=found.video_top1.fold_deviation,
        training_seconds=found.training_seconds,
    )
