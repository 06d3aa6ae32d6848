"""Scores of classes -> the rows of a table."""

from collections.abc import Mapping
from dataclasses import dataclass

from kinema.records.evaluation import ClassScores

COLUMNS = {
    "recall": "of the videos of this class, those that were called so",
    "precision": "of the videos that were called so, those of this class",
    "f1": "harmonic mean of recall and precision",
    "average_precision": "area under precision against recall, of all videos ranked by the probability of this class",
}


@dataclass(frozen=True)
class ClassRow:
    """A class: `scores` by column, None where there is nothing to divide by."""

    label: str
    index: int
    num_videos: int
    scores: dict[str, float | None]
    confused: str | None
    confused_index: int | None
    num_confused: int


def class_rows(classes: Mapping[str, ClassScores]) -> list[ClassRow]:
    """A row for each class, in the order of the model's outputs."""
    place = {label: number for number, label in enumerate(classes)}
    return [_row(label, place[label], scores, place) for label, scores in classes.items()]


def _row(label: str, index: int, scores: ClassScores, place: Mapping[str, int]) -> ClassRow:
    wrong = {called: number for called, number in scores.called.items() if called != label}
    confused = next(iter(wrong), None)
    return ClassRow(
        label=label,
        index=index,
        num_videos=scores.num_videos,
        scores={column: getattr(scores, column) for column in COLUMNS},
        confused=confused,
        confused_index=place[confused] if confused is not None else None,
        num_confused=wrong[confused] if confused is not None else 0,
    )
