"""Labels that tell left from right: a clip of such a class, mirrored, is one of another class."""

import json
import re
from collections.abc import Iterable, Sequence

from kinema.input_error import InputError
from kinema.spelling import told_apart

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


def unpaired(labels: Iterable[str]) -> list[str]:
    """The labels that tell left from right and have no other that is their mirror image."""
    known = set(labels)
    return [label for label in sided(known) if _turned(label) not in known]


def mirror_images(labels: Sequence[str], pairs: Sequence[Sequence[str]]) -> list[int] | None:
    """Of each label the number of that which its mirror image has; None without pairs.

    InputError where a pair names what is no label.
    """
    if not pairs:
        return None
    numbers = {label: number for number, label in enumerate(labels)}
    images = list(range(len(labels)))
    for one, other in pairs:
        for label in (one, other):
            if label not in numbers:
                known = ", ".join(told_apart(labels[:10])) + (", ..." if len(labels) > 10 else "")
                raise InputError(
                    f"augmentation.mirrored_labels: '{label}' is no label of this data set, which has {known}; name "
                    "labels as the list spells them"
                )
        images[numbers[one]], images[numbers[other]] = numbers[other], numbers[one]
    return images


def settings_for(labels: Sequence[str]) -> str:
    """The line of a configuration that suits labels that tell left from right.

    Where each has its mirror image, these are named; where one has none, no clip may be mirrored.
    """
    if unpaired(labels):
        return "augmentation: {horizontal_flip: 0}"
    pairs = json.dumps([list(pair) for pair in mirrored_pairs(labels)], ensure_ascii=False)
    return f"augmentation: {{mirrored_labels: {pairs}}}"


def _turned(label: str) -> str:
    return SIDE.sub(_other, label)


def _other(match: re.Match[str]) -> str:
    found = match[0]
    other = OTHER[found.lower()]
    return other.upper() if found.isupper() else other.capitalize() if found[0].isupper() else other
