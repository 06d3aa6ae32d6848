"""What a user names -> one video, and its pictures as the network sees them and as they are shown."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from kinema.inference.filters import Steps, filtered, turns
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.live_demo.live_video import LiveVideo
from kinema.inference.picture_folder import PictureFolder
from kinema.inference.preprocessing import Squares
from kinema.inference.sources import find_sources, is_live
from kinema.inference.timeline import Single
from kinema.inference.video import Video
from kinema.media.probe import DEFAULT_FPS, MediaError
from kinema.media.shown import scaled_size


@dataclass(frozen=True)
class Source:
    """A video whose pictures are taken one after the other; `is_live`: it does not wait.

    `time_base` is what its time stamps count, in seconds; None where it has none.
    """

    name: str
    video: Video
    is_live: bool
    time_base: Fraction | None

    @property
    def is_paced(self) -> bool:
        """Whether a live one is to be held back to its own speed."""
        return isinstance(self.video, LiveVideo) and self.video.is_paced

    @property
    def fps(self) -> float:
        """Frames a second, as it says."""
        return self.video.about.fps or DEFAULT_FPS

    def to_input(self, size: int) -> Callable[[av.VideoFrame], np.ndarray]:
        """Makes a picture what the network takes: uint8 (3, size, size), R, G, B, as `kinema predict` makes it."""
        squares, frame_of = Squares(size), OneByOne(self.video.as_frames)

        def square(picture: av.VideoFrame) -> np.ndarray:
            clip = np.empty((1, 3, size, size), np.uint8)
            squares.write(Single(frame_of(picture)), clip)
            return clip[0]

        return square

    def to_shown(self) -> Callable[[av.VideoFrame], np.ndarray]:
        """Makes a picture upright, with square pixels, in its own size, whose sides are even: uint8 (H, W, 3), BGR."""
        frames = replace(self.video.frames, short_side=None)

        def steps(picture: av.VideoFrame) -> Steps:
            if not size:
                about = replace(self.video.about, width=picture.width, height=picture.height)
                width, height = scaled_size(about, frames)
                is_turned = any(name == "transpose" for name, _ in turns(picture))
                size.extend((height, width) if is_turned else (width, height))
            return [*turns(picture), ("scale", f"w={size[0]}:h={size[1]}"), ("format", "bgr24")]

        size: list[int] = []  # of the first one, as all others have it
        return OneByOne(lambda pictures: (one.to_ndarray() for one in filtered(pictures, steps)))


class OneByOne:
    """A function of a stream of pictures, each of which gives one frame, as a function of a picture."""

    def __init__(self, frames_of: Callable[[Iterator[av.VideoFrame]], Iterator[np.ndarray]]):
        self._given: list[av.VideoFrame] = []
        self._frames = frames_of(iter(self._given.pop, None))

    def __call__(self, picture: av.VideoFrame) -> np.ndarray:
        """The frame of the next picture."""
        self._given.append(picture)
        return next(self._frames)


@contextlib.contextmanager
def open_source(named: str, *, frames: FrameSpec, timeout_seconds: float) -> Iterator[Source]:
    """A file, a folder of numbered pictures, a webcam by its number, or an address; `frames` as the training had them.

    All of its pictures come, at the rate at which they are there. ValueError, one line, where there is no video.
    """
    (name, *others) = find_sources([named])
    if others:
        raise ValueError(f"{named}: {1 + len(others)} videos; one is shown at a time, such as {name}")
    frames = replace(frames, fps=None)
    try:
        video = _opened(name, frames, timeout_seconds)
    except MediaError as error:
        expected = "" if is_live(name) else "; expected a video file, or a folder of numbered pictures"
        raise ValueError(f"{name}: {error}{expected}") from None
    with contextlib.closing(video) if isinstance(video, LiveVideo) else contextlib.nullcontext():
        time_base = _first(video).time_base if video.about.has_times else None
        yield Source(name, video, is_live(name), time_base)


def _opened(name: str, frames: FrameSpec, timeout_seconds: float) -> Video:
    if is_live(name):
        return LiveVideo(name, frames=frames, timeout_seconds=timeout_seconds)
    video = (PictureFolder if Path(name).is_dir() else Video)(name, frames=frames)
    _first(video)  # what has no picture is told before anything is made
    return video


def _first(video: Video) -> av.VideoFrame:
    if isinstance(video, LiveVideo):
        return video.first
    first = next(video.pictures(), None)
    if first is None:
        raise MediaError("too few frames", detail="none can be decoded")
    return first[1]
