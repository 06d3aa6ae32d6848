"""A video file -> seconds of each step on the way to its answer, as `kinema predict` goes it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinema.inference.benchmark.rounds import MIN_ROUNDS, quantiles
from kinema.inference.clips import read_clips
from kinema.inference.filters import Pictures
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.model import NUM_CLIPS, Model
from kinema.inference.video import DEFAULT, Video
from kinema.media.probe import MediaError
from kinema.records.benchmark import WholeWay


class WatchedVideo(Video):
    """A video that counts the seconds that its decoder takes, also where it is decoded twice."""

    def __init__(self, path: Path, *, frames: FrameSpec = DEFAULT):
        self.decoding = 0.0
        super().__init__(path, frames=frames)

    def _decoded(self) -> Pictures:
        pictures = super()._decoded()
        while True:
            started_at = time.perf_counter()
            picture = next(pictures, None)
            self.decoding += time.perf_counter() - started_at
            if picture is None:
                return
            yield picture


@dataclass(frozen=True)
class Entrant:
    """A file that videos are given to; names as in `WholeWay`."""

    file: str
    precision: str
    model: Model


def measured_videos(entrants: list[Entrant], path: Path, *, seconds: float) -> list[WholeWay]:
    """The steps of each entrant in turns; ValueError, naming the video, where it cannot be decoded."""
    steps: list[list[list[float]]] = [[] for _ in entrants]
    num_clips = [0] * len(entrants)
    until = None
    while until is None or len(steps[0]) < MIN_ROUNDS or time.perf_counter() < until:
        for number, entrant in enumerate(entrants):
            found, num_clips[number] = _steps(entrant.model, path)
            if until is not None:  # in the first round all is warmed up
                steps[number].append(found)
        until = until or time.perf_counter() + seconds
    return [
        _whole_way(entrant, np.array(found), count)
        for entrant, found, count in zip(entrants, steps, num_clips, strict=True)
    ]


def _steps(model: Model, path: Path) -> tuple[list[float], int]:
    """Seconds of decoding, preprocessing and the network, and the number of clips."""
    about = model.description
    options: dict[str, Any] = {"rates": about.frame_rates, "flow_bound": about.flow_bound}
    started_at = time.perf_counter()
    try:
        video = WatchedVideo(path, frames=about.frames or FrameSpec())
        opened = time.perf_counter() - started_at
        clips = read_clips(video, about.spec, num_clips=about.num_clips or NUM_CLIPS, **options)
    except MediaError as error:
        raise ValueError(f"{path}: {error}; expected a video file") from None
    read = time.perf_counter() - started_at
    for number in range(len(clips.pixels)):
        model.network(clips.pixels[number : number + 1])
    decoding = opened + video.decoding
    return [decoding, read - decoding, time.perf_counter() - started_at - read], len(clips.pixels)


def _whole_way(entrant: Entrant, steps: np.ndarray, num_clips: int) -> WholeWay:
    decode, preprocess, network = (quantiles(column) for column in steps.T)
    return WholeWay(
        file=entrant.file,
        precision=entrant.precision,
        num_clips=num_clips,
        decode=decode,
        preprocess=preprocess,
        network=network,
        total=quantiles(steps.sum(axis=1)),
    )
