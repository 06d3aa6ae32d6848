"""Which frames make up a clip: pure index arithmetic, frames counted from 0, ranges half-open.

A clip looks at a window of `length * stride` frames, takes every `stride`-th of them, and repeats itself where the
video ends too early. Every clip therefore has exactly `length` frames.
"""

import numpy as np
import pandas as pd

from kinema.config import Clip

RANDOM_START = -1


def evaluation_starts(num_frames: int, *, window: int, num_clips: int) -> list[int]:
    """First frames of the evenly spaced clips of a video.

    `num_clips` <= 0 gives every start, 1 the centred clip. A video too short for `num_clips` distinct windows gives
    starts one frame apart, so fewer clips than asked for where it has fewer frames.
    """
    slack = max(0, num_frames - window)
    if num_clips <= 0:
        return list(range(slack + 1))
    if num_clips == 1:
        return [slack // 2]
    step = max(1, slack // (num_clips - 1))
    return [start for start in range(0, step * num_clips, step) if start < num_frames]


def random_start(num_frames: int, *, window: int, rng: np.random.Generator) -> int:
    """First frame of a training clip, uniform over all starts whose window fits, the last one included."""
    return int(rng.integers(0, max(0, num_frames - window) + 1))


def clip_frames(start: int, *, num_frames: int, clip: Clip) -> np.ndarray:
    """Frame numbers of the clip that starts at `start`, shape (clip.length,); short clips loop."""
    stop = min(start + clip.length * clip.stride, num_frames)
    frames = np.arange(start, stop, clip.stride)
    return np.resize(frames, clip.length)


def num_evaluation_clips(subset: str, clip: Clip) -> int:
    """Clips asked for per video of a subset; training videos are watched like validation ones."""
    return clip.num_test_clips if subset == "testing" else clip.num_val_clips


def enumerate_clips(videos: pd.DataFrame, clip: Clip) -> pd.DataFrame:
    """One row a training video and one a clip of any other; the columns clip and start are added to `videos`."""
    window = clip.length * clip.stride
    starts = [
        [RANDOM_START]
        if subset == "training"
        else evaluation_starts(frames, window=window, num_clips=num_evaluation_clips(subset, clip))
        for subset, frames in zip(videos["subset"], videos["num_frames"], strict=True)
    ]
    clips = videos.assign(start=pd.Series(starts, index=videos.index, dtype=object)).explode("start", ignore_index=True)
    clips["start"] = clips["start"].astype("int32")
    clips["clip"] = clips.groupby("video", sort=False).cumcount().astype("int32")
    return clips
