"""Which videos and clips a page shows: few, the telling ones, and always the same."""

from dataclasses import dataclass

import numpy as np

SHOWN = 12  # of each kind
SEED = 1  # of the order in which items of a class are taken


@dataclass(frozen=True)
class Chosen:
    """Rows of the scored videos: wrong and sure of it, least sure, right; none is in two of these."""

    wrong: list[int]
    unsure: list[int]
    right: list[int]


def choose_videos(labels: np.ndarray, correct: np.ndarray, probability: np.ndarray, number: int = SHOWN) -> Chosen:
    """At most `number` videos of each kind, from what was said of V videos, (V,) each.

    `labels` are any names or numbers of the true classes, `probability` that of the predicted one. Of equal ones the
    earlier comes first. Right ones are spread over the classes.
    """
    surest = np.argsort(-probability, kind="stable")
    wrong = [int(row) for row in surest if not correct[row]][:number]
    least_sure = np.argsort(probability, kind="stable")
    unsure = [int(row) for row in least_sure if row not in set(wrong)][:number]
    left = np.flatnonzero(correct & ~np.isin(np.arange(len(correct)), unsure))
    return Chosen(wrong, unsure, left[spread(labels[left], number)].tolist())


def spread(labels: np.ndarray, number: int = SHOWN) -> list[int]:
    """At most `number` positions of `labels`, (N,), as evenly over the classes as can be, sorted by class.

    Of more classes than that, every second is left out, or every third, ...; which items of a class are taken is drawn
    from a fixed seed, since neighbours in a list are often alike.
    """
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) > number:
        classes = np.linspace(0, len(classes) - 1, number).round().astype(int)
    else:
        classes = np.arange(len(classes))
    order = np.random.default_rng(SEED).permutation(len(labels))
    queues = [order[numbers[order] == one] for one in classes]
    rounds = max((len(queue) for queue in queues), default=0)
    taken = [int(queue[turn]) for turn in range(rounds) for queue in queues if turn < len(queue)][:number]
    return sorted(taken, key=lambda position: (numbers[position], position))
