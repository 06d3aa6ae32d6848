"""Pairs that belong together -> the sets that they join."""

from collections.abc import Iterable

import numpy as np


def joined(number: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """(number,) the lowest member of the set of each: what a chain of pairs joins is one set."""
    lowest = list(range(number))

    def root(member: int) -> int:
        while lowest[member] != member:
            lowest[member] = lowest[lowest[member]]
            member = lowest[member]
        return member

    for one, other in pairs:
        first, second = sorted((root(one), root(other)))
        lowest[second] = first
    return np.array([root(member) for member in range(number)], dtype=int)
