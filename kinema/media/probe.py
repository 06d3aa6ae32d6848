"""A video file -> what its container says about it, without decoding; or a short reason why it cannot be used."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

import av

LARGEST_MAX_PIXELS = 2**31 - 1
NO_SIZE = "no picture size in the header"
UNKNOWN_CODEC = "unknown codec"
INDEXED_FORMATS = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")


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
    """The first video stream of a file. Height and width are in pixels as stored, before any rotation.

    `stream` is its number among all streams. `is_indexed`: the container knows its key frames, so that seeking finds
    the one before a time.
    """

    stream: int
    duration_seconds: float | None
    fps: float | None
    width: int
    height: int
    codec: str
    is_indexed: bool


def probe(path: Path, *, timeout_seconds: float | None = None, max_pixels: int = LARGEST_MAX_PIXELS) -> Probe:
    """Read the header of a file. Raises MediaError: missing, empty file, permission denied, not a media file, ...

    libavformat decodes a picture where the header lacks something; not one of more than `max_pixels`, whose size may be
    unknown then.
    """
    with opened(path) as file:
        if not file.read(1):
            raise MediaError("empty file")
    with open_container(path, timeout_seconds=timeout_seconds, max_pixels=max_pixels) as container:
        return _describe(container)


@contextmanager
def open_container(
    path: Path, *, timeout_seconds: float | None = None, max_pixels: int = LARGEST_MAX_PIXELS
) -> Iterator[Any]:
    """The container of a file, as PyAV opens it. What goes wrong in the block, too, is raised as MediaError."""
    options = {"max_pixels": str(max_pixels)}
    try:
        # `file:` keeps libavformat from reading a protocol out of a name like `a:b.mp4`
        with av.open(f"file:{path}", metadata_errors="ignore", timeout=timeout_seconds, options=options) as container:
            yield container
    except av.error.ExitError as error:
        raise timeout_error(timeout_seconds or 0) from error
    except av.error.InvalidDataError as error:
        raise MediaError("not a media file") from error
    except av.error.FFmpegError as error:
        raise MediaError("unreadable", detail=str(error.strerror)) from error
    except (ArithmeticError, LookupError, ValueError) as error:  # a header that PyAV itself trips over
        raise MediaError("not a media file", detail=repr(error)) from error


@contextmanager
def opened(path: str | Path) -> Iterator[BufferedReader]:
    """The bytes of a file. Raises MediaError where they cannot be read: missing, permission denied, unreadable."""
    try:
        with Path(path).open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise MediaError("missing") from error
    except PermissionError as error:
        raise MediaError("permission denied", passing=True) from error
    except OSError as error:
        raise MediaError("unreadable", detail=str(error.strerror), passing=True) from error


def timeout_error(seconds: float) -> MediaError:
    """A file took longer than `media.timeout_seconds`."""
    return MediaError("timeout", detail=f"after {seconds:g} s", passing=True, limit="timeout_seconds")


def _describe(container) -> Probe:
    attached_picture = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & attached_picture]
    if not streams:
        raise MediaError("no video stream")
    stream = streams[0]
    if stream.codec_context is None:
        raise MediaError(UNKNOWN_CODEC)
    stream.codec_context.thread_count = 1
    if not stream.codec_context.width or not stream.codec_context.height:
        raise MediaError(NO_SIZE)
    # ASF names its protection in the metadata; MP4 marks every protected packet
    if "encryption" in container.metadata or _first_packet_is_encrypted(container, stream):
        raise MediaError("encrypted")
    rate = stream.average_rate or stream.guessed_rate
    return Probe(
        stream=stream.index,
        duration_seconds=_duration_seconds(container, stream),
        fps=float(rate) if rate else None,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        codec=stream.codec_context.codec.canonical_name,
        is_indexed=container.format.name in INDEXED_FORMATS,
    )


def _first_packet_is_encrypted(container, stream) -> bool:
    packet = next(iter(container.demux(stream)), None)
    return packet is not None and packet.has_sidedata("encryption_info")


def _duration_seconds(container, stream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None
