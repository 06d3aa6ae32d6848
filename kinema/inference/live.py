"""A webcam or an address on the network -> a file of what it shows for some seconds, which is a video like others.

Packets are copied as they come and not encoded anew. What does not answer is given up after a time limit.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av

from kinema.media.containers import SELF_CONTAINED
from kinema.media.probe import MediaError

# What the user's address may lead to: neither files of this machine nor programs on it.
PROTOCOLS = "http,https,httpproxy,tcp,tls,udp,rtp,srtp,rtsp,rtsps,rtmp,rtmps,crypto"
FORMATS = f"{SELF_CONTAINED['format_whitelist']},rtsp,rtp,sdp,hls,dash"
CAMERAS = "video4linux2,v4l2"


@contextlib.contextmanager
def recorded(source: str, *, seconds: float, timeout_seconds: float) -> Iterator[Path]:
    """A file, there as long as the block, with the video of a source, at most so many seconds.

    MediaError where the source cannot be opened, has no video, or sends nothing within the time limit.
    """
    with tempfile.TemporaryDirectory(prefix="kinema-live-") as folder:
        path = Path(folder) / "live.nut"  # it takes the packets of any codec, raw pictures too
        with answering(timeout_seconds):
            _record(source, path, seconds=seconds, timeout_seconds=timeout_seconds)
        yield path


@contextlib.contextmanager
def answering(timeout_seconds: float) -> Iterator[None]:
    """What goes wrong with a source that the block opens is a MediaError."""
    started_at = time.monotonic()
    try:
        yield
    except av.error.FFmpegError as error:
        # of what the time limit interrupts, each protocol makes an error of its own
        if time.monotonic() - started_at >= timeout_seconds:
            raise MediaError("no answer", detail=f"nothing within {timeout_seconds:g} s") from error
        raise MediaError("cannot be opened", detail=str(error.strerror)) from error


def _record(source: str, path: Path, *, seconds: float, timeout_seconds: float) -> None:
    with open_live(source, timeout_seconds) as container, av.open(str(path), "w", format="nut") as copy:
        if not container.streams.video:
            raise MediaError("no video stream")
        video = container.streams.video[0]
        written = copy.add_stream_from_template(video)
        # a live source takes as long as it shows; one that sends slower is not waited for without end
        until, first, num_packets = time.monotonic() + seconds + timeout_seconds, None, 0
        for packet in _packets(container, video):
            if first is None:
                if not packet.is_keyframe:
                    continue
                first = packet.dts
            if (packet.dts - first) * packet.time_base >= seconds or time.monotonic() > until:
                break
            packet.stream = written
            copy.mux(packet)
            num_packets += 1
        if not num_packets:
            raise MediaError("no picture", detail=f"within {seconds + timeout_seconds:g} s")


def _packets(container: Any, video: Any) -> Iterator[Any]:
    """Those with a time, until there are no more; an end in the middle is one, as with any camera that goes away."""
    num_given = 0
    try:
        for packet in container.demux(video):
            if packet.size and packet.dts is not None:
                yield packet
                num_given += 1
    except av.error.FFmpegError:
        if not num_given:
            raise


def open_live(source: str, timeout_seconds: float) -> Any:
    """PyAV's container of a webcam, by its number, or of an address; it may lead to nothing on this machine."""
    if source.isdecimal():
        return av.open(f"/dev/video{source}", format=CAMERAS, timeout=timeout_seconds)
    options = {"protocol_whitelist": PROTOCOLS, "format_whitelist": FORMATS}
    options |= {"rtsp_transport": "tcp"} if source.lower().startswith("rtsp") else {}  # udp loses packets of large ones
    return av.open(source, timeout=timeout_seconds, options=options, metadata_errors="ignore")
