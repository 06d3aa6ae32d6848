"""A long video -> what it shows from when to when.

A window as long as a clip of the model slides over the video, in one pass: each frame is decoded and transformed once,
and no more are held than a clip has. Answers are averaged over time, and equal ones that follow each other are a
segment.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kinema.inference.prediction import Scores
from kinema.inference.preprocessing import Squares
from kinema.inference.probabilities import highest
from kinema.inference.sampling import NEAR, Sampling, sampling_of
from kinema.inference.video import Video, too_few
from kinema.media.layout import Box
from kinema.media.probe import DEFAULT_FPS

if TYPE_CHECKING:
    from kinema.inference.model import Model

HOP_SECONDS = 1.0
SMOOTH_SECONDS = 2.0


@dataclass(frozen=True)
class Segment:
    """From `start` to `end`, in seconds, the video shows `label`; None: none of the classes, or the model is not sure.

    `confidence` is the mean probability of the class that comes first.
    """

    start: float
    end: float
    label: str | None
    confidence: float


@dataclass(frozen=True)
class Timeline:
    """The segments of a video, without gaps; `hop` is the time from one look to the next, in seconds."""

    segments: Sequence[Segment]
    hop: float
    sampling: Sampling


class Look(NamedTuple):
    """Logits (K,) of the clip around a time."""

    seconds: float
    logits: np.ndarray


def timeline(
    model: "Model",
    path: Path | str,
    *,
    hop: float = HOP_SECONDS,
    smooth: float = SMOOTH_SECONDS,
    threshold: float | None = None,
) -> Timeline:
    """What a video shows from when to when; `hop` and `smooth` are seconds, and `threshold` as for `Model.predict`.

    The hop is rounded to a multiple of the model's stride. MediaError where not two frames can be decoded.
    """
    about = model.description
    walk = _Walk(model, model.open(path), hop=hop)
    runs = Runs(about.labels, about.threshold if threshold is None else threshold)
    for seconds, scores in smoothed(walk.looks(), smooth, scores_of=model.scores):
        runs.add(seconds, scores)
    return Timeline(runs.segments(end=walk.seconds), walk.hop, walk.sampling)


def smoothed(
    looks: Iterable[Look], seconds: float, *, scores_of: Callable[[np.ndarray], Scores]
) -> Iterator[tuple[float, Scores]]:
    """The time of each look, with the scores of those together that are at most half as many seconds away.

    `scores_of` is `Model.scores`, which takes the logits of several clips.
    """
    near: deque[Look] = deque()
    waiting: deque[Look] = deque()
    for look in looks:
        while waiting and look.seconds > waiting[0].seconds + seconds / 2:
            yield _together(near, waiting.popleft(), seconds, scores_of)
        near.append(look)
        waiting.append(look)
    while waiting:
        yield _together(near, waiting.popleft(), seconds, scores_of)


def _together(
    near: deque[Look], look: Look, seconds: float, scores_of: Callable[[np.ndarray], Scores]
) -> tuple[float, Scores]:
    while near[0].seconds < look.seconds - seconds / 2:
        near.popleft()
    return look.seconds, scores_of(np.stack([one.logits for one in near]))


class Runs:
    """Looks that follow each other with the same answer; the border between two is in the middle of their times."""

    def __init__(self, labels: Sequence[str], threshold: float | None):
        self._labels, self._threshold = labels, threshold
        self._runs: list[tuple[float, str | None, list[float]]] = []  # start, label, sum and number of confidences
        self._last = 0.0

    def add(self, seconds: float, scores: Scores) -> None:
        """The next look."""
        (first,) = highest(scores.ranking, 1)
        confidence = float(scores.probabilities[first])
        is_sure = self._threshold is None or confidence >= self._threshold
        label = self._labels[first] if is_sure else None
        if not self._runs or self._runs[-1][1] != label:
            start = (self._last + seconds) / 2 if self._runs else 0.0
            self._runs.append((start, label, [0.0, 0]))
        total = self._runs[-1][2]
        total[0] += confidence
        total[1] += 1
        self._last = seconds

    def segments(self, *, end: float) -> list[Segment]:
        """Of a video that lasts until `end`, in seconds."""
        ends = [start for start, *_ in self._runs[1:]] + [end]
        return [
            Segment(start, stop, label, total / number)
            for (start, label, (total, number)), stop in zip(self._runs, ends, strict=True)
        ]


class _Walk:
    """One pass over a video. `seconds`, how long it lasts, is known when the looks are through."""

    def __init__(self, model: "Model", video: Video, *, hop: float):
        spec = model.description.spec
        self._model, self._video, self._spec = model, video, spec
        self.sampling = sampling_of(video.fps, model.description.frame_rates, clip_fps=spec.fps)
        self._fps = self.sampling.taken_at or video.fps or DEFAULT_FPS
        self._hop = max(1, round(hop * self._fps / spec.stride))  # in frames at the stride
        self.hop = self._hop * spec.stride / self._fps
        self.seconds = 0.0
        self._num_pictures = 0

    def looks(self) -> Iterator[Look]:
        """In the order of time. A video shorter than a clip is repeated, as in training; the end has a look as well."""
        scorer, length = self._model.scorer(), self._spec.num_frames
        times: deque[float] = deque(maxlen=length)
        first: list[np.ndarray] = []
        since = self._hop  # frames since the last look
        num_frames = 0
        for num_frames, (seconds, frame) in enumerate(self._frames(), start=1):
            scorer.push(frame)
            times.append(seconds)
            since += 1
            if num_frames < length:
                first.append(frame)
            elif num_frames == length or since == self._hop:
                first.clear()
                since = 0
                yield self._look(scorer.logits(), times)
        if self._num_pictures < 2:
            raise too_few(self._num_pictures)
        for number in range(num_frames, length):
            scorer.push(first[number % num_frames])
        if since:
            yield self._look(scorer.logits(), times)

    def _look(self, logits: np.ndarray, times: deque[float]) -> Look:
        end = times[-1] + self._spec.stride / self._fps
        return Look((times[0] + end) / 2, logits)

    def _frames(self) -> Iterator[tuple[float, np.ndarray]]:
        """Every stride-th frame at the pace of the model: its time, and uint8 (C, S, S)."""
        spec, squares = self._spec, Squares(self._spec.size)
        times: deque[float] = deque()

        def chosen() -> Iterator[Any]:
            for number, (seconds, picture) in enumerate(self._at_pace()):
                if number % spec.stride == 0:
                    times.append(seconds)
                    yield picture

        for frame in self._video.as_frames(chosen()):
            square = np.empty((1, spec.channels, spec.size, spec.size), np.uint8)
            squares.write(Single(frame), square)
            yield times.popleft(), square[0]

    def _at_pace(self) -> Iterator[tuple[float, Any]]:
        """Pictures and their times; where the pace is another than the video's, those nearest to its times."""
        before: tuple[float, Any] | None = None
        wanted, step = 0, 1 / self._fps
        for now, picture in self._video.pictures():
            self._num_pictures += 1
            if self.sampling.taken_at is None:
                yield now, picture
            elif before:
                # as `sampling.taken` has it: of a time in the middle the earlier
                while wanted * step <= (before[0] + now) / 2 + NEAR:
                    yield wanted * step, before[1]
                    wanted += 1
            step_here = now - before[0] if before else 1 / (self.sampling.fps or self._fps)
            before, self.seconds = (now, picture), now + step_here
        while self.sampling.taken_at is not None and before and wanted * step < self.seconds - step / 2 - NEAR:
            yield wanted * step, before[1]
            wanted += 1


@dataclass(frozen=True)
class Single:
    """One frame, as `kinema.inference.preprocessing.Frames`."""

    frame: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.frame.shape[0], self.frame.shape[1]

    def cut(self, box: Box) -> Iterator[np.ndarray]:
        """The box of the frame."""
        yield self.frame[box["top"] : box["top"] + box["height"], box["left"] : box["left"] + box["width"]]
