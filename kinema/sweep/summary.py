"""The combinations of a sweep -> summary.csv and summary.md."""

import csv
import io
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kinema.durations import training_in_words
from kinema.files import write_text
from kinema.job import ON_SCREEN
from kinema.markdown import as_text, table
from kinema.outcome.score import fraction
from kinema.outcome.sweep import best_in_words, rows_of
from kinema.sweep.rows import CROSSVAL, Row, ranks_of, read_rows

log = logging.getLogger(__name__)
NUMBERS = (
    *("video_top1", "low", "high", "video_top5", "mean_class_accuracy", "macro_f1", "seed_deviation", "fold_deviation"),
    *("num_videos", "coverage", "training_seconds", "is_chosen_on_these"),
)
EMPTY = "-"


def write_sweep(
    *,
    folder: Path,
    model_name: str,
    sweep: str,
    points: Mapping[str, Mapping[str, str]],
    choose_on: str,
    csv_path: Path,
    markdown_path: Path,
) -> None:
    """Compare the models `points`, by name with the values of what is swept as texts, in the folder of their data set.

    `choose_on` is `validation` or `crossval`. InputError where a record of one cannot be read or has no such scores.
    """
    rows = read_rows(folder, points, choose_on=choose_on)
    text = as_csv(rows, choose_on=choose_on)
    best = best_in_words(rows_of(text))
    write_text(csv_path, text)
    title = f"# Sweep {as_text(sweep)} of {as_text(model_name)} on {as_text(folder.name)}"
    parts = [title, as_text(best), _table(rows), *map(as_text, _notes(rows, folder, choose_on=choose_on))]
    write_text(markdown_path, "\n\n".join(parts) + "\n")
    log.info("%s: %s", markdown_path, best, extra=ON_SCREEN)


def as_csv(rows: Sequence[Row], *, choose_on: str) -> str:
    """A line a combination, the best first; fractions are between 0 and 1, and what is not known is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, ["rank", "model", *rows[0].settings, "choose_on", *NUMBERS], lineterminator="\n")
    writer.writeheader()
    for row, rank in zip(rows, ranks_of(rows), strict=True):
        values = {name: getattr(row, name) for name in NUMBERS if hasattr(row, name)}
        values |= {"low": row.interval.low, "high": row.interval.high}
        values["is_chosen_on_these"] = "yes" if row.is_chosen_here else "no"
        writer.writerow({"rank": rank, "model": row.name, **row.settings, "choose_on": choose_on, **values})
    return file.getvalue()


def _table(rows: Sequence[Row]) -> str:
    keys = list(rows[0].settings)
    header = ["rank", *keys, "video top-1", "95 % interval", "mean class accuracy", "macro F1"]
    deviations = rows[0].fold_deviation is not None
    header += ["deviation of seeds", "deviation of folds"] if deviations else []
    cells = [
        [
            *(str(rank), *(as_text(row.settings[key]) for key in keys)),
            f"{row.video_top1:.3f}{'*' if row.is_chosen_here else ''}",
            f"{fraction(row.interval.low, row.num_videos)} to {fraction(row.interval.high, row.num_videos)}",
            *(f"{number:.3f}" for number in (row.mean_class_accuracy, row.macro_f1)),
            *((_deviation(row.seed_deviation), _deviation(row.fold_deviation)) if deviations else ()),
            *(f"{row.num_videos:,}", training_in_words(row.training_seconds), as_text(row.name)),
        ]
        for row, rank in zip(rows, ranks_of(rows), strict=True)
    ]
    return table([*header, "videos", "training", "model"], cells, numbers=[True] * (len(header) + 2) + [False])


def _deviation(value: float | None) -> str:
    return EMPTY if value is None else f"{value:.3f}"


def _notes(rows: Sequence[Row], folder: Path, *, choose_on: str) -> Iterator[str]:
    """What a reader has to know."""
    if any(row.is_chosen_here for row in rows):
        yield "* The epoch or the learning rate was chosen on these videos as well."
    close = sum(row.video_top1 >= rows[0].interval.low for row in rows[1:])
    if close:
        others = "the other" if len(rows) == 2 else f"{close} of the {len(rows) - 1} others"
        yield f"The interval of the best reaches down to {others}: so many videos hardly tell these apart."
    if len(rows) == 1:
        return
    what = "cross-validated" if choose_on == CROSSVAL else "validation"
    yield (
        f"The best of {len(rows)} on the same {what} videos is the best by chance as well, so expect less of it on new "
        "ones. Testing videos had no say: they tell how much, once. Export it with snakemake --cores all "
        f"{folder}/{rows[0].name}/model.xml, or write its settings into the configuration."
    )
