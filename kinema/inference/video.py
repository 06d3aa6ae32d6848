"""A video file -> its frames as arrays, made by the choices by which the extraction makes those of a training.

They are the same but for the loss of JPEG; only HDR stays pale, because PyAV has no filter for it.
"""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from kinema.inference.filters import Pictures, Steps, filtered, turns
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.sampling import ROUNDED_SECONDS, Clock, is_even
from kinema.media.layout import TICKS, Box
from kinema.media.probe import DEFAULT_FPS, MediaError, Probe, open_container, probe
from kinema.media.shown import GOING_ON, is_deinterlaced, is_tone_mapped, scaled_size

log = logging.getLogger(__name__)
DEFAULT = FrameSpec()
WITHOUT_TIMES = "avi"  # the container that tells when pictures are decoded, not when they are shown
KEPT_BYTES = 2**27  # decoded pictures of a short video, so that it is decoded once


class Video:
    """The frames of one video stream of a file: upright, in square pixels, one moment each, at the rate of `frames`.

    Raises MediaError where the file is missing, no video, or none of it can be decoded; it opens no other file. What
    comes after damage is decoded as far as it can be, with a warning. Pictures of a short video are kept between reads,
    up to 128 MiB; of a longer one each `read` decodes anew.
    """

    def __init__(self, path: Path | str, *, frames: FrameSpec = DEFAULT):
        self.path, self.frames = Path(path), frames
        self.about = self._probe()
        self._kept: list[av.VideoFrame] | None = None
        if is_tone_mapped(self.about, frames):
            log.warning("%s: HDR, which is not mapped to standard range here: its frames look pale", path)

    def _probe(self) -> Probe:
        return probe(self.path)

    @property
    def num_frames(self) -> int:
        """How many there are: counted by decoding them all, since headers are often wrong."""
        return len(self.times)

    @cached_property
    def times(self) -> np.ndarray:
        """When each frame is shown, (N,): seconds since the first, ascending. All are decoded for it.

        At a constant rate these are the exact ones, whatever the file rounds them to, as those of training videos.
        """
        clock, stamps, kept, num_bytes = Clock(), [], [], 0
        for picture in self._timed():
            stamps.append(clock.at(picture.time))
            num_bytes += sum(plane.buffer_size for plane in picture.planes)
            if num_bytes <= KEPT_BYTES:
                kept.append(picture)
            else:
                kept.clear()
        if not stamps:
            raise too_few(0)
        self._kept = kept if num_bytes <= KEPT_BYTES else None
        times = np.array(stamps)
        return np.arange(len(times)) / self._rate if is_even(times, self._rate) else times

    @property
    def _rate(self) -> float:
        """Frames a second, where these follow each other evenly."""
        return self.frames.fps or self.about.fps or DEFAULT_FPS

    @property
    def fps(self) -> float | None:
        """Frames per second as the file says, which is what is known of training videos; None where it does not.

        Some files say more than they have: recordings from which pictures were dropped.
        """
        return self.frames.fps or (None if self.about.claimed_fps else self.about.fps)

    @property
    def seconds(self) -> float:
        """How long it lasts: until the last frame has been shown as long as others are in the median."""
        step = float(np.median(np.diff(self.times))) if self.num_frames > 1 else 1 / (self.about.fps or DEFAULT_FPS)
        return float(self.times[-1]) + step

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width of every frame in pixels: they are those of the first."""
        with contextlib.closing(self._pictures()) as pictures:
            first = next(pictures, None)
        if first is None:
            raise too_few(0)
        return self._size_of(first)

    def pictures(self) -> Iterator[tuple[float, Any]]:
        """What frames are made of, as it is decoded: seconds since the first, and what `as_frames` takes.

        As in `times`, those of a constant rate are exact, up to the first frame that departs from it.
        """
        clock, rate, is_exact, shown_at = Clock(), self._rate, True, 0.0
        with contextlib.closing(self._pictures()) as pictures:
            for number, picture in enumerate(pictures):
                seconds = clock.at(picture.time)
                is_exact = is_exact and abs(seconds - number / rate) <= ROUNDED_SECONDS
                shown_at = max(shown_at, number / rate if is_exact else seconds)
                yield shown_at, picture

    def as_frames(self, pictures: Iterable[Any], *, grey: bool = False) -> Iterator[np.ndarray]:
        """Pictures -> frames, each uint8 (H, W, 3): B, G, R as in OpenCV; or grey (H, W), as flow is computed of."""
        for picture in filtered(pictures, self._as_grey if grey else self._as_shown):
            yield picture.to_ndarray()

    def read(self, numbers: Sequence[int], *, grey: bool = False) -> Iterator[np.ndarray]:
        """Frames by distinct, ascending numbers from 0, as `as_frames` gives them."""
        wanted = set(numbers)
        with contextlib.closing(self._pictures()) as pictures:
            chosen = (picture for number, picture in enumerate(islice(pictures, max(wanted) + 1)) if number in wanted)
            yield from self.as_frames(chosen, grey=grey)

    def _pictures(self) -> Pictures:
        yield from self._timed() if self._kept is None else self._kept

    def _size_of(self, picture: av.VideoFrame) -> tuple[int, int]:
        """Height and width of the frame that a picture becomes."""
        width, height = scaled_size(replace(self.about, width=picture.width, height=picture.height), self.frames)
        is_turned = any(name == "transpose" for name, _ in turns(picture))
        return (width, height) if is_turned else (height, width)

    def _as_shown(self, picture: av.VideoFrame) -> Steps:
        height, width = self.size
        # as the extraction scales before it encodes JPEG, and as decoders of JPEG make B, G, R of that
        scaled = ("scale", f"w={width}:h={height}:out_range=full:out_color_matrix=bt601")
        exact = ("scale", "flags=bilinear+accurate_rnd+full_chroma_int")
        return [*turns(picture), scaled, ("format", "yuvj420p"), exact, ("format", "bgr24")]

    def _as_grey(self, picture: av.VideoFrame) -> Steps:
        height, width = self.size
        return [*turns(picture), ("scale", f"w={width}:h={height}:out_range=full"), ("format", "gray")]

    def _timed(self) -> Pictures:
        """The decoded pictures that become frames, in the order in which they are shown."""
        steps: Steps = []
        if is_deinterlaced(self.about, self.frames):
            steps.append(("bwdif", "mode=send_frame:deint=interlaced"))
        if self.frames.fps:
            steps += [("setpts", f"'{GOING_ON}'"), ("fps", f"fps={self.frames.fps!r}")]
        pictures = self._stamped()
        return filtered(pictures, lambda _: steps) if steps else pictures

    def _stamped(self) -> Pictures:
        """Decoded pictures, each with a time stamp; made up where there is none that can be believed."""
        rate = self.about.fps or DEFAULT_FPS
        with contextlib.closing(self._decoded()) as pictures:
            for number, picture in enumerate(pictures):
                if not self.about.has_times or picture.pts is None:
                    picture.time_base = Fraction(1, TICKS)
                    picture.pts = round(number * TICKS / rate)
                yield picture

    def _decoded(self) -> Pictures:
        with open_container(self.path) as container:
            stream = container.streams[self.about.stream]
            stream.thread_type = "AUTO"
            pictures = self._decoded_of(container, stream)
            yield from _as_decoded(pictures) if container.format.name == WITHOUT_TIMES else pictures

    def _decoded_of(self, container: Any, stream: Any) -> Pictures:
        num_broken = 0
        for packet in _packets(container, stream):
            try:
                pictures = stream.decode(packet)
            except av.error.FFmpegError:
                num_broken += 1
                continue
            yield from pictures
        if num_broken:
            log.warning("%s: %d packets cannot be decoded; their frames are missing", self.path, num_broken)


def _as_decoded(pictures: Pictures) -> Pictures:
    """Pictures with the times of decoding, which are right as they leave the decoder, for those of showing.

    The last pictures have none: they follow as the two before did.
    """
    before, step = None, 1
    for picture in pictures:
        stamp = picture.dts if picture.dts is not None or before is None else before + step
        if stamp is not None and before is not None:
            step = stamp - before
        picture.pts, before = stamp, stamp
        yield picture


def too_few(num_frames: int) -> MediaError:
    """What is wrong with a video that has no frame, or one."""
    detail = "1, which shows no movement" if num_frames else "none can be decoded"
    return MediaError("too few frames", detail=detail)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Some frames of a video, as `kinema.inference.preprocessing.Frames`."""

    video: Video
    numbers: Sequence[int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.video.size

    def cut(self, box: Box) -> Iterator[np.ndarray]:
        """The box of each frame."""
        rows, columns = (slice(box[a], box[a] + box[b]) for a, b in (("top", "height"), ("left", "width")))
        for frame in self.video.read(self.numbers):
            yield frame[rows, columns]


def _packets(container: Any, stream: Any) -> Iterator[av.Packet | None]:
    """Packets of a stream as far as they can be read; None lets the decoder give what it still holds."""
    try:
        yield from container.demux(stream)
    except av.error.FFmpegError as error:
        log.warning("%s: cannot be read to its end (%s)", container.name.removeprefix("file:"), error.strerror)
        yield None
