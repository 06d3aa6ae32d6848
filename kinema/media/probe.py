"""A video file -> what its container says about it, without decoding; or a short reason why it cannot be used."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedReader
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from kinema.media.containers import SELF_CONTAINED

LARGEST_MAX_PIXELS = 2**31 - 1
UNSPECIFIED = 2  # of the code points of colours
NO_SIZE = "no picture size in the header"
UNKNOWN_CODEC = "unknown codec"
NOT_SELF_CONTAINED = "not a self-contained video"
DEFAULT_FPS = 25.0  # of a video that does not say its rate
# Rates that are believed: from a frame in 3 hours to what high-speed cameras write. What is beyond is a broken header.
SLOWEST, FASTEST = 1e-4, 10_000
CLOCK = 1000  # ticks a second that a container counts, or more: what libavformat guesses of frames at uneven times
INDEXED_FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
FIELD_ORDERS = (2, 3, 4, 5)  # libavcodec's AV_FIELD_TT, BB, TB, BT; 1 is progressive, 0 unknown
# Of these, headers leave the field order open; only the pictures themselves tell.
FIELDS_IN_PICTURES = ("dvvideo", "mpeg4", "vc1", "wmv3", "cavs", "dnxhd", "utvideo")


class MediaError(Exception):
    """A video cannot be used. `reason` is short and stable: the data-set report counts videos by it.

    `detail` is what a tool said about this one file. `passing`: the cause may be gone the next time (a time limit, a
    killed process), so it is tried again. `limit`: the key of `media` that stands in the way.
    """

    def __init__(self, reason: str, *, detail: str = "", passing: bool = False, limit: str | None = None):
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.passing = passing
        self.limit = limit


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The video stream of a file that is used. Height and width are in pixels as stored, before any rotation.

    `stream` is its number among all streams of the file. `fps` is None where the header does not tell; `claimed_fps` is
    what it claims if nobody can believe that. `has_times`: the frames have time stamps that can be believed; else they
    are taken to be `fps` a second. `is_indexed`: the container knows its key frames, so that seeking finds the one
    before a time. `pixel_aspect`: width over height of a pixel as stored; None where the file does not say.
    `may_be_interlaced`: some pictures may show two moments; each tells whether it does. `primaries`, `transfer` and
    `matrix` are code points of ITU-T H.273.
    """

    stream: int
    duration_seconds: float | None
    fps: float | None
    claimed_fps: float | None = None
    has_times: bool = True
    width: int
    height: int
    codec: str
    is_indexed: bool
    pixel_aspect: Fraction | None = None
    may_be_interlaced: bool = False
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED


def probe(
    path: Path,
    *,
    stream: int | None = None,
    timeout_seconds: float | None = None,
    max_pixels: int = LARGEST_MAX_PIXELS,
) -> Probe:
    """Read the header of a file. Raises MediaError: missing, empty file, permission denied, not a media file, ...

    `stream` is a number among the video streams, from 0; None is the one that the file itself calls its default, else
    the first. libavformat decodes a picture where the header lacks something; not one of more than `max_pixels`, whose
    size may be unknown then. It opens no other file.
    """
    with opened(path) as file:
        if not file.read(1):
            raise MediaError("empty file")
    with open_container(path, timeout_seconds=timeout_seconds, max_pixels=max_pixels) as container:
        return _describe(container, _video_stream(container, stream))


@contextmanager
def open_container(
    path: Path, *, timeout_seconds: float | None = None, max_pixels: int = LARGEST_MAX_PIXELS
) -> Iterator[Any]:
    """The container of a file, as PyAV opens it; no other file. What goes wrong in the block is a MediaError, too."""
    options, started_at = {"max_pixels": str(max_pixels), **SELF_CONTAINED}, time.monotonic()
    try:
        with _container(path, timeout=timeout_seconds, options=options) as container:
            yield container
    except (MediaError, av.error.FFmpegError, ArithmeticError, LookupError, ValueError) as error:
        # what there was no time to read of a header is invalid, or lacking, for libavformat
        is_late = timeout_seconds and time.monotonic() - started_at >= timeout_seconds
        if is_late or isinstance(error, av.error.ExitError):
            raise timeout_error(timeout_seconds or 0) from error
        if isinstance(error, MediaError):
            raise
        if not isinstance(error, av.error.FFmpegError):  # a header that PyAV itself trips over
            raise MediaError("not a media file", detail=repr(error)) from error
        if isinstance(error, av.error.InvalidDataError):
            raise MediaError("not a media file") from error
        raise MediaError("unreadable", detail=str(error.strerror)) from error


@contextmanager
def opened(path: str | Path) -> Iterator[BufferedReader]:
    """The bytes of a file. Raises MediaError as `reading` does."""
    with reading(), Path(path).open("rb") as file:
        yield file


@contextmanager
def reading() -> Iterator[None]:
    """Raises MediaError where what the block reads cannot be read: missing, permission denied, unreadable."""
    try:
        yield
    except FileNotFoundError as error:
        raise MediaError("missing") from error
    except PermissionError as error:
        raise MediaError("permission denied", passing=True) from error
    except OSError as error:
        raise MediaError("unreadable", detail=str(error.strerror), passing=True) from error


def timeout_error(seconds: float) -> MediaError:
    """A file took longer than `media.timeout_seconds`."""
    return MediaError("timeout", detail=f"after {seconds:g} s", passing=True, limit="timeout_seconds")


def _container(path: Path, **settings):
    # `file:` keeps libavformat from reading a protocol out of a name like `a:b.mp4`
    try:
        return av.open(f"file:{path}", metadata_errors="ignore", **settings)
    except av.error.ArgumentError as error:
        raise MediaError(NOT_SELF_CONTAINED) from error


def _video_stream(container, number: int | None):
    """The stream of a number, or the default one; cover pictures and thumbnails are left out."""
    pictures = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & pictures]
    if not streams:
        raise MediaError("no video stream")
    if number is None:
        return next((stream for stream in streams if stream.disposition & Disposition.default), streams[0])
    if number >= len(streams):
        detail = f"media.stream = {number}, counted from 0; the file has {len(streams)}"
        raise MediaError("no such video stream", detail=detail)
    return streams[number]


def _describe(container, stream) -> Probe:
    if stream.codec_context is None:
        raise MediaError(UNKNOWN_CODEC)
    stream.codec_context.thread_count = 1
    if not stream.codec_context.width or not stream.codec_context.height:
        raise MediaError(NO_SIZE)
    # ASF names its protection in the metadata; MP4 marks every protected packet
    if "encryption" in container.metadata or _first_packet_is_encrypted(container, stream):
        raise MediaError("encrypted")
    duration = _duration_seconds(container, stream)
    return Probe(
        stream=stream.index,
        duration_seconds=duration,
        **_rate(stream, duration),
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        codec=stream.codec_context.codec.canonical_name,
        is_indexed=container.format.name in INDEXED_FORMATS,
        pixel_aspect=stream.sample_aspect_ratio,
        may_be_interlaced=_may_be_interlaced(stream.codec_context),
        primaries=stream.codec_context.color_primaries,
        transfer=stream.codec_context.color_trc,
        matrix=stream.codec_context.colorspace,
    )


def _may_be_interlaced(codec_context) -> bool:
    order = codec_context.field_order
    return order in FIELD_ORDERS or (order == 0 and codec_context.codec.canonical_name in FIELDS_IN_PICTURES)


def _first_packet_is_encrypted(container, stream) -> bool:
    packet = next(iter(container.demux(stream)), None)
    return packet is not None and packet.has_sidedata("encryption_info")


def _rate(stream, duration_seconds: float | None) -> dict[str, Any]:
    """What a header says of the rate, as fields of a Probe."""
    average, guessed = stream.average_rate, stream.guessed_rate
    guess = float(guessed) if guessed and SLOWEST <= guessed < CLOCK else None
    if not average:
        return {"fps": guess}
    if SLOWEST <= average <= FASTEST:
        return {"fps": float(average)}
    # the time stamps need not be wrong with it
    by_times = stream.frames / duration_seconds if stream.frames and duration_seconds else SLOWEST
    has_times = SLOWEST <= by_times <= FASTEST
    return {"fps": guess or DEFAULT_FPS, "claimed_fps": float(average), "has_times": has_times}


def _duration_seconds(container, stream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None
