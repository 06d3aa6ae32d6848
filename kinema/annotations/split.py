"""Labels and groups of videos -> subsets: seeded, by whole groups, every class with its share of each subset."""

from collections.abc import Mapping

import numpy as np
import pandas as pd


def split_by_group(labels: pd.Series, groups: pd.Series, *, fractions: Mapping[str, float], seed: int) -> pd.Series:
    """A subset for every video: those of `fractions` with about that part of each class, the rest `training`.

    Videos of a group stay together; one without a group is its own. Every class keeps a training video and, where it
    has groups enough, gets one in each subset, even if the part then becomes larger.
    """
    alone = pd.Series(range(len(labels)), index=labels.index).astype("str")
    unit, _ = pd.factorize(("group " + groups).where(groups.notna(), "video " + alone))
    label, names = pd.factorize(labels)
    members = _members(unit, label)
    chosen = np.full(len(members), "training", dtype=object)
    total = np.bincount(label, minlength=len(names))
    left = total.copy()
    order = np.random.default_rng(seed).permutation(len(members))
    for subset, fraction in fractions.items():
        if fraction > 0:
            free = [number for number in order if chosen[number] == "training"]
            # a class of a few videos is to be in the subset too
            taken = _take(free, members, target=np.maximum(fraction * total, total > 1), left=left)
            chosen[taken] = subset
    return pd.Series(chosen[unit], index=labels.index, dtype="str")


def _members(unit: np.ndarray, label: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """For every unit the classes it has and the number of videos of each."""
    counts = pd.DataFrame({"unit": unit, "label": label}).value_counts(sort=False).reset_index().sort_values("unit")
    starts = np.flatnonzero(np.diff(counts["unit"], prepend=-1))[1:]
    columns = (np.split(counts[name].to_numpy(), starts) for name in ("label", "count"))
    return list(zip(*columns, strict=True))


def _take(
    free: list[int], members: list[tuple[np.ndarray, np.ndarray]], *, target: np.ndarray, left: np.ndarray
) -> list[int]:
    """Units that bring every class near its target; `left`, the training videos of each class, shrinks by them."""
    have, taken = np.zeros_like(target), []

    def take(number: int) -> None:
        labels, counts = members[number]
        have[labels] += counts
        left[labels] -= counts
        taken.append(number)

    def may_leave(number: int) -> bool:
        labels, counts = members[number]
        return bool((left[labels] > counts).all())

    for number in free:
        labels, counts = members[number]
        lacking = target[labels] - have[labels]
        if np.abs(lacking - counts).sum() < np.abs(lacking).sum() and may_leave(number):
            take(number)
    # where groups are large none may come near; the smallest is then better than none
    for number in sorted(np.setdiff1d(free, taken, assume_unique=True), key=lambda number: members[number][1].sum()):
        if (have[members[number][0]] == 0).any() and may_leave(number):
            take(number)
    return taken
