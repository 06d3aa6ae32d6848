"""evaluation.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """Scores of the videos of one class."""

    num_videos: int
    """[videos] Of this class, as the list has it."""
    recall: float | None
    """[fraction] Of the videos of this class, those that were called so; null where it has none."""
    precision: float | None
    """[fraction] Of the videos that were called so, those of this class; null where none was."""


@dataclass(frozen=True, kw_only=True)
class Evaluation(Record):
    """How well a trained model does on the evaluation clips, computed with PyTorch.

    A video's probabilities are the mean of its clips'.
    """

    VERSION: ClassVar[int] = 1

    subset: str
    """The subset that was scored: `testing` or `validation`."""
    num_clips: int
    """[clips] Scored, each once."""
    num_videos: int
    """[videos] Scored."""
    clip_top1: float
    """[fraction] Of the clips, those whose class is the most probable one."""
    clip_top5: float
    """[fraction] Of the clips, those whose class is among the five most probable ones; 1 with fewer classes."""
    video_top1: float
    """[fraction] Of the videos, those whose class is the most probable one."""
    video_top5: float
    """[fraction] Of the videos, those whose class is among the five most probable ones; 1 with fewer classes."""
    mean_class_accuracy: float
    """[fraction] Mean of `recall` over the classes that have videos."""
    classes: dict[str, ClassScores]
    """By label, in the order of the model's outputs."""
