"""Frames with their times -> a video file, which is there when it is whole."""

import contextlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from kinema.files import atomic_path
from kinema.media.layout import TICKS

ENDINGS = (".mp4", ".m4v", ".mov", ".mkv")
# H.264 plays everywhere; a build of PyAV without an encoder of it has MPEG-4
ENCODERS = {
    "libx264": {"preset": "veryfast", "crf": "21"},
    "libopenh264": {"b": "4M"},
    "mpeg4": {"qscale": "4"},
}
FINEST = 10**6  # ticks a second; encoders trip over finer ones
# What is written so far can be played, whatever happens to the process: MP4 in fragments of two seconds. Without
# delay_moov its times would begin behind zero.
FRAGMENTS = {"movflags": "frag_keyframe+delay_moov+default_base_moof", "frag_duration": "2000000", "flush_packets": "1"}
Write = Callable[[float, np.ndarray], None]
"""Takes the seconds of a frame since the first, and the frame, uint8 (H, W, 3), BGR."""


def check_output(path: Path, *, source: str) -> None:
    """ValueError where this is no name of a video, or is the source itself."""
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"--output {path}: expected a file that ends in {', '.join(ENDINGS)}")
    if path.is_dir():
        raise ValueError(f"--output {path}: that is a folder; expected the name of a video")
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise ValueError(f"--output {path}: that is the source itself; choose another name")


@contextlib.contextmanager
def video_file(path: Path, *, fps: float, time_base: Fraction | None, is_live: bool) -> Iterator[Write]:
    """Gives what writes frames, all of the size of the first; the file is at `path` when the block ends well.

    Times are rounded to the `time_base` of the source. Of a live source what lies beside `path` meanwhile can be
    played, too.
    """
    ticks = time_base if time_base and time_base.denominator <= FINEST * time_base.numerator else Fraction(1, TICKS)
    with atomic_path(path) as temporary:
        # `file:` keeps libavformat from reading a protocol out of the name
        container = av.open(f"file:{temporary}", "w", container_options=FRAGMENTS if is_live else {})
        with container:
            writer = _Writer(container, ticks, rate=Fraction(fps).limit_denominator(1001))
            yield writer.write
            writer.close()


class _Writer:
    def __init__(self, container: Any, time_base: Fraction, *, rate: Fraction):
        self._container, self._time_base, self._rate = container, time_base, rate
        self._stream: Any = None
        self._last = -1

    def write(self, seconds: float, frame: np.ndarray) -> None:
        if self._stream is None:
            self._stream = self._begun(*frame.shape[:2])
        picture = av.VideoFrame.from_ndarray(frame, format="bgr24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        self._last = max(self._last + 1, round(seconds / self._time_base))
        picture.pts, picture.time_base = self._last, self._time_base
        picture.duration = max(1, round(1 / (self._rate * self._time_base)))
        self._container.mux(self._stream.encode(picture))

    def close(self) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))

    def _begun(self, height: int, width: int) -> Any:
        name = next(name for name in ENCODERS if _can_encode(name))
        stream = self._container.add_stream(name, rate=self._rate, options=ENCODERS[name])
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = self._time_base
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1
        return stream


def _can_encode(name: str) -> bool:
    try:
        return av.Codec(name, "w").is_encoder
    except av.codec.codec.UnknownCodecError:
        return False
