"""Raw videos -> groups of those that look alike: `--group looks`."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from kinema.annotations.joined import joined
from kinema.looks.kept import signatures_of
from kinema.looks.likeness import Likeness
from kinema.looks.pictures import pictures_of
from kinema.looks.squares import FEWEST
from kinema.media.listing import known_tokens, list_videos
from kinema.media.sources import brought

LARGE = 0.5  # of the videos in one group: hardly a split by groups any more


def groups_by_looks(rows: pd.DataFrame, folder: Path | str | None) -> tuple[pd.Series, list[str]]:
    """A way of `kinema.annotations.grouping`: the group of each row, missing where a video is like no other."""
    if folder is None:
        raise ValueError("--group looks: it is not known where the videos are; give their folder with --videos")
    logging.basicConfig(level=logging.WARNING, format="kinema: %(message)s")
    files = list_videos(folder, known=known_tokens(folder), anew=True)
    names = [name for name in rows["path"].unique() if name in files]
    if len(names) < FEWEST:
        raise ValueError(f"--group looks: {len(names)} videos of the list are in {folder}; expected {FEWEST} or more")
    kept_path = known_tokens(folder).with_suffix(".looks.npz")
    keys = [f"{files[name].token} {files[name].size}" for name in names]
    signatures, seen = signatures_of(keys, lambda number: _pictures(folder, names[number]), kept_path=kept_path)
    of_name: dict[str, str] = {}
    if signatures is not None:
        alike = Likeness(signatures).pairs()
        lowest = joined(len(seen), ((one, other) for one, other, _ in alike))
        members = pd.Series(lowest).value_counts()
        of_name = {
            names[number]: f"like {names[seen[first]]}"
            for number, first in zip(seen, lowest.tolist(), strict=True)
            if members[first] > 1
        }
    groups = rows["path"].map(of_name).astype("string")
    return groups, _told(groups, num_unseen=len(rows["path"].unique()) - len(seen))


def _pictures(folder: Path | str, name: str) -> np.ndarray:
    with brought(folder, name) as path:
        return pictures_of(path)


def _told(groups: pd.Series, *, num_unseen: int) -> list[str]:
    sizes = groups.value_counts()
    lines = [
        f"{len(sizes)} groups of {groups.notna().sum()} videos look alike; {groups.isna().sum()} are like no other"
    ]
    if num_unseen:
        lines.append(f"{num_unseen} videos could not be looked at and count as alone")
    if len(sizes) and sizes.iloc[0] > LARGE * len(groups):
        lines.append(
            f"{sizes.iloc[0]} of {len(groups)} videos are one group: they may only share a room or a camera; "
            "--group REGEX or --groups FILE may tell more"
        )
    return lines
