"""summary.json of a cross-validation."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.evaluation import Intervals
from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A number of a model that was trained several times."""

    mean: float
    """[fraction] Over the seeds, of the number that all videos have together: each was answered once a seed, by a model
    that was not trained on it."""
    seed_deviation: float | None
    """[fraction] Standard deviation between the seeds (of a sample, n - 1); null with one seed."""
    fold_deviation: float
    """[fraction] Standard deviation between all trainings, each on the videos of its fold (of a sample, n - 1)."""


@dataclass(frozen=True, kw_only=True)
class FoldScores:
    """One training, scored on the videos that were held out."""

    fold: int
    """Number of the fold, from 0."""
    seed: int
    """Of the training."""
    num_videos: int
    """[videos] Held out."""
    num_training: int
    """[videos] Trained on."""
    video_top1: float
    """[fraction] Of the held-out videos, those whose class is the most probable one."""
    video_top5: float
    """[fraction] The same, among the five most probable ones."""
    mean_class_accuracy: float
    """[fraction] Mean of the recalls of the classes that have held-out videos."""
    macro_f1: float
    """[fraction] Mean F1 of these classes."""
    seconds: float
    """[seconds] Spent in training."""


@dataclass(frozen=True, kw_only=True)
class ClassSpread:
    """A class, over the answers of all seeds."""

    num_videos: int
    """[videos] Of this class; each was answered once a seed."""
    recall: float | None
    """[fraction] Of the answers to videos of this class, those that name it; null where it has none."""
    recall_deviation: float | None
    """[fraction] Standard deviation of the recall between the seeds (n - 1); null with one seed, or without videos."""
    precision: float | None
    """[fraction] Of the answers that name this class, those that are right; null where there is none."""
    f1: float | None
    """[fraction] Harmonic mean of the two; null where both are null."""
    called: dict[str, int]
    """[answers] What the videos of this class were called, the most frequent first."""


@dataclass(frozen=True, kw_only=True)
class CrossValidation(Record):
    """How well a model does on videos of groups that it was not trained on, by K folds.

    The training and validation videos of the data set are dealt to folds, groups whole, and each fold is scored by a
    model that was trained on the others. No held-out video chooses an epoch: the last one is kept. Testing videos are
    left alone. predictions.parquet beside it has every answer.
    """

    VERSION: ClassVar[int] = 1

    model: str
    """Name of the model, with its `@variant`."""
    num_folds: int
    """Folds."""
    seeds: list[int]
    """Of the trainings: each fold was trained once with each."""
    num_videos: int
    """[videos] Dealt to the folds, and scored."""
    num_annotated: int
    """[videos] Listed with a class as training or validation videos."""
    coverage: float
    """[fraction] `num_videos` of `num_annotated`."""
    majority: float
    """[fraction] Right by always naming the class that has the most of these videos."""
    video_top1: Spread
    """Of the videos, those whose class is the most probable one."""
    video_top5: Spread
    """The same, among the five most probable ones."""
    mean_class_accuracy: Spread
    """Mean of the recalls of the classes."""
    macro_f1: Spread
    """Mean F1 of the classes."""
    intervals: Intervals
    """Of these four, over the answers of all seeds; the answers to one video, and to one group, are drawn together."""
    folds: list[FoldScores]
    """Each training."""
    classes: dict[str, ClassSpread]
    """By label, in the order of the model's outputs."""
    training_seconds: float
    """[seconds] Spent in all trainings together."""
