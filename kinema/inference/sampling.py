"""Frame times of a video -> its frames at the pace of a training.

A network knows a movement by how far it goes from one frame of a clip to the next. Training counts frames: every
`stride`-th of a video. So does a client, where the video has the frame rate of the training. At another rate, the same
count is another time, and frames are chosen by their time stamps: those that are shown at the times at which a video of
the training's rate would have its own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kinema.inference.frame_rates import FrameRates

TOLERANCE = 0.05  # of a rate: 23.976, 24 and 25 frames a second are no different pace
MOST_BACK = 0.25  # seconds; a time stamp that is further back begins another recording in the same file
MOST_AHEAD = 60.0  # seconds; as much ahead
NEAR = 1e-6  # seconds; times that differ by less are the same
# Containers round time stamps, many to a millisecond, QuickTime to 1/600 s: a frame that is off by less is no late one.
ROUNDED_SECONDS = 0.002


@dataclass(frozen=True)
class Sampling:
    """The pace of a video: `fps` its frames per second, None where that is not known.

    `taken_at`: the rate at which frames were taken, None: all of them were, and clips counted by number.
    """

    fps: float | None
    taken_at: float | None = None

    @property
    def in_words(self) -> str:
        """E.g. `60 frames a second, taken at 25 as in training`."""
        rate = "frame rate unknown" if self.fps is None else f"{self.fps:.4g} frames a second"
        return rate if self.taken_at is None else f"{rate}, taken at {self.taken_at:.4g} as in training"


class Clock:
    """Time stamps in seconds, in the order of the pictures -> seconds since the first, which never go back.

    Where a recording was joined to another, time goes on by a step as large as the one before.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._now = 0.0
        self._step = 0.0

    def at(self, stamp: float) -> float:
        """Seconds of the next picture."""
        if self._last is not None:
            step = stamp - self._last
            if not -MOST_BACK <= step <= MOST_AHEAD:
                step = self._step
            self._step = max(0.0, step)
            self._now += self._step
        self._last = stamp
        return self._now


def sampling_of(fps: float | None, rates: FrameRates | None, *, clip_fps: float | None = None) -> Sampling:
    """How a video of a frame rate is taken by a model of these; None is unknown.

    It is the rate that the file says, as those of the training are. One between the lowest and the highest of the
    training is taken by number, as the training took such videos; by a model that was trained in time, at `clip_fps`,
    so is every one whose rate is known.
    """
    if fps is not None and clip_fps is not None:
        return Sampling(fps, clip_fps)
    if fps is None or rates is None or rates.low * (1 - TOLERANCE) <= fps <= rates.high * (1 + TOLERANCE):
        return Sampling(fps)
    return Sampling(fps, rates.median)


def taken(times: np.ndarray, fps: float) -> np.ndarray:
    """Numbers of the frames that are nearest to the times 0, 1/fps, 2/fps ... as long as the video lasts: (M,).

    `times` (N,) ascend from 0, in seconds. The last frame lasts as long as frames do in the median. Of two that are as
    near, it is the earlier one.
    """
    wanted = np.arange(num_taken(lasting(times), fps)) / fps
    middles = (times[1:] + times[:-1]) / 2 + NEAR  # up to which a frame is the nearest
    return np.searchsorted(middles, wanted)


def is_even(times: np.ndarray, fps: float) -> bool:
    """Whether frames that are shown at these times, in seconds from 0 on, follow each other at a constant rate."""
    return bool((np.abs(times - np.arange(len(times)) / fps) <= ROUNDED_SECONDS).all())


def lasting(times: np.ndarray) -> float:
    """Seconds until the last of two or more frames has been shown as long as frames are in the median."""
    return float(times[-1] + np.median(np.diff(times)))


def taken_evenly(numbers: np.ndarray, *, num_frames: int, rate: float, fps: float) -> np.ndarray:
    """The same of some of these times, by their numbers, in a video of so many frames at a constant rate."""
    nearest = np.ceil(numbers * (rate / fps) - 0.5 - NEAR * rate).astype(np.int64)
    return np.clip(nearest, 0, num_frames - 1)


def num_taken(seconds: Any, fps: float) -> Any:
    """How many frames are taken of a video that lasts so long, 1 at least; of an array, of each."""
    number = np.nan_to_num(np.ceil(np.asarray(seconds) * fps - 0.5 - NEAR))
    return np.maximum(1, number).astype(np.int64)
