"""The clips of a data set, and where random ones start; `kinema.inference.windows` has the arithmetic of one video."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kinema.experiment.data_sections import Clip
from kinema.inference.sampling import num_taken
from kinema.inference.windows import spacing

RANDOM_START = -1


def frames_at_pace(num_frames: np.ndarray, rates: np.ndarray, seconds: np.ndarray, fps: float) -> np.ndarray:
    """How many frames clips count of each video, (V,), where they look at all of them at `fps`.

    `rates` (V,) are frames per second; a video whose rate is not known (NaN) is taken as it is. `seconds` (V,) is how
    long videos last whose frames do not follow each other at that rate, else NaN.
    """
    lasting = np.where(np.isnan(seconds), num_frames / rates, seconds)
    return np.where(np.isnan(lasting), num_frames, num_taken(lasting, fps))


def random_start(num_frames: int, *, window: int, rng: np.random.Generator) -> int:
    """First frame of a training clip, uniform over all starts whose window fits, the last one included."""
    return int(rng.integers(0, max(0, num_frames - window) + 1))


def num_clips_asked(subset: str, clip: Clip, *, is_spaced: bool = False) -> int:
    """Clips asked for per video of a subset; of a training video that is looked at as a validation video, as many."""
    if subset == "training" and not is_spaced:
        return clip.num_train_clips
    return clip.num_test_clips if subset == "testing" else clip.num_val_clips


def enumerate_clips(videos: pa.Table, clip: Clip, *, is_spaced: bool = False) -> pa.Table:
    """One row a clip, in the order of `videos`, with the columns clip and start; training clips start at random.

    With `is_spaced` they are evenly spaced, as those of the other subsets are. `videos` has the columns subset and
    num_frames, with `clip.fps` also fps and seconds; the others are repeated as they are. Starts count frames at the
    pace of the clips.
    """
    subsets = videos["subset"].unique().to_pylist()
    numbers = pa.array([num_clips_asked(subset, clip, is_spaced=is_spaced) for subset in subsets], pa.int64())
    num_clips = numbers.take(pc.index_in(videos["subset"], pa.array(subsets, pa.string())).combine_chunks())
    num_frames = videos["num_frames"].to_numpy()
    if clip.fps is not None:
        num_frames = frames_at_pace(num_frames, videos["fps"].to_numpy(), videos["seconds"].to_numpy(), clip.fps)
    first, step, count = spacing(num_frames, window=clip.length * clip.stride, num_clips=num_clips.to_numpy())
    is_random = pc.equal(videos["subset"], "training").to_numpy() & (not is_spaced)
    count = np.where(is_random, clip.num_train_clips, count)
    first, step = np.where(is_random, RANDOM_START, first), np.where(is_random, 0, step)
    video = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(video)) - np.repeat(np.cumsum(count) - count, count)
    clips = videos.take(pa.array(video))
    clips = clips.append_column("clip", pa.array(number, pa.int32()))
    return clips.append_column("start", pa.array(first[video] + number * step[video], pa.int32()))
