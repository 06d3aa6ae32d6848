"""Which frames make up a clip: pure index arithmetic, frames counted from 0, ranges half-open.

A clip looks at a window of `length * stride` frames, takes every `stride`-th of them, and repeats itself where the
video ends too early. Every clip therefore has exactly `length` frames.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinema.config import Clip

RANDOM_START = -1


def evaluation_starts(num_frames: int, *, window: int, num_clips: int) -> list[int]:
    """First frames of the evenly spaced clips of a video.

    `num_clips` <= 0 gives every start, 1 the centred clip. A video too short for `num_clips` distinct windows gives
    starts one frame apart, so fewer clips than asked for where it has fewer frames.
    """
    first, step, count = _spacing(np.array([num_frames]), window=window, num_clips=np.array([num_clips]))
    return (first[0] + step[0] * np.arange(count[0])).tolist()


def random_start(num_frames: int, *, window: int, rng: np.random.Generator) -> int:
    """First frame of a training clip, uniform over all starts whose window fits, the last one included."""
    return int(rng.integers(0, max(0, num_frames - window) + 1))


def clip_frames(start: int, *, num_frames: int, clip: Clip) -> np.ndarray:
    """Frame numbers of the clip that starts at `start`, shape (clip.length,); short clips loop."""
    stop = min(start + clip.length * clip.stride, num_frames)
    frames = np.arange(start, stop, clip.stride)
    return np.resize(frames, clip.length)


def num_clips_asked(subset: str, clip: Clip) -> int:
    """Clips asked for per video of a subset."""
    return {"training": clip.num_train_clips, "testing": clip.num_test_clips}.get(subset, clip.num_val_clips)


def enumerate_clips(videos: pa.Table, clip: Clip) -> pa.Table:
    """One row a clip, in the order of `videos`, with the columns clip and start; training clips start at random.

    `videos` has the columns subset and num_frames; the others are repeated as they are.
    """
    subsets = videos["subset"].unique().to_pylist()
    numbers = pa.array([num_clips_asked(subset, clip) for subset in subsets], pa.int64())
    num_clips = numbers.take(pc.index_in(videos["subset"], pa.array(subsets, pa.string())).combine_chunks())
    first, step, count = _spacing(
        videos["num_frames"].to_numpy(), window=clip.length * clip.stride, num_clips=num_clips.to_numpy()
    )
    training = pc.equal(videos["subset"], "training").to_numpy()
    count = np.where(training, clip.num_train_clips, count)
    first, step = np.where(training, RANDOM_START, first), np.where(training, 0, step)
    video = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(video)) - np.repeat(np.cumsum(count) - count, count)
    clips = videos.take(pa.array(video))
    clips = clips.append_column("clip", pa.array(number, pa.int32()))
    return clips.append_column("start", pa.array(first[video] + number * step[video], pa.int32()))


def _spacing(
    num_frames: np.ndarray, *, window: int, num_clips: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First start, distance of the starts and their number, for each video: (V,) each."""
    slack = np.maximum(0, num_frames - window)
    step = np.where(num_clips > 1, np.maximum(1, slack // np.maximum(1, num_clips - 1)), 1)
    count = np.where(num_clips > 0, np.minimum(num_clips, -(-num_frames // step)), slack + 1)
    return np.where(num_clips == 1, slack // 2, 0), step, count
