"""The record of a cross-validation -> the same for a reader."""

from collections.abc import Sequence

from kinema.durations import duration_in_words
from kinema.markdown import as_text, table
from kinema.outcome.crossval import in_words, interval_text
from kinema.records.crossval import CrossValidation, Spread

NUMBERS = {
    "video_top1": "video top-1",
    "video_top5": "video top-5",
    "mean_class_accuracy": "mean class accuracy",
    "macro_f1": "macro F1",
}
EMPTY = "-"
LAST_EPOCH = (
    "Each fold is scored by a model that was trained on the other folds. Its last epoch is kept: held-out videos may "
    "not choose one. Testing videos are left alone."
)


def as_markdown(dataset: str, found: CrossValidation) -> str:
    """The sentence, the numbers with their spread, the folds, the classes."""
    parts = [
        f"# Cross-validation of {as_text(found.model)} on {as_text(dataset)}",
        as_text(f"{in_words(found)}. {LAST_EPOCH}"),
        _numbers(found),
        as_text(
            "An interval says how far the mean may be off with so few videos, and deviations how far one training lies "
            "from another: between the seeds all videos count, between the folds a training has those of its fold."
        ),
        "## Folds",
        _folds(found),
        _trained(found.training_seconds),
        "## Classes",
        _classes(found),
    ]
    return "\n\n".join(parts) + "\n"


def _trained(seconds: float) -> str:
    if not seconds:
        return "No training of its own: it joins models that were trained, or takes weights as they are."
    return f"{duration_in_words(seconds)} of training in all."


def _numbers(found: CrossValidation) -> str:
    rows = []
    for name, title in NUMBERS.items():
        spread: Spread = getattr(found, name)
        interval = getattr(found.intervals, name)
        between = EMPTY if spread.seed_deviation is None else f"{spread.seed_deviation:.3f}"
        ends = EMPTY if interval is None else interval_text(found, interval)
        rows.append([title, f"{spread.mean:.3f}", ends, between, f"{spread.fold_deviation:.3f}"])
    return table(["number", "mean", "95 % interval", "deviation of seeds", "deviation of folds"], rows)


def _folds(found: CrossValidation) -> str:
    header = ["fold", "seed", "trained on", "videos", "video top-1", "mean class accuracy"]
    rows = [
        [
            *(str(number) for number in (one.fold, one.seed, one.num_training, one.num_videos)),
            *(f"{number:.3f}" for number in (one.video_top1, one.mean_class_accuracy)),
        ]
        for one in found.folds
    ]
    return table(header, rows)


def _classes(found: CrossValidation) -> str:
    header = ["class", "videos", "recall", "deviation of seeds", "precision", "F1", "most often taken for"]
    rows: list[Sequence[str]] = []
    for label, one in found.classes.items():
        others = [f"{as_text(other)} ({number})" for other, number in one.called.items() if other != label]
        numbers = (one.recall, one.recall_deviation, one.precision, one.f1)
        cells = [EMPTY if number is None else f"{number:.3f}" for number in numbers]
        rows.append([as_text(label), str(one.num_videos), *cells, others[0] if others else EMPTY])
    return table(header, rows, numbers=[False, *[True] * 5, False])
