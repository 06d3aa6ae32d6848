"""What ffmpeg is asked for: one command line for each kind of stored frames, built with ffmpeg-python.

Every process decodes with one thread: shards run many videos side by side, which scales better than threads inside a
decoder. ffmpeg turns frames upright by the file's rotation and scales a stream that changes size to its first frame.
"""

import functools
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as ffmpeg_python

from kinema.config import Media
from kinema.media.layout import TICKS
from kinema.media.probe import LARGEST_MAX_PIXELS, Probe

CRF_OF_QUALITY_0 = 15  # x264's scale starts lower than -q:v: its 16 looks like -q:v 1
ENTRY_SECONDS = 30  # a file is entered so long before a segment: more than key frames are apart, as a rule
DEFAULT_FPS = 25.0  # of a video that does not say its rate


@dataclass(frozen=True, slots=True)
class Segment:
    """The part [start, end) of a video, in seconds or in frames from 0; None: from the beginning, to the end.

    `seek`: the file may be entered at a key frame before the start instead of being decoded from its beginning.
    """

    start: float | None = None
    end: float | None = None
    unit: str = "seconds"
    seek: bool = False

    @classmethod
    def of(cls, row: dict[str, Any], about: Probe) -> "Segment":
        """The segment that a manifest row asks for; the whole video where it names none."""
        return cls(row.get("start"), row.get("end"), row.get("unit", "seconds"), about.is_indexed)


WHOLE = Segment()


def jpeg_command(path: Path, *, media: Media, ffmpeg: str, segment: Segment = WHOLE) -> list[str]:
    """Frames of a video to stdout, as concatenated JPEG files."""
    # JPEG means full range and BT.601 whatever the video's own tags say
    frames = _scaled(path, media, segment, out_range="full", out_color_matrix="bt601").filter("format", "yuvj420p")
    # the standard Huffman tables: 6 % more bytes than optimal ones, for a tenth of the time less
    options = {"q:v": media.jpeg_quality, "huffman": "default", "vcodec": "mjpeg", "format": "image2pipe"}
    return _compiled(frames.output("pipe:1", **options, **_one_to_one(ffmpeg)), ffmpeg)


def grey_command(path: Path, *, media: Media, ffmpeg: str, segment: Segment = WHOLE) -> list[str]:
    """Frames of a video to stdout, as an endless YUV4MPEG stream of grey pictures."""
    frames = _scaled(path, media, segment, out_range="full").filter("format", "gray")
    return _compiled(frames.output("pipe:1", format="yuv4mpegpipe", strict=-1, **_one_to_one(ffmpeg)), ffmpeg)


def video_command(
    path: Path, out: Path, *, media: Media, ffmpeg: str, fps: float, segment: Segment = WHOLE
) -> list[str]:
    """A video with frequent key frames, frame N at N / fps seconds; `-progress` tells on stdout how many there are."""
    # one range and matrix for all videos, which is what readers assume
    frames = _scaled(path, media, segment, out_range="tv", out_color_matrix="bt601").filter("format", "yuv420p")
    return _compiled(_encoded(frames, out, media, fps, ffmpeg).global_args("-progress", "pipe:1"), ffmpeg)


def flow_video_command(out: Path, *, media: Media, ffmpeg: str, fps: float, height: int, width: int) -> list[str]:
    """Raw grey pictures (height, width) from stdin to a video, otherwise as `video_command`."""
    frames = ffmpeg_python.input("pipe:0", format="rawvideo", pix_fmt="gray", s=f"{width}x{height}", r=fps)
    # as luminance of the full range: 0..255 stays 0..255
    frames = frames.filter("scale", in_range="full", out_range="full").filter("format", "yuvj420p")
    return _compiled(_encoded(frames, out, media, fps, ffmpeg), ffmpeg)


def _scaled(path: Path, media: Media, segment: Segment, **colours: str) -> Any:
    """The wanted frames of the first video stream, at the wanted rate and size."""
    # `file:` is taken literally: a leading `-`, a colon or a per cent sign in the name means nothing
    options = {"threads": 1, "max_pixels": max_pixels(media), **_entry(segment)}
    frames = ffmpeg_python.input(f"file:{path}", **options)["V:0"]  # V leaves out cover pictures
    if segment.start or segment.end is not None:
        keys = ("start", "end") if segment.unit == "seconds" else ("start_frame", "end_frame")
        frames = frames.filter("trim", **_given(zip(keys, (segment.start or 0, segment.end), strict=True)))
    if media.fps:
        frames = frames.filter("fps", fps=media.fps)
    return frames.filter("scale", **_size(media.short_side), **colours)


def _entry(segment: Segment) -> dict[str, Any]:
    """Input options that enter a long file well before the segment. What comes too early is cut by its time stamp."""
    entry = (segment.start or 0) - ENTRY_SECONDS
    if segment.unit != "seconds" or not segment.seek or entry <= 0:
        return {}
    return {"ss": entry, "noaccurate_seek": None}


def _given(options: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in options if value is not None}


def max_pixels(media: Media) -> int:
    """The largest picture that ffmpeg may decode, with room for what codecs add to its sides."""
    return min(LARGEST_MAX_PIXELS, int(1.1e6 * media.max_megapixels))


def scaled_size(width: int, height: int, short_side: int | None) -> tuple[int, int]:
    """Width and height of the frames of a video, as `_size` asks for them; turned upright or not."""
    if short_side is None:
        return width // 2 * 2, height // 2 * 2
    even = short_side // 2 * 2
    long = round(max(width, height) * even / min(width, height) / 2) * 2
    return (long, even) if width >= height else (even, long)


def _size(short_side: int | None) -> dict[str, str]:
    """Arguments of ffmpeg's scale filter; `-2` keeps the aspect ratio and rounds to an even number."""
    if short_side is None:
        return {"w": "trunc(iw/2)*2", "h": "trunc(ih/2)*2"}
    even = short_side // 2 * 2
    return {"w": f"if(gte(iw,ih),-2,{even})", "h": f"if(gte(iw,ih),{even},-2)"}


def _encoded(frames: Any, out: Path, media: Media, fps: float, ffmpeg: str) -> Any:
    # time stamps are made anew, so that a frame is never dropped for an odd one and is found by its number; on packets
    # once more, because filters count from 0 again after a change of size in mid-stream
    stamp = f"N*{TICKS}/{fps:.6f}"
    frames = frames.filter("settb", f"1/{TICKS}").filter("setpts", stamp)
    options = {
        "vcodec": "libx264",
        "preset": "veryfast",
        "crf": CRF_OF_QUALITY_0 + media.video_quality,
        "g": media.keyframe_interval,
        "bf": 0,
        "sc_threshold": 0,
        "enc_time_base": f"1/{TICKS}",
        "bsf:v": f"setts=pts={stamp}:dts={stamp}",
        "video_track_timescale": TICKS,
        "format": "mp4",
    }
    return frames.output(f"file:{out}", **options, **_one_to_one(ffmpeg)).global_args("-y")


def _one_to_one(ffmpeg: str) -> dict[str, Any]:
    return {"threads": 1, "flags": "+bitexact", **_every_frame_once(ffmpeg)}


def _compiled(output: Any, ffmpeg: str) -> list[str]:
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-filter_complex_threads", "1"]
    # times count from the beginning of the file, also where it is entered later
    return output.global_args(*quiet, "-copyts", "-start_at_zero").compile(cmd=ffmpeg)


@functools.lru_cache
def _every_frame_once(ffmpeg: str) -> dict[str, str]:
    """The option against frames being doubled or dropped to keep a constant rate; it was renamed in ffmpeg 5.1."""
    release = re.match(r"ffmpeg version n?(\d+)\.(\d+)", ffmpeg_version(ffmpeg))
    is_old = release is not None and (int(release[1]), int(release[2])) < (5, 1)
    return {"vsync" if is_old else "fps_mode": "passthrough"}


@functools.lru_cache
def ffmpeg_version(binary: str) -> str:
    """First line of `ffmpeg -version`. Raises OSError or SubprocessError if it does not run."""
    result = subprocess.run(
        [binary, "-version"], capture_output=True, text=True, errors="replace", timeout=60, check=True
    )
    return result.stdout.partition("\n")[0]
