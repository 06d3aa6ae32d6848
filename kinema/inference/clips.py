"""A video -> the clips of it that a network is asked about."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kinema.inference.flow import flow_at_pace
from kinema.inference.frame_rates import FrameRates
from kinema.inference.preprocessing import Frames, Squares
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
    """ValueError where the network takes flow, of which none is computed while frames come one by one."""
    if spec.modality != "rgb":
        raise ValueError(
            f"the model takes {spec.modality}, and optical flow is computed for whole videos alone (`kinema predict` "
            "without --timeline); choose a model for RGB"
        )


def read_clips(
    video: Video,
    spec: InputSpec,
    *,
    num_clips: int,
    rates: FrameRates | None = None,
    flow_bound: float | None = None,
) -> Clips:
    """Evenly spaced clips; 1 is the centred one, of short videos there are fewer.

    Each frame is decoded and transformed once, whatever the clips share. `rates` are those of the training: a video of
    another rate is taken by time, `kinema.inference.sampling`, and so is every video by a model that was trained in
    time. `flow_bound` is that of the training, where the network takes flow; ValueError where it does and there is
    none, MediaError of a video of one frame.
    """
    if spec.modality != "rgb" and flow_bound is None:
        raise ValueError("the model takes optical flow and does not say how it was made; export it again")
    if num_clips < 1:
        raise ValueError(f"{num_clips} clips of a video asked for, expected 1 or more")
    if video.num_frames < 2:
        raise too_few(video.num_frames)
    sampling = sampling_of(video.fps, rates, clip_fps=spec.fps)
    at_pace = np.arange(video.num_frames) if sampling.taken_at is None else taken(video.times, sampling.taken_at)
    flow = None
    if spec.modality != "rgb" and flow_bound is not None:
        flow = flow_at_pace(video, sampling, spec, bound=flow_bound)
        at_pace = flow.numbers
    starts = evaluation_starts(len(at_pace), window=spec.num_frames * spec.stride, num_clips=num_clips)
    windows = {"num_frames": len(at_pace), "length": spec.num_frames, "stride": spec.stride}
    places = np.stack([clip_frames(start, **windows) for start in starts])
    parts = []
    if spec.modality != "flow":
        parts.append(_read(lambda numbers: Chosen(video, numbers), at_pace[places], 3, spec.size))
    if flow is not None:
        parts.append(_read(flow.take, places, 2, spec.size))
    ends = np.minimum(np.add(starts, spec.num_frames * spec.stride), len(at_pace))
    # the end of a clip is when its last frame makes way for the next
    borders = np.append(video.times, video.seconds)
    seconds = np.stack([borders[at_pace[starts]], borders[at_pace[ends - 1] + 1]], axis=1)
    return Clips(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2), seconds, sampling)


def _read(frames_of: Callable[[list[int]], Frames], numbers: np.ndarray, channels: int, size: int) -> np.ndarray:
    """The frames of these numbers (N, T) as squares, (N, T, C, S, S); each is made once."""
    distinct, position = np.unique(numbers, return_inverse=True)
    squares = np.empty((len(distinct), channels, size, size), np.uint8)
    Squares(size).write(frames_of(distinct.tolist()), squares)
    return squares[position.reshape(numbers.shape)]
