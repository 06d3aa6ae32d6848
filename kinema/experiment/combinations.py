"""Values of settings -> combinations of them: all, or some that are drawn."""

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kinema.experiment.assigned import Value, text_of

Combination = dict[str, Value]
TRIES = 100  # a combination wanted: as often is drawn before there seem to be no more


class Between(NamedTuple):
    """Numbers from `low` to `high`, both included; whole ones where both are. `log`: on a scale of logarithms."""

    low: int | float
    high: int | float
    log: bool


Choice = Sequence[Value] | Between


def grid(choices: Mapping[str, Sequence[Value]]) -> list[Combination]:
    """Each value with each."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def drawn(choices: Mapping[str, Choice], *, number: int, seed: int) -> list[Combination]:
    """So many different combinations; ValueError where there are not as many.

    More of them begin with the same ones. Each setting has random numbers of its own, and lists are sorted: the order
    in which somebody writes them does not count.
    """
    generators = {key: random.Random(f"{seed} {key}") for key in choices}
    found: dict[tuple[str, ...], Combination] = {}
    for _ in range(TRIES * number):
        one = {key: _draw(choice, generators[key].random()) for key, choice in choices.items()}
        found.setdefault(tuple(text_of(one[key]) for key in sorted(one)), one)
        if len(found) == number:
            return list(found.values())
    raise ValueError(f"expected {number} different combinations; {TRIES * number} draws gave {len(found)}")


def _draw(choice: Choice, at: float) -> Value:
    """The value that lies at a part of the whole, in [0, 1)."""
    if not isinstance(choice, Between):
        return sorted(choice, key=text_of)[int(at * len(choice))]
    low, high, is_log = choice
    is_whole = isinstance(low, int) and isinstance(high, int)
    end = high + 1 if is_whole else high  # of whole numbers each has the step up to the next one
    value = math.exp(math.log(low) + at * (math.log(end) - math.log(low))) if is_log else low + at * (end - low)
    value = math.floor(value) if is_whole else _rounded(value, value * math.log(high / low) if is_log else high - low)
    return min(max(value, low), high)


def _rounded(value: float, width: float) -> float:
    """To a thousandth of a width or somewhat less, as a value stands in a name."""
    return round(value, 3 - math.floor(math.log10(width)))
