"""When the frames of a video are shown: evenly at its rate, as nearly all are, or at times that are stored with them.

ffmpeg writes down the time stamp of each picture that becomes a frame. They are taken as clients take them
(`kinema.inference.video`), so that `clip.fps` means the same frames of a video in a training and in a client.
"""

import functools
import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from kinema.inference.sampling import Clock, is_even, lasting
from kinema.media.packets import read_packets
from kinema.media.probe import DEFAULT_FPS, MediaError, Probe

TICKS = 1_000_000  # a second, in what ffmpeg writes down
HEX_DIGITS = 32
EVEN: dict[str, Any] = {"is_even": True, "frame_times": None, "times_digest": None}
UNKNOWN: dict[str, Any] = EVEN | {"is_even": None}


def noted(pictures: Any, path: Path) -> Any:
    """A stream of ffmpeg's pictures whose time stamps go to a file as they pass."""
    pictures = pictures.filter("settb", f"1/{TICKS}")
    # it prints those that have some metadata
    pictures = pictures.filter("metadata", mode="add", key="kinema", value="1")
    return pictures.filter("metadata", mode="print", file=f"file:{path}")


def read_noted(path: Path) -> np.ndarray:
    """Seconds since the first picture, (N,), which never go back; empty where nothing was noted."""
    text = path.read_text(encoding="ascii", errors="replace") if path.is_file() else ""
    clock = Clock()
    return np.array([clock.at(int(stamp) / TICKS) for stamp in re.findall(r"^frame:.* pts:(-?\d+)", text, re.M)])


def facts_of(times: np.ndarray, *, num_frames: int, num_pictures: int, fps: float) -> dict[str, Any]:
    """What a record says of the times of `num_frames` frames, by those of the `num_pictures` that were noted for them.

    `is_even`: frame N is at N / fps seconds; else `frame_times` has the times. They are unknown of pictures that change
    their size: filters begin anew there, and what they noted before is lost. Of flow each frame has a picture, and the
    last picture has none.
    """
    if len(times) < num_pictures:
        return UNKNOWN
    times = times[:num_frames]
    if is_even(times, fps):
        return EVEN
    digest = hashlib.blake2b(times.tobytes(), digest_size=HEX_DIGITS // 2).hexdigest()
    uneven = {"is_even": False, "frame_times": times.tolist(), "times_digest": digest}
    return uneven | {"duration_seconds": lasting(times)}


def facts_of_earlier(
    path: Path, token: str, about: Probe, *, num_pictures: int | None, timeout_seconds: float
) -> dict[str, Any] | None:
    """The same of a file whose frames an earlier kinema stored without their times; None where these have to be noted.

    `token` tells versions of the file apart. It is read, but not decoded. `num_pictures`: how many came out of it; None
    where a part was wanted.
    """
    if not about.has_times:
        return EVEN
    rate = about.fps or DEFAULT_FPS
    num_even = _num_even(path, token, about.stream, rate, timeout_seconds)
    return EVEN if num_even and num_pictures in (None, num_even) else None


@functools.lru_cache(maxsize=64)
def _num_even(path: Path, token: str, stream: int, fps: float, timeout_seconds: float) -> int:
    """How many packets have pictures that are shown, 0 where they are not evenly; read once for all parts of a file."""
    try:
        packets = read_packets(path, stream=stream, timeout_seconds=timeout_seconds)
    except MediaError:
        return 0
    stamps = np.sort(packets.stamps)
    return packets.num_pictures if len(stamps) and is_even(stamps - stamps[0], fps) else 0
