"""Models of a data set -> a small table, a line each."""

from collections.abc import Sequence

from kinema.outcome.export import is_verified
from kinema.outcome.fitting import is_chosen_here, training_accuracy
from kinema.outcome.found import FoundModel
from kinema.outcome.score import fraction, interval_text, is_above_chance, levels_of

HEADER = ("model", "accuracy", "95 % interval", "chance", "above", "of videos", "on training", "export")
CHOSEN = "* the epoch or the learning rate was chosen on these videos: expect less on new ones"


def models_table(models: Sequence[FoundModel]) -> list[str]:
    """The lines.

    `chance` is the larger of 1/K and the share of the largest class, `of videos` how many of the listed were scored.
    """
    rows = [HEADER, *map(_row, models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    chosen = any(is_chosen_here(found.evaluation) for found in models if found.evaluation)
    return [*lines, *([f"  {CHOSEN}"] if chosen else [])]


def _row(found: FoundModel) -> tuple[str, ...]:
    scored = _scored(found) if found.evaluation else ["-"] * 5
    accuracy = training_accuracy(found.training) if found.training else None
    trained = "-" if accuracy is None else fraction(accuracy, 1)
    return (found.folder.name, *scored, trained, "verified" if is_verified(found) else "-")


def _scored(found: FoundModel) -> list[str]:
    evaluation = found.evaluation
    assert evaluation
    scores = evaluation.scores
    number = scores.num_videos
    star = "*" if is_chosen_here(evaluation) else ""
    return [
        fraction(scores.video_top1, number) + star,
        interval_text(evaluation),
        fraction(max(levels_of(evaluation)), number),
        "yes" if is_above_chance(evaluation) else "no",
        f"{number:,} of {scores.num_annotated:,} {evaluation.subset}",
    ]
