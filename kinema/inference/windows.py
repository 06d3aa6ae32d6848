"""Which frames make up a clip: pure index arithmetic, frames counted from 0, ranges half-open.

A clip looks at a window of `length * stride` frames, takes every `stride`-th of them, and repeats itself where the
video ends too early. Every clip therefore has exactly `length` frames.
"""

import numpy as np


def evaluation_starts(num_frames: int, *, window: int, num_clips: int) -> list[int]:
    """First frames of the evenly spaced clips of a video.

    `num_clips` <= 0 gives every start, 1 the centred clip. A video too short for `num_clips` distinct windows gives
    starts one frame apart, so fewer clips than asked for where it has fewer frames.
    """
    first, step, count = spacing(np.array([num_frames]), window=window, num_clips=np.array([num_clips]))
    return (first[0] + step[0] * np.arange(count[0])).tolist()


def clip_frames(start: int, *, num_frames: int, length: int, stride: int) -> np.ndarray:
    """Frame numbers of the clip that starts at `start`, shape (length,); short clips loop."""
    stop = min(start + length * stride, num_frames)
    frames = np.arange(start, stop, stride)
    return np.resize(frames, length)


def spacing(num_frames: np.ndarray, *, window: int, num_clips: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First start, distance of the starts and their number, for each video: (V,) each."""
    slack = np.maximum(0, num_frames - window)
    step = np.where(num_clips > 1, np.maximum(1, slack // np.maximum(1, num_clips - 1)), 1)
    count = np.where(num_clips > 0, np.minimum(num_clips, -(-num_frames // step)), slack + 1)
    return np.where(num_clips == 1, slack // 2, 0), step, count
