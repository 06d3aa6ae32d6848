"""What the videos of each class were called -> the matrix that is shown, and the videos of its cells."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinema.records.evaluation import ClassScores

MOST_SHOWN = 40  # classes in one matrix; of more, the most confused MOST_CONFUSED
MOST_CONFUSED = 20
MOST_VIDEOS = 20  # named for a cell
MOST_BYTES = 500_000  # of the names and paths of all cells
MOST_PAIRS = 10
SHADES = 10
NamedVideo = tuple[str, str]  # its name, and the path of its file


@dataclass(frozen=True)
class Cell:
    """A field of the matrix; `shade` is 0 to SHADES by the share of the true class."""

    number: int
    shade: int
    is_right: bool


@dataclass(frozen=True)
class Pair:
    """Videos of one class that were called another."""

    true: str
    called: str
    true_index: int
    called_index: int
    number: int
    support: int


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """The matrix that is shown, and for the page's script the cells of all classes (`data`)."""

    labels: tuple[str, ...]
    shown: tuple[int, ...]
    rows: tuple[tuple[Cell, ...], ...]
    others: tuple[int, ...] | None
    """[videos] Of each row, those called a class that is not shown; None where all are."""
    pairs: tuple[Pair, ...]
    data: dict[str, Any]


def counts_of(classes: Mapping[str, ClassScores]) -> np.ndarray:
    """Number of videos by true class (rows) and what they were called (columns), (K, K)."""
    place = {label: number for number, label in enumerate(classes)}
    counts = np.zeros((len(place), len(place)), dtype=np.int64)
    for label, scores in classes.items():
        for called, number in scores.called.items():
            counts[place[label], place[called]] = number
    return counts


def confusion_of(
    counts: np.ndarray, labels: Sequence[str], videos: Mapping[tuple[int, int], Sequence[NamedVideo]]
) -> Confusion:
    """What is shown of a confusion matrix (K, K); `videos` are the videos of its cells."""
    shown = most_confused(counts) if len(labels) > MOST_SHOWN else np.arange(len(labels))
    support = counts.sum(axis=1)
    rows = tuple(tuple(_cell(counts, support, true, called) for called in shown) for true in shown)
    hidden = counts[shown].sum(axis=1) - counts[np.ix_(shown, shown)].sum(axis=1)
    named = _named(counts, videos)
    cells = [[*pair, int(counts[pair]), named.get(pair, [])] for pair in _filled(counts)]
    return Confusion(
        labels=tuple(labels),
        shown=tuple(int(number) for number in shown),
        rows=rows,
        others=None if len(shown) == len(labels) else tuple(int(number) for number in hidden),
        pairs=tuple(pairs_of(counts, labels)[:MOST_PAIRS]),
        data={
            "labels": list(labels),
            "support": [int(number) for number in support],
            "shown": [int(number) for number in shown],
            "cells": cells,
        },
    )


def most_confused(counts: np.ndarray, number: int = MOST_CONFUSED) -> np.ndarray:
    """The classes of the most frequent confusions, those of a pair side by side, then others with many wrong answers.

    An answer counts for the class of the video, and for what it was called.
    """
    chosen: list[int] = []
    for true, called in _wrong(counts)[:MOST_PAIRS]:
        for one, other in ((true, called), (called, true)):
            if one not in chosen and len(chosen) < number:
                chosen.insert(chosen.index(other) + 1 if other in chosen else len(chosen), one)
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diagonal(counts)
    rest = [int(place) for place in np.argsort(-wrong, kind="stable") if place not in chosen]
    return np.array([*chosen, *rest][:number], dtype=np.int64)


def pairs_of(counts: np.ndarray, labels: Sequence[str]) -> list[Pair]:
    """Classes that are taken for another, the most frequent first."""
    support = counts.sum(axis=1)
    return [
        Pair(labels[true], labels[called], true, called, int(counts[true, called]), int(support[true]))
        for true, called in _wrong(counts)
    ]


def _wrong(counts: np.ndarray) -> list[tuple[int, int]]:
    """Fields beside the diagonal, the largest first."""
    wrong = [pair for pair in _filled(counts) if pair[0] != pair[1]]
    return sorted(wrong, key=lambda pair: (-counts[pair], pair))


def _named(
    counts: np.ndarray, videos: Mapping[tuple[int, int], Sequence[NamedVideo]]
) -> dict[tuple[int, int], list[NamedVideo]]:
    """At most MOST_VIDEOS of each cell and MOST_BYTES of all, the largest confusions first, then what is right."""
    right = sorted((pair for pair in _filled(counts) if pair[0] == pair[1]), key=lambda pair: (-counts[pair], pair))
    named: dict[tuple[int, int], list[NamedVideo]] = {}
    left = MOST_BYTES
    for pair in [*_wrong(counts), *right]:
        for video in list(videos.get(pair, ()))[:MOST_VIDEOS]:
            left -= len(json.dumps(video, ensure_ascii=False).encode()) + 2
            if left < 0:
                return named
            named.setdefault(pair, []).append(video)
    return named


def _cell(counts: np.ndarray, support: np.ndarray, true: int | np.integer, called: int | np.integer) -> Cell:
    number = int(counts[true, called])
    shade = max(1, round(SHADES * number / support[true])) if number else 0
    return Cell(number, shade, bool(true == called))


def _filled(counts: np.ndarray) -> list[tuple[int, int]]:
    """Rows and columns of what is not 0."""
    return [(int(true), int(called)) for true, called in np.argwhere(counts)]
