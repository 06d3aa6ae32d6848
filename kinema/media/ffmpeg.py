"""A video file -> its frames as JPEG images, by an ffmpeg process that writes into a pipe.

Every process decodes with one thread: shards run many videos side by side, which scales better than threads inside a
decoder. ffmpeg turns frames upright by the file's rotation and scales a stream that changes size to its first frame.
"""

import collections
import contextlib
import functools
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import ffmpeg as ffmpeg_python

from kinema.config import Media
from kinema.media.probe import MediaError

MAX_VIDEO_BYTES = 16 << 30  # a day of 256-pixel frames at 25 fps is about 20 GB; a broken time stamp can ask for years
READ_BYTES = 1 << 20
END_AND_START = b"\xff\xd9\xff\xd8"  # inside the entropy-coded data of a JPEG, 0xff is always followed by 0
STOPPED_BY_SIGNAL = 255  # ffmpeg's exit code after SIGTERM and SIGINT
# ffmpeg logs harmless remarks as errors, too; these say that pictures were lost or damaged
DAMAGE = re.compile(
    "invalid data found|decoding error|error while decoding|partial file|ended prematurely|corrupt", re.IGNORECASE
)


class DecodeError(MediaError):
    """ffmpeg met damage. The frames that it did yield are what could be decoded."""


@functools.lru_cache
def find_ffmpeg(configured: str | None = None) -> str:
    """Path of the ffmpeg to use: the configured one, else the one on PATH, else the one of the package imageio-ffmpeg.

    Raises ValueError if it does not run.
    """
    if configured:
        binary = shutil.which(configured) or configured
        where = f"config key `ffmpeg`: {configured!r}"
    else:
        import imageio_ffmpeg

        binary = shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe()
        where = f"ffmpeg at {binary}"
    try:
        version = _version(binary)
    except (OSError, subprocess.SubprocessError) as error:
        raise ValueError(f"{where} does not run ({error}). Set `ffmpeg` to a working one or to null.") from error
    if not version.startswith("ffmpeg version"):
        raise ValueError(f"{where} is not ffmpeg: it says {version[:60]!r}. Set `ffmpeg` to a working one or to null.")
    return binary


def jpeg_stream(path: Path, *, media: Media, ffmpeg: str) -> Iterator[bytes]:
    """Yield each frame of the first video stream as one JPEG file, in display order.

    Raises DecodeError after the last frame if ffmpeg failed or reported damage, another MediaError if it ran out of
    time, was killed or wrote too much. Closing the generator ends the process.
    """
    command = jpeg_command(path, media=media, ffmpeg=ffmpeg)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        messages = _Messages(process.stderr)
        clock = _Clock(process, media.timeout_seconds)
        try:
            yield from split_jpegs(process.stdout)
            process.wait()
        finally:
            # also where the consumer stopped, by close() or by an exception
            clock.stop()
            process.kill()
            messages.finish()
    if clock.expired:
        raise MediaError(f"time limit of {media.timeout_seconds:g} s", passing=True)
    if process.returncode < 0 or process.returncode == STOPPED_BY_SIGNAL:
        raise MediaError("ffmpeg was killed", passing=True)
    if process.returncode or messages.damage:
        raise DecodeError("decoding error", detail=messages.tell())


def jpeg_command(path: Path, *, media: Media, ffmpeg: str) -> list[str]:
    """The ffmpeg command line that writes the frames of a video to stdout as concatenated JPEG files."""
    # `file:` is taken literally: a leading `-`, a colon or a per cent sign in the name means nothing
    frames = ffmpeg_python.input(f"file:{path}", threads=1)["V:0"]  # V leaves out cover pictures
    if media.fps:
        frames = frames.filter("fps", fps=media.fps)
    # JPEG means full range and BT.601 whatever the video's own tags say
    frames = frames.filter("scale", **_size(media.short_side), out_range="full", out_color_matrix="bt601")
    frames = frames.filter("format", "yuvj420p")
    options = {"q:v": media.jpeg_quality, "threads": 1, "flags": "+bitexact", **_every_frame_once(ffmpeg)}
    output = frames.output("pipe:1", format="image2pipe", vcodec="mjpeg", **options)
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-filter_complex_threads", "1"]
    return output.global_args(*quiet).compile(cmd=ffmpeg)


def _size(short_side: int | None) -> dict[str, str]:
    """Arguments of ffmpeg's scale filter; `-2` keeps the aspect ratio and rounds to an even number."""
    if short_side is None:
        return {"w": "trunc(iw/2)*2", "h": "trunc(ih/2)*2"}
    even = short_side // 2 * 2
    return {"w": f"if(gte(iw,ih),-2,{even})", "h": f"if(gte(iw,ih),{even},-2)"}


@functools.lru_cache
def _every_frame_once(ffmpeg: str) -> dict[str, str]:
    """The option against frames being doubled or dropped to keep a constant rate; it was renamed in ffmpeg 5.1."""
    release = re.match(r"ffmpeg version n?(\d+)\.(\d+)", _version(ffmpeg))
    is_old = release is not None and (int(release[1]), int(release[2])) < (5, 1)
    return {"vsync" if is_old else "fps_mode": "passthrough"}


def _version(binary: str) -> str:
    """First line of `ffmpeg -version`."""
    result = subprocess.run(
        [binary, "-version"], capture_output=True, text=True, errors="replace", timeout=60, check=True
    )
    return result.stdout.partition("\n")[0]


def split_jpegs(pipe: IO[bytes]) -> Iterator[bytes]:
    """Cut a stream of concatenated JPEG files, dropping an unfinished last one. Raises MediaError if it is too long."""
    pending = bytearray()
    num_bytes = 0
    while chunk := pipe.read1(READ_BYTES):  # type: ignore[attr-defined]
        num_bytes += len(chunk)
        if num_bytes > MAX_VIDEO_BYTES:
            raise MediaError(f"more than {MAX_VIDEO_BYTES >> 30} GiB of frames")
        search_from = max(0, len(pending) - len(END_AND_START) + 1)
        pending += chunk
        start = 0
        while (end := pending.find(END_AND_START, search_from)) >= 0:
            yield bytes(pending[start : end + 2])
            start = search_from = end + 2
        del pending[:start]
    if pending.endswith(END_AND_START[:2]):
        yield bytes(pending)


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Height and width of a baseline JPEG, read from its frame header."""
    position = 2
    while jpeg[position + 1] != 0xC0:  # segments up to the frame header: marker, then a length that counts itself
        position += 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
    height, width = jpeg[position + 5 : position + 7], jpeg[position + 7 : position + 9]
    return int.from_bytes(height, "big"), int.from_bytes(width, "big")


class _Messages:
    """Reads what ffmpeg logs, so that a full pipe never blocks it; keeps the last lines and the first of damage."""

    def __init__(self, pipe: IO[bytes]):
        self.damage = ""
        self._last: collections.deque[str] = collections.deque(maxlen=20)
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes]) -> None:
        while raw := pipe.readline(4096):
            line = re.sub(r"\[[^\]]* @ 0x[0-9a-f]+\] ?", "", raw.decode("utf-8", "replace")).strip()
            self._last.append(line)
            if not self.damage and DAMAGE.search(line):
                self.damage = line

    def tell(self) -> str:
        return (self.damage or (self._last[-1] if self._last else "ffmpeg gave no reason"))[:200]

    def finish(self) -> None:
        self._thread.join()


class _Clock:
    """Kills a process that runs longer than `seconds`."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float):
        self.expired = False
        self._process = process
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        self.expired = True
        with contextlib.suppress(OSError):
            self._process.kill()

    def stop(self) -> None:
        self._timer.cancel()
