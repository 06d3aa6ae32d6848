"""What a model says -> a panel in the corner of a frame: the answer, and the most probable classes with bars."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kinema.inference.live_demo.text import drawable, fitted, put, width
from kinema.inference.prediction import Scored
from kinema.inference.rows import NONE

OF_SHORT_SIDE = 0.034  # the height of text
SMALLEST, LINE, HEADLINE = 11, 1.5, 1.5  # pixels; height of a line and of the headline, in heights of text
WIDEST = 0.62  # of the frame, unless that is narrow
DIM = 0.28  # what is left of the picture behind the panel

WHITE, GREY, GROUND = (255, 255, 255), (170, 170, 170), (70, 66, 62)
ANSWER, FIRST, OTHERS, MARK = (130, 225, 140), (60, 135, 45), (120, 92, 58), (90, 200, 255)


@dataclass(frozen=True)
class Sizes:
    """Of a panel, in pixels."""

    text: int
    pad: int
    width: int

    @property
    def line(self) -> int:
        """From one row to the next."""
        return round(self.text * LINE)

    @property
    def headline(self) -> int:
        """The height of its text."""
        return round(self.text * HEADLINE)

    @property
    def headline_row(self) -> int:
        """From its top to the first bar."""
        return round(self.headline * LINE)

    def height(self, num_rows: int) -> int:
        """Of the whole panel."""
        return 2 * self.pad + self.headline_row + num_rows * self.line


class Panel:
    """Draws into frames of one model; its width depends on the names of all classes, so that it stands still."""

    def __init__(self, labels: Sequence[str], *, top: int, threshold: float | None):
        self._names = {label: drawable(label) for label in labels}
        self._top, self._threshold = min(top, len(labels)), threshold
        self._sizes: dict[tuple[int, int], Sizes] = {}

    def draw(self, frame: np.ndarray, seen: Scored | None, *, waiting: str = "") -> None:
        """Into a frame, uint8 (H, W, 3), BGR; without an answer yet the text `waiting`."""
        sizes = self._sizes_for(*frame.shape[:2])
        margin = sizes.pad
        height = sizes.height(self._top if seen else 0)
        box = frame[margin : margin + height, margin : margin + sizes.width]
        box[:] = cv2.convertScaleAbs(box, alpha=DIM)
        inner = box[sizes.pad :, sizes.pad : -sizes.pad]
        if seen is None:
            base = round(sizes.headline * 0.95)
            shown = fitted(waiting, size=sizes.text, most=inner.shape[1])
            put(inner, shown, (0, base), size=sizes.text, colour=GREY)
            return
        answer = seen.answer
        _headline(inner, NONE if answer is None else self._names[answer], sizes, GREY if answer is None else ANSWER)
        for rank, (label, probability) in enumerate(seen.top(self._top)):
            first = sizes.headline_row + rank * sizes.line
            row = inner[first : first + sizes.line - max(1, sizes.text // 8)]
            is_answer = rank == 0 and answer is not None
            self._bar(row, self._names[label], probability, sizes, colour=FIRST if is_answer else OTHERS)

    def _bar(
        self, row: np.ndarray, name: str, probability: float, sizes: Sizes, *, colour: tuple[int, int, int]
    ) -> None:
        row[:] = GROUND
        row[:, : round(probability * row.shape[1])] = colour
        if self._threshold and self._threshold < 1:
            at = round(self._threshold * row.shape[1])
            row[:, at : at + max(1, sizes.text // 12)] = MARK
        gap, base = sizes.text // 3, round(row.shape[0] * 0.74)
        percent = f"{100 * probability:.0f} %"
        right = row.shape[1] - gap - width(percent, size=sizes.text)
        name = fitted(name, size=sizes.text, most=right - 2 * gap)
        put(row, name, (gap, base), size=sizes.text, colour=WHITE)
        put(row, percent, (right, base), size=sizes.text, colour=WHITE)

    def _sizes_for(self, height: int, wide: int) -> Sizes:
        if (height, wide) not in self._sizes:
            self._sizes[height, wide] = self._computed(height, wide)
        return self._sizes[height, wide]

    def _computed(self, height: int, wide: int) -> Sizes:
        text = max(SMALLEST, round(min(height, wide) * OF_SHORT_SIDE))
        # of a frame that is too low for it, the text is smaller
        while text > 5 and Sizes(text, text // 2, 0).height(self._top) + text > height:
            text -= 1
        pad = text // 2
        in_rows = max(width(name, size=text) for name in self._names.values()) + width("100 %", size=text) + 2 * text
        in_headline = max(width(name, size=round(text * HEADLINE), bold=True) for name in self._names.values())
        needed = max(in_rows, in_headline, 10 * text) + 2 * pad
        most = max(round(wide * WIDEST), min(wide - 2 * pad, 24 * text))
        return Sizes(text, pad, max(1, min(needed, most, wide - 2 * pad)))


def _headline(inner: np.ndarray, text: str, sizes: Sizes, colour: tuple[int, int, int]) -> None:
    shown = fitted(text, size=sizes.headline, bold=True, most=inner.shape[1])
    put(inner, shown, (0, round(sizes.headline * 0.95)), size=sizes.headline, colour=colour, bold=True)
