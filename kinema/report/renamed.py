"""Confusion matrix -> labels that look as if they stood in another order: a model may be right under other names."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOSTLY = 0.5  # of the videos of a class, or more, are called the same other class
TIMES = 3  # as often as by its own name, or oftener: a model that guesses between two classes is something else
FEWEST_VIDEOS = 5  # of a class, for that to say something: of two, half of all guesses look like an order
FEWEST_TURNED = 20  # of all classes, for a turn of the whole list to be told although each class has fewer
FEWEST_CLASSES = 5  # for the same
NAMED = 3  # classes that are named


@dataclass(frozen=True)
class Renamed:
    """Classes whose videos mostly get one other name, each another one.

    `accuracy` is the fraction of all videos that would be right under these names. `shift` is by how many places of the
    list of labels all names lie too far, None where it is no such turn.
    """

    moved: dict[int, int]
    accuracy: float
    shift: int | None


def renamed_in(counts: np.ndarray, *, above: float = 0.0) -> Renamed | None:
    """Classes that look renamed in a confusion matrix (K, K); None where there are none.

    They are a ring or several: each class that is called another gives its name to one. Or all classes but a few
    have moved, some of them to names that no video here has. Or the whole list is turned. In any case more than the
    fraction `above` of all videos must be right under the new names: the end of the interval of the accuracy, so that
    chance makes none.
    """
    if not counts.sum():
        return None
    found = _turned(counts) or _moved(counts)
    return found if found and found.accuracy > above else None


def _turned(counts: np.ndarray) -> Renamed | None:
    """A list of labels that is turned as a whole: by the sum over all classes, however few videos each has."""
    number, support = len(counts), counts.sum(axis=1)
    if number < FEWEST_CLASSES or support.sum() < FEWEST_TURNED:
        return None
    true = np.arange(number)
    rights = [int(counts[true, (true + shift) % number].sum()) for shift in range(number)]
    shift = int(np.argmax(rights))
    accuracy = rights[shift] / float(support.sum())
    if shift == 0 or accuracy <= MOSTLY:
        return None
    return Renamed({int(at): int((at + shift) % number) for at in np.flatnonzero(support)}, accuracy, shift)


def _moved(counts: np.ndarray) -> Renamed | None:
    """Classes that lead to each other, one by one."""
    support, called = counts.sum(axis=1), counts.argmax(axis=1)
    classes = np.flatnonzero(support >= FEWEST_VIDEOS)
    share = counts[classes, called[classes]] / np.maximum(1, support[classes])
    own = np.diagonal(counts)[classes] / np.maximum(1, support[classes])
    mostly = [int(number) for number in classes[(share > MOSTLY) & (share >= TIMES * own)]]
    moved = {true: int(called[true]) for true in mostly}
    if len(set(moved.values())) < len(moved) or 2 * len(moved) <= len(classes):
        moved = _rings(moved)
    if len(moved) < 2:
        return None
    names = [moved.get(number, number) for number in range(len(counts))]
    shifts = {(to - true) % len(counts) for true, to in moved.items()}
    is_turned = len(shifts) == 1 and len(moved) == np.count_nonzero(support) and len(counts) > 2
    right = counts[np.arange(len(counts)), names].sum()
    return Renamed(moved, float(right / counts.sum()), shifts.pop() if is_turned else None)


def renamed_line(found: Renamed, labels: Sequence[str]) -> str:
    """What it looks like, in words."""
    examples = [f"videos of {labels[true]} are called {labels[to]}" for true, to in list(found.moved.items())[:NAMED]]
    more = len(found.moved) - len(examples)
    text = ", ".join(examples) + (f", and {more} more such classes" if more else "")
    turned = f", each class {found.shift} places on in the list of labels" if found.shift else ""
    turned = turned.replace(" 1 places", " 1 place")
    return f"{text}{turned}. Under these names {found.accuracy:.2f} of the videos would be right."


def _rings(moved: dict[int, int]) -> dict[int, int]:
    """Those of these steps that lead back to where they began."""
    found: dict[int, int] = {}
    for start in moved:
        ring, at = {}, start
        while at in moved and at not in ring:
            ring[at] = moved[at]
            at = moved[at]
        if at == start:
            found |= ring
    return {true: found[true] for true in sorted(found)}
