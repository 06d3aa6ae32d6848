"""Single frames that have labels -> parts of videos: a run of neighbouring frames with one label is one part.

A frame is of a video, with its number from 0, or a numbered picture in a folder, which is a video of its own
(docs/adding-a-dataset.md#folders-of-pictures).
"""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from kinema.annotations.formats.listing import Listing

NUMBER = re.compile(r"(\d+)$")


@dataclass
class _Video:
    is_folder: bool
    subset: str | None
    place: str
    step: int = 1
    numbers: set[int] = field(default_factory=set)
    labelled: dict[str, set[int]] = field(default_factory=dict)


class TaggedFrames:
    """Frames that are told one by one; `finish` adds what they come to."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._videos: dict[str, _Video] = {}

    def frame(
        self, video: str, number: int, labels: Iterable[str], *, place: str, subset: str | None = None, step: int = 1
    ) -> None:
        """Frame `number` of a video; each `step`-th frame is told."""
        self._note(video, number, labels, _Video(False, subset, place, step))

    def picture(self, path: str, labels: Iterable[str], *, place: str, subset: str | None = None) -> None:
        """A picture whose name ends in its number, in the folder of its video; ValueError where it is none."""
        folder, name = posixpath.split(path.replace("\\", "/"))
        found = NUMBER.search(posixpath.splitext(name)[0] if "." in name else name)
        if not folder or not found:
            raise ValueError(f"{place}: '{path}' is no numbered picture in the folder of its video, nor a video")
        self._note(folder, int(found[1]), labels, _Video(True, subset, place))

    def _note(self, name: str, number: int, labels: Iterable[str], new: _Video) -> None:
        video = self._videos.setdefault(name, new)
        video.numbers.add(number)
        for label in labels:
            video.labelled.setdefault(label, set()).add(number)

    def finish(self) -> None:
        """Add the parts: of a folder, where every picture has the label, the whole."""
        for name, video in self._videos.items():
            if not video.labelled:
                self._listing.add(name, None, video.place, subset=video.subset)
            for label, numbers in video.labelled.items():
                if video.is_folder and numbers == video.numbers:
                    self._listing.add(name, label, video.place, subset=video.subset)
                    continue
                for start, end in _runs(video, numbers):
                    self._listing.add(
                        name, label, video.place, start=start, end=end, unit="frames", subset=video.subset
                    )


def _runs(video: _Video, numbers: set[int]) -> list[tuple[int, int]]:
    """[start, end) in frames from 0."""
    step = video.step
    if video.is_folder:
        first, step = min(video.numbers), _step(sorted(video.numbers))
        numbers, step = {round((number - first) / step) for number in numbers}, 1
    ordered = sorted(numbers)
    breaks = [position for position, (before, after) in enumerate(pairwise(ordered), 1) if after - before > step]
    bounds = pairwise([0, *breaks, len(ordered)])
    return [(ordered[start], ordered[end - 1] + step) for start, end in bounds]


def _step(numbers: list[int]) -> int:
    """The most frequent step of neighbours, as the pictures are counted where they are decoded."""
    steps = Counter(after - before for before, after in pairwise(numbers))
    return min(steps, key=lambda step: (-steps[step], step), default=1)
