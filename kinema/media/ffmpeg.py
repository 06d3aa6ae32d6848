"""Running ffmpeg: a command line -> what it writes to its pipe, within a time limit, with damage told from remarks."""

import contextlib
import errno
import functools
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from kinema.experiment.data_sections import Media
from kinema.media.commands import ffmpeg_version, grey_command, jpeg_command
from kinema.media.containers import SELF_CONTAINED
from kinema.media.damage import Remarks
from kinema.media.inputs import WHOLE, Segment
from kinema.media.jpeg_header import BASELINE, segments, size_in
from kinema.media.layout import END_AND_START, START, TRANSPOSED
from kinema.media.probe import UNKNOWN_CODEC, MediaError, timeout_error

READ_BYTES = 1 << 20
STOPPED_BY_SIGNAL = 255  # ffmpeg's exit code after SIGTERM and SIGINT
DISK = re.compile("no space left on device|disk quota exceeded|file too large", re.IGNORECASE)


class DecodeError(MediaError):
    """ffmpeg met damage. The frames that it did yield are what could be decoded.

    `doubts`: how often ffmpeg said each of what it says of some whole files, too (`kinema.media.damage`), if only that.
    """

    def __init__(self, detail: str, *, doubts: Mapping[str, int] | None = None):
        super().__init__("decode error", detail=detail[:200])
        self.doubts = doubts or {}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What ffmpeg did not accept of a file: its pictures of `size` pixels, or its format; None where it did.

    `codec` is what the file calls the codec of its first video stream that has none, else that of the first one.
    """

    size: str | None
    format: str | None
    codec: str


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
        version = ffmpeg_version(binary)
    except (OSError, subprocess.SubprocessError) as error:
        raise ValueError(f"{where} does not run ({error}). Set `ffmpeg` to a working one or to null.") from error
    if not version.startswith("ffmpeg version"):
        raise ValueError(f"{where} is not ffmpeg: it says {version[:60]!r}. Set `ffmpeg` to a working one or to null.")
    return binary


def jpeg_stream(
    path: Path,
    *,
    media: Media,
    ffmpeg: str,
    segment: Segment = WHOLE,
    times: Path | None = None,
    transposed: bool = False,
) -> Generator[bytes, None, None]:
    """Yield each frame of the first video stream as one JPEG file, in display order. Raises as `running` does.

    `transposed` ones say so by an Exif tag. When they are shown is noted in the file `times`.
    """
    command = jpeg_command(path, media=media, ffmpeg=ffmpeg, segment=segment, times=times, transposed=transposed)
    with running(command, media.timeout_seconds) as process:
        for jpeg in split_jpegs(process.stdout):
            yield TRANSPOSED + jpeg[len(START) :] if transposed else jpeg


def grey_stream(
    path: Path, *, media: Media, ffmpeg: str, segment: Segment = WHOLE, times: Path | None = None
) -> Generator[np.ndarray, None, None]:
    """Yield each frame as grey values (H, W), uint8, of the full range. Raises as `running` does.

    When they are shown is noted in the file `times`.
    """
    command = grey_command(path, media=media, ffmpeg=ffmpeg, segment=segment, times=times)
    with running(command, media.timeout_seconds) as process:
        pipe = process.stdout
        sizes = dict(re.findall(rb" ([WH])(\d+)", pipe.readline()))
        height, width = int(sizes.get(b"H", 0)), int(sizes.get(b"W", 0))
        while pipe.readline():  # "FRAME"
            pixels = pipe.read(height * width)
            if len(pixels) == height * width:
                yield np.frombuffer(pixels, np.uint8).reshape(height, width)


@contextlib.contextmanager
def running(command: list[str], timeout_seconds: float, *, stdin: int = subprocess.DEVNULL) -> Iterator[Any]:
    """An ffmpeg process with a pipe `stdout`, while the block runs; leaving the block early ends the process.

    Raises DecodeError at the end of the block if ffmpeg failed or reported damage, another MediaError if it ran out of
    time or was killed, OSError if it could not write.
    """
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=READ_BYTES
    ) as process:
        assert process.stderr is not None
        messages = _Messages(process.stderr)
        clock = _Clock(process, timeout_seconds)
        try:
            yield process
            process.wait()
        finally:
            # also where the consumer stopped, by close() or by an exception
            clock.stop()
            process.kill()
            if process.stdin:
                with contextlib.suppress(OSError):  # what it has not read
                    process.stdin.close()
            messages.finish()
    if messages.disk:
        raise OSError(errno.ENOSPC, messages.disk)
    if clock.expired:
        raise timeout_error(timeout_seconds)
    if process.returncode < 0 or process.returncode == STOPPED_BY_SIGNAL:
        raise MediaError("ffmpeg was killed", passing=True)
    remarks = messages.remarks
    if remarks.codec:
        raise MediaError(UNKNOWN_CODEC, detail=f"this ffmpeg has no decoder for {remarks.codec}")
    if process.returncode or remarks.damage:
        raise DecodeError(remarks.damage or messages.last())
    if remarks.doubts:
        raise DecodeError(remarks.doubtful, doubts=remarks.doubts)


def refusal(path: Path, *, ffmpeg: str, max_pixels: int, timeout_seconds: float) -> Refusal:
    """Have ffmpeg read the header. `max_pixels` is the largest picture that it may decode."""
    options = {"max_pixels": str(max_pixels), **SELF_CONTAINED}
    limits = [text for name, value in options.items() for text in (f"-{name}", value)]
    command = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "debug", *limits, "-i", f"file:{path}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired:
        raise timeout_error(timeout_seconds) from None
    size = re.search(rb"Picture size (\d+)x(\d+) exceeds", done.stderr)
    return Refusal(
        size=f"{int(size[1])} x {int(size[2])}" if size else None,
        format=_format_name(done.stderr) if b"Format not on whitelist" in done.stderr else None,
        codec=_codec_name(done.stderr),
    )


def split_jpegs(pipe: IO[bytes]) -> Iterator[bytes]:
    """Cut a stream of concatenated JPEG files, dropping an unfinished last one."""
    pending = bytearray()
    while chunk := pipe.read1(READ_BYTES):  # type: ignore[attr-defined]
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
    """Height and width of the picture in a baseline JPEG, upright, read from its frame header."""
    size = next(size_in(part.content) for part in segments(jpeg) if part.marker == BASELINE)
    return size[::-1] if jpeg.startswith(TRANSPOSED) else size


def _format_name(log: bytes) -> str:
    """What ffmpeg calls a format. It looks into the file for all but one, which it knows by a pattern in the name."""
    found = re.search(rb"Format (\S+) (?:probed|detected)", log)
    return found[1].decode() if found else "image2"


def _codec_name(log: bytes) -> str:
    for words in (rb"unsupported AVCodecID (\S+)\.", rb": Video: none[^\n]*?\((\S+) / 0x", rb": Video: (\w+)"):
        if name := re.search(words, log):
            return name[1].decode("utf-8", "replace")
    return ""


class _Messages:
    """Reads what ffmpeg logs, so that a full pipe never blocks it; keeps the last lines and the first of damage."""

    def __init__(self, pipe: IO[bytes]):
        self.remarks, self.disk = Remarks(), ""
        self._last: deque[str] = deque(maxlen=20)
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes]) -> None:
        while raw := pipe.readline(4096):
            line = re.sub(r"\[[^\]]* @ 0x[0-9a-f]+\] ?", "", raw.decode("utf-8", "replace")).strip()
            self._last.append(line)
            self.remarks.add(line)
            if DISK.search(line):
                self.disk = line

    def last(self) -> str:
        return self._last[-1] if self._last else "ffmpeg gave no reason"

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
