"""A video -> the clips of it that a network is asked about."""

import numpy as np

from kinema.inference.preprocessing import Squares
from kinema.inference.spec import InputSpec
from kinema.inference.video import Chosen, Video
from kinema.inference.windows import clip_frames, evaluation_starts


def read_clips(video: Video, spec: InputSpec, *, num_clips: int) -> np.ndarray:
    """Evenly spaced clips, uint8 (N, T, C, S, S); 1 is the centred one, of short videos there are fewer.

    Each frame is decoded and transformed once, whatever the clips share. ValueError where the network takes flow.
    """
    if spec.modality != "rgb":
        raise ValueError(f"the model takes {spec.modality}, which is not computed here; choose a model for RGB")
    if num_clips < 1:
        raise ValueError(f"{num_clips} clips of a video asked for, expected 1 or more")
    starts = evaluation_starts(video.num_frames, window=spec.num_frames * spec.stride, num_clips=num_clips)
    windows = {"num_frames": video.num_frames, "length": spec.num_frames, "stride": spec.stride}
    numbers = np.stack([clip_frames(start, **windows) for start in starts])
    distinct, position = np.unique(numbers, return_inverse=True)
    frames = np.empty((len(distinct), spec.channels, spec.size, spec.size), np.uint8)
    Squares(spec.size).write(Chosen(video, distinct.tolist()), frames)
    return frames[position.reshape(numbers.shape)]
