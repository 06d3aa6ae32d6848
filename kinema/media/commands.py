"""What ffmpeg is asked for: one command line for each kind of stored frames, built with ffmpeg-python.

Every process decodes with one thread: shards run many videos side by side, which scales better than threads inside a
decoder. ffmpeg turns frames upright by the file's rotation and scales a stream that changes size to its first frame.
"""

import functools
import re
import subprocess
from pathlib import Path
from typing import Any

import ffmpeg as ffmpeg_python

from kinema.experiment.data_sections import Media
from kinema.media.filters import frames_of
from kinema.media.inputs import WHOLE, Segment, pictures_of
from kinema.media.layout import TICKS
from kinema.media.shown import scaled_size

MCU_SIDE = 16  # pixels that are coded together
CRF_OF_QUALITY_0 = 15  # x264's scale starts lower than -q:v: its 16 looks like -q:v 1
# The steps of MPEG-1 intra pictures (ISO/IEC 11172-2, 2.4.3.2), which ffmpeg's JPEG encoder takes, by 1.1. Row by row.
MPEG_STEPS = """
    8 16 19 22 26 27 29 34   16 16 22 24 27 29 34 37   19 22 26 27 29 34 34 38   22 22 26 27 29 34 37 40
    22 26 27 29 32 35 40 48   26 27 29 32 35 40 48 58   26 27 29 34 38 46 56 69   27 29 35 38 46 56 69 83
"""
STEPS = ",".join(str(round(1.1 * int(step))) for step in MPEG_STEPS.split())


def jpeg_command(
    path: Path,
    *,
    media: Media,
    ffmpeg: str,
    segment: Segment = WHOLE,
    times: Path | None = None,
    transposed: bool = False,
) -> list[str]:
    """Frames of a video to stdout, as concatenated JPEG files with a restart marker after every row of MCUs.

    `times`, here as in the others: a file to note in when each frame is shown (`kinema.media.frame_times`).
    """
    # JPEG means full range and BT.601 whatever the video's own tags say
    frames = _scaled(path, media, segment, times, out_range="full", out_color_matrix="bt601")
    frames = frames.filter("format", "yuvj420p")
    if transposed:
        frames = frames.filter("transpose", "cclock_flip")
    options = {
        "vcodec": "mjpeg",
        "format": "image2pipe",
        "q:v": media.jpeg_quality,
        # the standard Huffman tables: 8 % more bytes than optimal ones, for a tenth of the time less
        "huffman": "default",
        # steps larger by a tenth give 5 % of it back; SSIM falls by less than 0.002
        "intra_matrix": STEPS,
        "chroma_intra_matrix": STEPS,
        # More than one: each row ends with a marker. ffmpeg 4.2 writes data that cannot be read then.
        "slices": 0 if _is_narrow(segment, media) or _is_old(ffmpeg) else 2,
        "enc_time_base": "1/1000000",
    }
    # The encoder drops a frame whose time stamp is not later than the one before. Filters begin anew after a change of
    # size in mid-stream, so the first of their stamps is the time on the wall, in microseconds.
    stamp = "if(eq(N,0),time(0)*1000000,PREV_OUTPTS+1)"
    frames = frames.filter("settb", "1/1000000").filter("setpts", stamp)
    return _compiled(frames.output("pipe:1", **options, **_one_to_one(ffmpeg)), ffmpeg)


def grey_command(
    path: Path, *, media: Media, ffmpeg: str, segment: Segment = WHOLE, times: Path | None = None
) -> list[str]:
    """Frames of a video to stdout, as an endless YUV4MPEG stream of grey pictures."""
    frames = _scaled(path, media, segment, times, out_range="full").filter("format", "gray")
    return _compiled(frames.output("pipe:1", format="yuv4mpegpipe", strict=-1, **_one_to_one(ffmpeg)), ffmpeg)


def video_command(
    path: Path,
    out: Path,
    *,
    media: Media,
    ffmpeg: str,
    fps: float,
    segment: Segment = WHOLE,
    times: Path | None = None,
) -> list[str]:
    """A video with frequent key frames, frame N at N / fps seconds; `-progress` tells on stdout how many there are."""
    # one range and matrix for all videos, which is what readers assume
    frames = _scaled(path, media, segment, times, out_range="tv", out_color_matrix="bt601")
    frames = frames.filter("format", "yuv420p")
    return _compiled(_encoded(frames, out, media, fps, ffmpeg).global_args("-progress", "pipe:1"), ffmpeg)


def flow_video_command(out: Path, *, media: Media, ffmpeg: str, fps: float, height: int, width: int) -> list[str]:
    """Raw grey pictures (height, width) from stdin to a video, otherwise as `video_command`."""
    frames = ffmpeg_python.input("pipe:0", format="rawvideo", pix_fmt="gray", s=f"{width}x{height}", r=fps)
    # as luminance of the full range: 0..255 stays 0..255
    frames = frames.filter("scale", in_range="full", out_range="full").filter("format", "yuvj420p")
    return _compiled(_encoded(frames, out, media, fps, ffmpeg), ffmpeg)


def _scaled(path: Path, media: Media, segment: Segment, times: Path | None, **colours: str) -> Any:
    pictures = pictures_of(path, media=media, segment=segment)
    return frames_of(pictures, media=media, segment=segment, times=times, **colours)


def _is_narrow(segment: Segment, media: Media) -> bool:
    """Whether a row of a frame may be a single MCU: ffmpeg numbers the markers of such rows wrongly."""
    about = segment.about
    return about is not None and min(scaled_size(about, media)) <= MCU_SIDE


def _encoded(frames: Any, out: Path, media: Media, fps: float, ffmpeg: str) -> Any:
    # time stamps are made anew, so that a frame is never dropped for an odd one and is found by its number; on packets
    # once more, because filters count from 0 again after a change of size in mid-stream
    stamp = f"N*{TICKS}/{fps!r}"
    frames = frames.filter("settb", f"1/{TICKS}").filter("setpts", stamp)
    options = {
        "vcodec": "libx264",
        "preset": "veryfast",
        "crf": CRF_OF_QUALITY_0 + media.video_quality,
        "g": media.keyframe_interval,
        "bf": 0,
        "sc_threshold": 0,
        "enc_time_base": f"1/{TICKS}",
        # a last frame that lasts no time is none for readers: ffmpeg 7.0 leaves it so
        "bsf:v": f"setts=pts={stamp}:dts={stamp}:duration={TICKS}/{fps!r}",
        "video_track_timescale": TICKS,
        "format": "mp4",
    }
    return frames.output(f"file:{out}", **options, **_one_to_one(ffmpeg)).global_args("-y")


def _one_to_one(ffmpeg: str) -> dict[str, Any]:
    return {"threads": 1, "flags": "+bitexact", **_every_frame_once(ffmpeg)}


def _compiled(output: Any, ffmpeg: str) -> list[str]:
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "repeat+warning", "-filter_complex_threads", "1"]
    # times count from the beginning of the file, also where it is entered later
    return output.global_args(*quiet, "-copyts", "-start_at_zero").compile(cmd=ffmpeg)


def _every_frame_once(ffmpeg: str) -> dict[str, str]:
    """The option against frames being doubled or dropped to keep a constant rate; it was renamed in ffmpeg 5.1."""
    return {"vsync" if _is_old(ffmpeg) else "fps_mode": "passthrough"}


def _is_old(ffmpeg: str) -> bool:
    """Whether a release is older than 5.1."""
    release = re.match(r"ffmpeg version n?(\d+)\.(\d+)", ffmpeg_version(ffmpeg))
    return release is not None and (int(release[1]), int(release[2])) < (5, 1)


@functools.lru_cache
def ffmpeg_version(binary: str) -> str:
    """First line of `ffmpeg -version`. Raises OSError or SubprocessError if it does not run."""
    result = subprocess.run(
        [binary, "-version"], capture_output=True, text=True, errors="replace", timeout=60, check=True
    )
    return result.stdout.partition("\n")[0]
