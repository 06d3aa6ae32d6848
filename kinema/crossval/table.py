"""The cross-validations of a data set's models -> one table of them, as CSV and for a reader."""

import csv
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinema.durations import training_in_words
from kinema.files import write_text
from kinema.input_error import InputError
from kinema.job import ON_SCREEN
from kinema.markdown import as_text, table
from kinema.outcome.crossval import in_words, interval_text
from kinema.records.crossval import CrossValidation

log = logging.getLogger(__name__)
HEADER = (
    *("model", "video top-1", "95 % interval", "deviation of seeds", "deviation of folds"),
    *("mean class accuracy", "macro F1", "videos", "folds", "seeds", "training"),
)
UNLIKE = (
    "Not all of these have the same videos, folds and seeds, so compare them with care: run snakemake for the "
    "summary.json of each again, which makes the stale ones."
)
NOTE = (
    "All models were trained and scored on the same folds. Intervals that overlap do not say that models are equally "
    "good, nor those apart that the order is certain: the best of many is the best by chance as well. A difference has "
    "to exceed the deviation of the seeds."
)


def write_table(*, folder: Path, model_names: Sequence[str], csv_path: Path, markdown_path: Path) -> None:
    """Put the models whose folders lie in that of their data set side by side, the best first.

    InputError without any model, or where a record cannot be read.
    """
    if not model_names:
        raise InputError(f"{folder}: no model there is cross-validated; list models as `leaderboard` of the data set")
    found = [CrossValidation.read(folder / name / "crossval/summary.json") for name in model_names]
    found.sort(key=lambda one: (-one.video_top1.mean, one.model))
    write_text(csv_path, as_csv(found))
    write_text(markdown_path, as_markdown(folder.name, found))
    log.info("%s: the best: %s", markdown_path, in_words(found[0]), extra=ON_SCREEN)


def as_csv(found: Sequence[CrossValidation]) -> str:
    """A line a model; fractions are between 0 and 1, and what is not known is empty."""
    rows = [_values(one) for one in found]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def as_markdown(dataset: str, found: Sequence[CrossValidation]) -> str:
    """The best in a sentence, the table, and what to mind of it."""
    is_alike = len({(one.num_videos, one.num_folds, tuple(one.seeds)) for one in found}) == 1
    rows = [
        [
            *(as_text(one.model), f"{one.video_top1.mean:.3f}", interval_text(one, one.intervals.video_top1)),
            "-" if one.video_top1.seed_deviation is None else f"{one.video_top1.seed_deviation:.3f}",
            *(f"{number:.3f}" for number in (one.video_top1.fold_deviation, one.mean_class_accuracy.mean)),
            *(f"{one.macro_f1.mean:.3f}", f"{one.num_videos:,}", str(one.num_folds), str(len(one.seeds))),
            training_in_words(one.training_seconds),
        ]
        for one in found
    ]
    parts = [f"# Cross-validation on {as_text(dataset)}", as_text(f"{in_words(found[0])}."), table(HEADER, rows)]
    return "\n\n".join([*parts, as_text(NOTE if is_alike else UNLIKE)]) + "\n"


def _values(one: CrossValidation) -> dict[str, Any]:
    interval, top1 = one.intervals.video_top1, one.video_top1
    values = {"model": one.model, "video_top1": top1.mean, "low": interval.low, "high": interval.high}
    values |= {"seed_deviation": top1.seed_deviation, "fold_deviation": top1.fold_deviation}
    means = {name: getattr(one, name).mean for name in ("video_top5", "mean_class_accuracy", "macro_f1")}
    numbers = {"num_videos": one.num_videos, "coverage": one.coverage, "num_folds": one.num_folds}
    return values | means | numbers | {"num_seeds": len(one.seeds), "training_seconds": one.training_seconds}
