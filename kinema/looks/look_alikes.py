"""Usable videos of a data set -> those of different subsets that look alike, in look_alikes.json."""

import heapq
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from kinema.annotations.dialect import ORDER
from kinema.clips.coverage import read_coverage
from kinema.looks.squares import FEWEST, spread, squares
from kinema.media.reader import FrameReader
from kinema.records.look_alikes import LookAlike, LookAlikes

log = logging.getLogger(__name__)
MOST_LISTED = 10_000


def write_look_alikes(
    *, annotation_path: Path, table_paths: Sequence[Path], kept_path: Path, limit: int, threads: int, out: Path
) -> None:
    """Write look_alikes.json. More usable videos than `limit` are not compared; `kept_path` keeps signatures.

    Nor are any without PyTorch, which a machine that only prepares data may lack.
    """
    _, videos = read_coverage(annotation_path, table_paths)
    usable = videos[(videos["status"] == "ok") & (videos["num_frames"] > 0)].reset_index(drop=True)
    reason = _reason_against(usable, limit)
    try:
        found = _not_searched(usable, reason) if reason else _search(usable, kept_path, threads)
    except ModuleNotFoundError as error:
        found = _not_searched(usable, f"the package {error.name} is not installed")
    log.info("%s", found.reason or f"{found.num_pairs} pairs of videos in two subsets look alike")
    found.write(out)


def _not_searched(usable: pd.DataFrame, reason: str) -> LookAlikes:
    return LookAlikes(looked=False, reason=reason, threshold=None, num_videos=len(usable), num_pairs=0, pairs=[])


def _reason_against(usable: pd.DataFrame, limit: int) -> str | None:
    if len(usable) > limit:
        return f"{len(usable)} videos, and look_alikes_limit is {limit}"
    if usable["subset"].nunique() < 2:
        return "all videos are in one subset"
    return f"fewer than {FEWEST} videos" if len(usable) < FEWEST else None


def _search(usable: pd.DataFrame, kept_path: Path, threads: int) -> LookAlikes:
    import torch

    from kinema.looks.kept import signatures_of
    from kinema.looks.likeness import Likeness

    torch.set_num_threads(threads)
    reader = FrameReader()
    places = list(zip(usable["shard"], usable["video"], usable["num_frames"], strict=True))

    def pictures(number: int) -> np.ndarray:
        shard, video, num_frames = places[number]
        wanted, position = np.unique(spread(num_frames), return_inverse=True)
        frames = list(reader.read(shard, video, wanted.tolist()))
        return squares([frames[place] for place in position])

    of_pictures = usable["frames_digest"].str.split("+").str[0]  # behind it, where there is one, stands the flow's
    signatures, seen = signatures_of(of_pictures.tolist(), pictures, kept_path=kept_path)
    assert signatures is not None, "frames that are stored can be read"
    assert len(seen) == len(usable)
    likeness, subsets = Likeness(signatures), usable["subset"].tolist()
    of_two = [(score, one, other) for one, other, score in likeness.pairs() if subsets[one] != subsets[other]]
    highest = heapq.nlargest(MOST_LISTED, of_two)
    return LookAlikes(
        looked=True,
        reason=None,
        threshold=round(likeness.threshold, 3),
        num_videos=len(usable),
        num_pairs=len(of_two),
        pairs=[_pair(usable, *found) for found in highest],
    )


def _pair(usable: pd.DataFrame, likeness: float, one: int, other: int) -> LookAlike:
    subsets = usable["subset"]
    first, second = sorted((one, other), key=lambda row: ORDER.index(subsets[row]))
    labels = [None if pd.isna(label) else str(label) for label in usable["label"][[first, second]]]
    return LookAlike(
        likeness=round(likeness, 3),
        video=usable["video"][first],
        subset=subsets[first],
        label=labels[0],
        other=usable["video"][second],
        other_subset=subsets[second],
        other_label=labels[1],
    )
