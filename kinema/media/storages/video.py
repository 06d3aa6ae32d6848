"""The storage `video`: one mp4 with frequent key frames a video, the smallest. Flow is a grey one, x above y."""

import contextlib
import subprocess
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from kinema.media.commands import flow_video_command, video_command
from kinema.media.digests import FramesDigest
from kinema.media.ffmpeg import DecodeError, running
from kinema.media.probe import MediaError, probe
from kinema.media.storages.facts import LONGEST_H264_SIDE
from kinema.media.storages.file_store import FileStorage
from kinema.media.storages.source import Source
from kinema.media.storages.written import Written


class VideoStorage(FileStorage):
    """One file a video."""

    root_name, extension = "videos", ".mp4"

    def write(self, source: Source, place: Path, written: Written) -> None:
        """See `Storage`."""
        encode = _encode_pictures if self.media.modality == "rgb" else _encode_flow
        damage = None
        try:
            encode(source, place, written)
        except DecodeError as error:
            damage = error
        if written.num_frames and place.is_file():
            stored = probe(place)
            planes = 2 if self.media.modality == "flow" else 1
            written.num_bytes = place.stat().st_size
            written.height, written.width = stored.height // planes, stored.width
            written.digest.add_part(place, 0, written.num_bytes)
        if damage:
            raise damage

    def digest(self, place: Path, *, num_frames: int, num_bytes: int, offsets: Sequence[int] | None) -> str:
        """See `Storage`. Of the bytes of the file: it is not decoded."""
        digest = FramesDigest()
        digest.add_part(place, 0, num_bytes)
        return str(digest)


def _encode_pictures(source: Source, place: Path, written: Written) -> None:
    command = video_command(
        source.path,
        place,
        media=source.media,
        ffmpeg=source.ffmpeg,
        fps=source.fps,
        segment=source.segment,
        times=source.times,
    )
    with running(command, source.media.timeout_seconds) as process:
        for line in process.stdout:
            key, _, value = line.strip().partition(b"=")
            if key == b"frame":
                written.num_frames = int(value)
            elif key == b"total_size" and value.isdigit():
                written.num_bytes = int(value)
                written.go_on()


def _encode_flow(source: Source, place: Path, written: Written) -> None:
    with contextlib.closing(source.flow()) as flow:
        if (first := next(flow, None)) is None:
            return
        size = {"height": 2 * first.shape[1], "width": first.shape[2]}  # x above y
        _check_flow_picture(**size)
        command = flow_video_command(place, media=source.media, ffmpeg=source.ffmpeg, fps=source.fps, **size)
        with running(command, source.media.timeout_seconds, stdin=subprocess.PIPE) as process:
            _feed(chain([first], flow), process, written)


def _check_flow_picture(height: int, width: int) -> None:
    """MediaError if a picture of that size is more than can be encoded."""
    if max(height, width) > LONGEST_H264_SIDE:
        flow = f"flow of {width} x {height // 2} pixels, horizontal above vertical"
        what = f"{flow}, is a picture of {width} x {height}"
        raise MediaError("too large", detail=f"{what}, no side of which may have more than {LONGEST_H264_SIDE}")


def _feed(pictures: Iterable[np.ndarray], process: subprocess.Popen[bytes], written: Written) -> None:
    assert process.stdin is not None
    try:
        for picture in pictures:
            process.stdin.write(picture.tobytes())
            written.num_frames += 1
            written.go_on()
    except DecodeError:
        process.stdin.close()
        process.wait()  # what could be decoded becomes a whole file
        raise
    except BrokenPipeError:
        return  # the encoder has ended; `running` knows why
    process.stdin.close()
