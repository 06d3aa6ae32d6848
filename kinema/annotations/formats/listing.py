"""What the files of a list say: videos and parts of them with labels, what is left out, and what is wrong.

Readers of lists of other tools fill a `Listing`; `as_dialect` makes the one dialect of it. Nothing is lost: what a
reader does not take is counted with its reason, what it cannot read is named with its place.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from kinema.annotations.rows import SHOWN

EXAMPLES = 3  # of what is left out


class Item(NamedTuple):
    """A video, or [start, end) of it in seconds or in frames from 0, as a list has it; None is what it does not say.

    `video` is a name or a path, with or without the extension of a video; `place` is where it stands in the file.
    """

    video: str
    label: str | None
    place: str
    start: float | None = None
    end: float | None = None
    unit: str = "seconds"
    subset: str | None = None
    group: str | None = None


class Listing:
    """Items of the files that are read one after the other, in their order."""

    def __init__(self, *, has_many_labels: bool = False) -> None:
        """`has_many_labels`: in this format a part may have several labels, which is no mistake of the list."""
        self.items: list[Item] = []
        self.has_many_labels = has_many_labels
        self.file = Path()  # the one that is being read
        self.subset: str | None = None  # of what says none in it
        self.labels: list[str] = []  # in the order of their numbers, as far as the list tells it
        self.has_unused_labels = False  # those count as classes, since their numbers do
        self._left: dict[str, list[str]] = {}
        self._problems: list[str] = []

    def begin(self, file: Path, subset: str | None) -> None:
        """From here on a file is read; `subset` is that of its items, where they do not say another."""
        self.file, self.subset = file, subset

    def add(self, video: str, label: str | None, place: str, **more) -> None:
        """An item of the file that is being read; a label is stripped, an empty one is none."""
        more["subset"] = more.get("subset") or self.subset
        self.items.append(Item(video, (label or "").strip() or None, f"{self.file} {place}", **more))

    def know(self, labels: list[str], *, unused_too: bool = False) -> None:
        """These labels are numbered so; where several files say it, the first does, and others add what is new."""
        self.labels = list(dict.fromkeys([*self.labels, *labels]))
        self.has_unused_labels |= unused_too

    def leave_out(self, reason: str, example: str) -> None:
        """Something is not taken; the reason reads behind a number."""
        self._left.setdefault(reason, []).append(example)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """A ValueError in here, which names a place, is a problem of the file, told with the others."""
        try:
            yield
        except ValueError as error:
            text, file = str(error), str(self.file)
            self._problems.append(text if text.startswith(file) else f"{file} {text}")

    def notes(self) -> list[str]:
        """A line for each reason for which something was left out."""
        return [f"{len(found)} {reason}, such as {', '.join(found[:EXAMPLES])}" for reason, found in self._left.items()]

    def check(self) -> None:
        """ValueError with the first ten problems; nothing where there are none."""
        raise_first(self._problems)


def raise_first(problems: list[str]) -> None:
    """ValueError with the first ten lines, and how many more there are."""
    if problems:
        more = [f"... and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
        raise ValueError("\n".join([*problems[:SHOWN], *more]))


def chosen(found: list[str], wanted: str | None, *, what: str) -> str | None:
    """The one of several kinds of labels that a list has: `field`, else the only one, None where there is none.

    `what` they are called there, in the plural: tiers, attributes. ValueError where nothing says which is meant.
    """
    names = list(dict.fromkeys(found))
    if wanted is not None:
        return wanted if wanted in names else None
    if len(names) > 1:
        raise ValueError(f"has several {what} with labels ({', '.join(names)}); say which by `field: {names[0]}`")
    return names[0] if names else None
