"""A webcam or an address on the network as a video that is decoded while it is sent."""

import contextlib
import logging
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from kinema.inference.filters import Pictures
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.live import answering, open_live
from kinema.inference.video import Video
from kinema.media.layout import TICKS
from kinema.media.probe import FASTEST, FIELD_ORDERS, SLOWEST, MediaError, Probe

log = logging.getLogger(__name__)
NO_TIMESTAMPS = av.format.Flags.no_timestamps.value


class LiveVideo(Video):
    """The frames of a source from now on; they can be read once.

    Raises MediaError where it cannot be opened, has no video, or sends nothing within the time limit. Where it stops in
    the middle, that is its end, with a warning. A format without time stamps, as MJPEG over HTTP, has the times at
    which pictures arrive.
    """

    def __init__(self, source: str, *, frames: FrameSpec, timeout_seconds: float):
        self.source = source
        self._files = contextlib.ExitStack()
        try:
            with answering(timeout_seconds):
                self._container = self._files.enter_context(open_live(source, timeout_seconds))
                self._coming = self._arriving()
                super().__init__(Path(source), frames=frames)
                first = next(self._coming, None)
            if first is None:
                raise MediaError("no picture")
            self.first: av.VideoFrame = first
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        self._files.close()

    @property
    def is_paced(self) -> bool:
        """Whether it sends in bursts, faster than it is to be shown: parts of a stream by HTTP, or a file there."""
        return self.source.lower().startswith("http") and self.about.has_times

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every frame in pixels: they are those of the first."""
        return self._size_of(self.first)

    def _probe(self) -> Probe:
        if not self._container.streams.video:
            raise MediaError("no video stream")
        stream = self._container.streams.video[0]
        codec, has_times = stream.codec_context, not self._container.format.flags & NO_TIMESTAMPS
        rate = stream.average_rate or stream.guessed_rate
        # of a format without time stamps the rate is made up
        fps = float(rate) if has_times and rate and SLOWEST <= rate <= FASTEST else None
        return Probe(
            stream=stream.index,
            duration_seconds=None,
            fps=fps,
            has_times=has_times,
            width=codec.width,
            height=codec.height,
            codec=codec.codec.canonical_name,
            is_indexed=False,
            pixel_aspect=stream.sample_aspect_ratio,
            may_be_interlaced=codec.field_order in FIELD_ORDERS,
            transfer=codec.color_trc,
        )

    def _decoded(self) -> Pictures:
        yield self.first
        yield from self._coming

    def _stamped(self) -> Pictures:
        if self.about.has_times:
            yield from super()._stamped()
            return
        with contextlib.closing(self._decoded()) as pictures:
            for picture in pictures:
                picture.time_base = Fraction(1, TICKS)
                picture.pts = round(time.monotonic() * TICKS)
                yield picture

    def _arriving(self) -> Pictures:
        """Decoded pictures; what cannot be decoded is left out, as after a lost packet."""
        stream = self._container.streams.video[0]
        stream.thread_type = "SLICE"  # threads of whole frames would hold some back
        num_given = 0
        try:
            for packet in self._container.demux(stream):
                for picture in _pictures_of(stream, packet):
                    yield picture
                    num_given += 1
        except av.error.FFmpegError as error:
            if not num_given:
                raise
            log.warning("%s: it ended (%s)", self.source, error.strerror)


def _pictures_of(stream: Any, packet: av.Packet) -> list[av.VideoFrame]:
    try:
        return stream.decode(packet)
    except av.error.FFmpegError:
        return []
