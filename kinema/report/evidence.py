"""What a network said of each frame of a video -> lines over time, a class each, as small SVG.

The probability of a class at a frame is exp(logit - log_total), of the struct `evidence` of predictions.parquet
(kinema.evaluation.schema.EVIDENCE): what the network would say if it saw that frame's part of the mean alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

WIDTH, HEIGHT = 200.0, 40.0
MOST_POINTS = 100  # of a line; of more frames, the means of so many stretches of them
TOPS = (0.25, 0.5, 1.0)  # what the height may stand for: the least that holds all lines


@dataclass(frozen=True)
class Line:
    """Probability of a class over time as points of a polyline; `kind` is `answer`, `truth` or `other`."""

    label: str
    kind: str
    points: str


@dataclass(frozen=True)
class Evidence:
    """The lines of a video, those of other classes first, drawn below.

    The height stands for the probability `top`; `begin` and `end` are in seconds.
    """

    lines: list[Line]
    top: float
    begin: float
    end: float
    told: str


def evidence_lines(evidence: Mapping[str, Any] | None, *, predicted: str, label: str) -> Evidence | None:
    """None where there is none, or of one frame alone."""
    if evidence is None or len(evidence["frames"]) < 2:
        return None
    seconds, totals = np.array(evidence["seconds"]), np.array(evidence["log_totals"])
    probabilities = np.exp(np.array(evidence["logits"]) - totals)  # (classes, frames)
    begin, end = float(seconds[0]), float(seconds[-1])
    across = _thinned(WIDTH * (seconds - begin) / ((end - begin) or 1))
    drawn = _thinned(probabilities)
    top = next((top for top in TOPS if drawn.max() <= top), TOPS[-1])
    kinds = {label: "truth"} | {predicted: "answer"}
    lines, told = [], []
    for name, probability, heights in zip(evidence["labels"], probabilities, drawn, strict=True):
        places = zip(across, HEIGHT * (1 - heights / top), strict=True)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        lines.append(Line(name, kinds.get(name, "other"), points))
        if name in kinds:
            highest = int(probability.argmax())
            told.append(f"{name} is highest at {seconds[highest]:.1f} s, {probability[highest]:.2f}")
    order = ("other", "truth", "answer")
    lines.sort(key=lambda line: order.index(line.kind))
    return Evidence(lines, top, begin, end, "; ".join(told))


def _thinned(values: np.ndarray) -> np.ndarray:
    """Values (..., N) as means of at most MOST_POINTS stretches, the first and the last of which stay as they are."""
    number = values.shape[-1]
    if number <= MOST_POINTS:
        return values
    starts = np.r_[0, np.linspace(1, number - 1, MOST_POINTS - 1).round().astype(int)]
    return np.add.reduceat(values, starts, axis=-1) / np.diff(np.r_[starts, number])
