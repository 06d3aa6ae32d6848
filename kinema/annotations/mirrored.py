"""Labels that tell left from right: a clip of such a class, mirrored, is one of another class."""

import re
from collections.abc import Iterable

# a word of its own, or one within a name like SwipeLeft or leftTurn
SIDE = re.compile(
    r"(?<![A-Za-z])(?:[Ll]eft|[Rr]ight)(?![a-z])|(?<![A-Za-z])(?:LEFT|RIGHT)(?![A-Za-z])|(?<=[a-z])(?:Left|Right)(?![a-z])"
)
OTHER = {"left": "right", "right": "left"}


def sided(labels: Iterable[str]) -> list[str]:
    """The labels in which the word left or right stands, as in `swipe left`, `turn_right` and `SwipeLeft`."""
    return sorted(label for label in labels if _turned(label) != label)


def mirrored_pairs(labels: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of labels that are each other with left and right exchanged."""
    known = set(labels)
    return sorted({(label, other) for label in known if (other := _turned(label)) in known and label < other})


def _turned(label: str) -> str:
    return SIDE.sub(_other, label)


def _other(match: re.Match[str]) -> str:
    found = match[0]
    other = OTHER[found.lower()]
    return other.upper() if found.isupper() else other.capitalize() if found[0].isupper() else other
