"""Usable videos -> what two subsets share, and what has two labels: scores are too good, or nothing can be learnt."""

import logging
from collections.abc import Mapping

import pandas as pd

from kinema.job import ON_SCREEN

KINDS = ("content", "group", "source")  # columns of `kinema.clips.coverage.read_coverage`
Found = dict[str, dict[str, list[str]]]
log = logging.getLogger(__name__)


def shared(videos: pd.DataFrame, kind: str) -> Found:
    """The content, groups or sources that lie in more than one subset, each with its videos by subset."""
    rows = _divided(videos.dropna(subset=kind), videos[kind].dropna(), "subset")
    if kind != "source":  # parts of one file share all the rest too
        rows = rows[rows.groupby(kind)["source"].transform("nunique") > 1]
    return _by(rows, kind, "subset")


def conflicts(videos: pd.DataFrame) -> Found:
    """The content that has more than one label, each with its videos by label; of parts of files, the same part."""
    known = videos.dropna(subset=["content", "label"])
    part = [video.removeprefix(source) for video, source in zip(known["video"], known["source"], strict=True)]
    keys = known["content"] + pd.Series(part, index=known.index, dtype="str")
    return _by(_divided(known, keys, "label"), "content", "label")


def tell(videos: pd.DataFrame, page: object) -> None:
    """A warning for each kind of leak, and for labels that contradict each other; `page` is where all are listed."""
    found: Mapping[str, Found] = {kind: shared(videos, kind) for kind in KINDS}
    for kind, leaks in found.items():
        if leaks:
            text = "the same %s in two subsets, %d times: scores will be too good; see %s"
            log.warning(text, kind, len(leaks), page, extra=ON_SCREEN)
    labelled = conflicts(videos)
    if labelled:
        names = next(iter(labelled.values()))
        first = " and ".join(f"'{videos[0]}' ({label})" for label, videos in names.items())
        text = "the same bytes under two labels, %d times, such as %s: keep one label; see %s"
        log.warning(text, len(labelled), first, page, extra=ON_SCREEN)


def _divided(rows: pd.DataFrame, keys: pd.Series, column: str) -> pd.DataFrame:
    """The rows whose key has more than one value in a column."""
    pairs = pd.DataFrame({"key": keys, "value": rows[column]}).drop_duplicates()
    return rows[keys.isin(pairs.loc[pairs["key"].duplicated(), "key"])]


def _by(rows: pd.DataFrame, kind: str, column: str) -> Found:
    found: Found = {}
    for key, value, video in zip(rows[kind], rows[column], rows["video"], strict=True):
        found.setdefault(key, {}).setdefault(value, []).append(video)
    return found
