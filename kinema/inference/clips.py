"""A video -> the clips of it that a network is asked about."""

from dataclasses import dataclass

import numpy as np

from kinema.inference.frame_rates import FrameRates
from kinema.inference.preprocessing import Squares
from kinema.inference.sampling import Sampling, sampling_of, taken
from kinema.inference.spec import InputSpec
from kinema.inference.video import Chosen, Video, too_few
from kinema.inference.windows import clip_frames, evaluation_starts


@dataclass(frozen=True)
class Clips:
    """Clips of a video, uint8 (N, T, C, S, S); `seconds` (N, 2) is when each begins and ends."""

    pixels: np.ndarray
    seconds: np.ndarray
    sampling: Sampling


def check_modality(spec: InputSpec) -> None:
    """ValueError where the network takes flow."""
    if spec.modality != "rgb":
        raise ValueError(
            f"the model takes {spec.modality}, and the optical flow of a video is not computed here; choose a model "
            "for RGB"
        )


def read_clips(video: Video, spec: InputSpec, *, num_clips: int, rates: FrameRates | None = None) -> Clips:
    """Evenly spaced clips; 1 is the centred one, of short videos there are fewer.

    Each frame is decoded and transformed once, whatever the clips share. `rates` are those of the training: a video of
    another rate is taken by time, `kinema.inference.sampling`, and so is every video by a model that was trained in
    time. ValueError where the network takes flow, MediaError of a video of one frame.
    """
    check_modality(spec)
    if num_clips < 1:
        raise ValueError(f"{num_clips} clips of a video asked for, expected 1 or more")
    if video.num_frames < 2:
        raise too_few(video.num_frames)
    sampling = sampling_of(video.fps, rates, clip_fps=spec.fps)
    at_pace = np.arange(video.num_frames) if sampling.taken_at is None else taken(video.times, sampling.taken_at)
    starts = evaluation_starts(len(at_pace), window=spec.num_frames * spec.stride, num_clips=num_clips)
    windows = {"num_frames": len(at_pace), "length": spec.num_frames, "stride": spec.stride}
    numbers = at_pace[np.stack([clip_frames(start, **windows) for start in starts])]
    distinct, position = np.unique(numbers, return_inverse=True)
    frames = np.empty((len(distinct), spec.channels, spec.size, spec.size), np.uint8)
    Squares(spec.size).write(Chosen(video, distinct.tolist()), frames)
    ends = np.minimum(np.add(starts, spec.num_frames * spec.stride), len(at_pace))
    # the end of a clip is when its last frame makes way for the next
    borders = np.append(video.times, video.seconds)
    seconds = np.stack([borders[at_pace[starts]], borders[at_pace[ends - 1] + 1]], axis=1)
    return Clips(frames[position.reshape(numbers.shape)], seconds, sampling)
