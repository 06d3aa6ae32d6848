"""The folds of a model -> summary.json, summary.md and the out-of-fold predictions."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.crossval.answers import FoldAnswers, Told, joined_rows, read_answers
from kinema.crossval.markdown import as_markdown
from kinema.evaluation.class_scores import called_as
from kinema.evaluation.intervals import Answers, intervals_over
from kinema.experiment.folds import split_fold
from kinema.files import atomic_path, write_text
from kinema.job import ON_SCREEN
from kinema.outcome.crossval import in_words
from kinema.records.crossval import ClassSpread, CrossValidation, FoldScores, Spread
from kinema.records.evaluation import Intervals

log = logging.getLogger(__name__)
NUMBERS = ("video_top1", "video_top5", "mean_class_accuracy", "macro_f1")


@dataclass(frozen=True)
class SummaryFiles:
    """What is written."""

    record_path: Path
    markdown_path: Path
    predictions_path: Path


def write_summary(*, folder: Path, names: Sequence[str], annotated: Mapping[str, int], out: SummaryFiles) -> None:
    """Sum up the trainings `names` of one model, each a folder in that of the data set.

    `annotated` are the listed videos of each subset that is dealt out. InputError where a file of a fold is damaged.
    """
    answers = []
    for name in names:
        model_name, fold = split_fold(name)
        assert fold is not None
        answers.append(read_answers(folder / name, fold))
    rows, labels = joined_rows(answers), answers[0].training.labels
    found = summed_up(model_name, answers, rows, labels=labels, num_annotated=sum(annotated.values()))
    with atomic_path(out.predictions_path) as temporary:
        pq.write_table(rows, temporary)
    write_text(out.markdown_path, as_markdown(folder.name, found))
    found.write(out.record_path)
    log.info("%s: %s", out.markdown_path, in_words(found), extra=ON_SCREEN)


def summed_up(
    model_name: str, answers: Sequence[FoldAnswers], rows: pa.Table, *, labels: list[str], num_annotated: int
) -> CrossValidation:
    """The record; `rows` are all answers of all folds."""
    seeds = list(dict.fromkeys(one.fold.seed for one in answers))
    by_seed = {seed: Told.of(rows.filter(pc.field("seed") == seed), labels) for seed in seeds}
    whole = Told.of(rows, labels)
    num_videos = len(rows) // len(seeds)
    scores = [_fold_scores(one, labels, num_videos) for one in answers]
    own = by_seed[seeds[0]].counts.sum(axis=1)
    return CrossValidation(
        model=model_name,
        num_folds=len({one.fold.number for one in answers}),
        seeds=seeds,
        num_videos=num_videos,
        num_annotated=num_annotated,
        coverage=num_videos / num_annotated,
        majority=float(own.max() / own.sum()),
        **{name: _spread(name, list(by_seed.values()), scores) for name in NUMBERS},
        intervals=_intervals(whole, rows, num_seeds=len(seeds)),
        folds=scores,
        classes=_classes(whole, list(by_seed.values()), labels),
        training_seconds=sum(one.seconds for one in scores),
    )


def _fold_scores(one: FoldAnswers, labels: list[str], num_videos: int) -> FoldScores:
    return FoldScores(
        fold=one.fold.number,
        seed=one.fold.seed,
        num_videos=len(one.rows),
        num_training=num_videos - len(one.rows),
        **Told.of(one.rows, labels).numbers(),
        seconds=one.training.seconds,
    )


def _spread(name: str, by_seed: Sequence[Told], scores: Sequence[FoldScores]) -> Spread:
    of_seeds = [told.numbers()[name] for told in by_seed]
    return Spread(
        mean=float(np.mean(of_seeds)),
        seed_deviation=_deviation(of_seeds),
        fold_deviation=_deviation([getattr(one, name) for one in scores]) or 0.0,
    )


def _deviation(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _intervals(told: Told, rows: pa.Table, *, num_seeds: int) -> Intervals:
    groups = rows["group"].to_pylist()
    # the answers of several seeds to a video are no more independent than those to a group
    names = [
        f"group {group}" if group else f"video {video}" if num_seeds > 1 else None
        for group, video in zip(groups, rows["video"].to_pylist(), strict=True)
    ]
    answers = Answers.grouped(told.labels, told.predicted, told.in_five, names)
    found = intervals_over(answers, num_classes=told.num_classes)
    is_grouped = found.num_units < len(rows) // num_seeds
    return replace(found, units="groups" if is_grouped else "videos")


def _classes(whole: Told, by_seed: Sequence[Told], labels: list[str]) -> dict[str, ClassSpread]:
    counts = whole.counts
    recalls = [_ratios(told.counts.diagonal(), told.counts.sum(axis=1)) for told in by_seed]
    right, own, called = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    recall, precision, f1 = _ratios(right, own), _ratios(right, called), _ratios(2 * right, own + called)
    return {
        label: ClassSpread(
            num_videos=int(own[number]) // len(by_seed),
            recall=recall[number],
            recall_deviation=_deviation([found for of in recalls if (found := of[number]) is not None]),
            precision=precision[number],
            f1=f1[number],
            called=called_as(counts[number], labels),
        )
        for number, label in enumerate(labels)
    }


def _ratios(parts: np.ndarray, wholes: np.ndarray) -> list[float | None]:
    return [int(part) / int(whole) if whole else None for part, whole in zip(parts, wholes, strict=True)]
