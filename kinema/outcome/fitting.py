"""training.json beside evaluation.json: is the model overfitted or underfitted, and was it chosen by what scores it."""

from collections.abc import Mapping, Sequence
from typing import Any

from kinema.experiment.choosing import choosing
from kinema.outcome.levels import chance_level
from kinema.outcome.score import fraction, interval_of
from kinema.records.dataset_report import DatasetReport
from kinema.records.evaluation import Evaluation
from kinema.records.training import Training

OVERFITTED_GAP = 0.1  # least difference of the two accuracies; of thousands of videos any is outside the interval
HALF_WAY = 0.5  # from guessing to 1: an accuracy below it is low
MIXING = ("mixup_alpha", "cutmix_alpha")
TRAINED = "train_clip_top1"  # column of training.csv


def training_accuracy(training: Training) -> float | None:
    """[fraction] Training clips that were named rightly in the epoch that was kept; None where that says nothing.

    It is measured while training, on augmented clips. Where these are mixed with others (mixup, cutmix) there is no one
    right class, and a network that has learned everything is far from 1. Nothing is measured without a training.
    """
    if mixing_of(training) or training.kept_epoch is None:
        return None
    return training.kept_epoch.get(TRAINED)


def mixing_of(training: Training) -> list[str]:
    """The settings by which labels of training clips are mixed."""
    settings = _settings(training)
    return [name for name in MIXING if _number(settings.get(name)) > 0]


def is_overfitted(accuracy: float, evaluation: Evaluation) -> bool:
    """Whether an accuracy on training clips is more than what the scored videos may be taken for: above the interval.

    And by OVERFITTED_GAP above the accuracy itself.
    """
    is_outside = accuracy > interval_of(evaluation).high
    return is_outside and accuracy - evaluation.scores.video_top1 >= OVERFITTED_GAP


def is_underfitted(accuracy: float, evaluation: Evaluation | None, *, num_classes: int) -> bool:
    """Whether an accuracy on training clips is not half way from guessing to 1.

    Not where the scored videos, which are not augmented, are better than that: then augmentation keeps it low.
    """
    chance = chance_level(num_classes)
    half = chance + HALF_WAY * (1 - chance)
    return accuracy < half and (evaluation is None or evaluation.scores.video_top1 < half)


def training_line(training: Training, evaluation: Evaluation | None) -> str | None:
    """The accuracy on training clips beside the one on the scored videos, and what their difference means."""
    if mixing := mixing_of(training):
        names = " and ".join(f"training.{name}" for name in mixing)
        return f"no accuracy on training clips: {names} mixes their labels"
    accuracy = training_accuracy(training)
    if accuracy is None:
        return None
    text = f"{fraction(accuracy, 1)} on training clips (augmented, while training)"
    if evaluation and is_overfitted(accuracy, evaluation):
        here = fraction(evaluation.scores.video_top1, evaluation.scores.num_videos)
        return f"{text}, {here} here: overfitted; more data or stronger augmentation"
    if is_underfitted(accuracy, evaluation, num_classes=len(training.labels)):
        return f"{text}: underfitted; more epochs or a higher learning rate"
    return text


def choosing_of(training: Training) -> list[str]:
    """The settings by which validation videos had a say in the weights."""
    return choosing(_settings(training), num_epochs=training.num_epochs)


def is_chosen_here(evaluation: Evaluation) -> bool:
    """Whether the very videos that were scored had a say in the weights."""
    return bool(evaluation.scores.chosen)


def chosen_line(evaluation: Evaluation, report: DatasetReport | None, validations: Sequence[float] = ()) -> str | None:
    """That the score flatters, where the model was chosen by it, and what gives one that does not.

    `validations` are the accuracies that there were to choose from.
    """
    scores = evaluation.scores
    if scores.trained_on:
        return "the model was trained on these very videos: that says how well it knows them, nothing of new ones"
    if not is_chosen_here(evaluation):
        return None
    what, by = "the learning rate", ", ".join(scores.chosen)
    if any("keep" in name for name in scores.chosen):
        what = "the epoch"
        last = f"the last has {fraction(validations[-1], scores.num_videos)}" if validations else ""
        by += f"; {len(validations)} validations, {last}" if last else ""
    text = f"{what} was chosen on these very videos ({by}): expect less on new ones"
    testing = [counts.subsets.get("testing") for counts in report.labels.values()] if report else []
    if any(counts and counts.ok for counts in testing):
        return f"{text}; `evaluation: {{subset: testing}}` gives an honest number"
    return f"{text}; a testing subset gives an honest number: kinema split TABLE --test-fraction 0.2"


def _settings(training: Training) -> Mapping[str, Any]:
    section = training.settings.get("training")
    return section if isinstance(section, Mapping) else {}


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0
