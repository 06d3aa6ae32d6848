"""One source video -> files with its frames and a record of what became of it; bad media end as `failed`."""

import contextlib
import logging
import shutil
import subprocess
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from kinema.config import Media
from kinema.digests import file_digest
from kinema.media.archive import Record
from kinema.media.commands import DEFAULT_FPS, ffmpeg_version, flow_video_command, video_command
from kinema.media.digests import FramesDigest, content_hash
from kinema.media.failures import StoppedError, one_file
from kinema.media.ffmpeg import DecodeError, grey_stream, jpeg_size, jpeg_stream, running
from kinema.media.flow import encode_jpeg, flow_pictures
from kinema.media.inputs import Segment
from kinema.media.layout import FILE_NAMES
from kinema.media.listing import UNREADABLE
from kinema.media.outcome import DAMAGED, Outcome
from kinema.media.plan import SEGMENT_KEYS
from kinema.media.probe import MediaError, Probe, probe
from kinema.media.recipe import recipe_of
from kinema.media.sizes import probe_within_limits

# Raise it when a change of this code changes frames: every video is decoded anew then. An edit alone decodes nothing,
# because most edits change no frame and Kinetics takes days.
FRAMES_VERSION = 2
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The record of a video that was just tried, and where its frames are (None unless its status is `ok`).

    A file of JPEG pictures back to back (`packed`), a folder of them (`frames`), or an mp4 file (`video`).
    """

    record: Record
    frames: Path | None


@dataclass(slots=True)
class Written:
    """What has reached the disk of one video."""

    num_frames: int = 0
    num_bytes: int = 0
    height: int = 0
    width: int = 0
    frame_bytes: list[int] = field(default_factory=list)  # of JPEG frames
    digest: FramesDigest = field(default_factory=FramesDigest)

    def add(self, jpegs: list[bytes]) -> None:
        """Count a frame of one JPEG file, or two of the same size."""
        if not self.num_frames:
            self.height, self.width = jpeg_size(jpegs[0])
        self.num_frames += 1
        self.frame_bytes.append(sum(len(jpeg) for jpeg in jpegs))
        self.num_bytes += self.frame_bytes[-1]
        for jpeg in jpegs:
            self.digest.add(jpeg)


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """Decodes the videos of manifest rows, in any number of threads; frames go to the folder `spill`."""

    media: Media
    ffmpeg: str
    spill: Path
    stop: threading.Event

    def __call__(self, row: dict[str, Any], number: int) -> Decoded | None:
        """Decode the video of a row; None if its file is gone. `number` names its frames, so it must be unique.

        Raises OSError if the frames cannot be written, StoppedError once `stop` is set.
        """
        frames, record = self.spill / str(number), self._identity(row)
        try:
            facts = self._decode(row, frames, record)
        except MediaError as error:
            remove(frames)
            if error.reason == "missing":
                return None
            log.warning("%s failed: %s (%s)", row["id"], error, row["path"])
            return Decoded(record | self._failure(error), None)
        if facts["truncated"]:
            log.info("%s is damaged: %s (%s)", row["id"], facts["detail"], row["path"])
        return Decoded(record | {"status": "ok"} | facts, frames)

    def _decode(self, row: dict[str, Any], frames: Path, record: Record) -> Record:
        """Write the frames of a video; what its record says of them. Raises as `__call__`, MediaError if it failed."""
        path, written, said = Path(row["path"]), Written(), None
        with one_file():
            # first, since a file that cannot be read to its end would look damaged
            record["content"] = content_hash(row["path"], row["token"])
            about = probe_within_limits(path, media=self.media, ffmpeg=self.ffmpeg)
            segment = Segment.of(row, about)
        with one_file(writes=True):
            try:
                self._write(path, segment, frames, written, about)
            except DecodeError as error:
                said = error
        with one_file():
            what: dict[str, Any] = {"path": path, "about": about, "segment": segment, "media": self.media}
            outcome = Outcome(num_frames=written.num_frames, said=said, **what)
            outcome.check()
            told = {"truncated": outcome.damage is not None, "detail": outcome.damage or outcome.remark}
            return self._facts(about, written) | told

    def current(self, record: Record, row: dict[str, Any]) -> Record | None:
        """What decoding the video of a row again would give, by the record of an earlier run; None if that is unknown.

        A source with another token is read: what counts is its content.
        """
        wanted = self._identity(row)
        if any(record.get(key) != wanted[key] for key in wanted.keys() - {"min_frames", "source_token"}):
            return None
        if not self._is_settled(record) or not _is_same_source(record, row):
            return None
        known = {key: value for key, value in record.items() if key != "source_mtime_ns"}  # of earlier versions
        return known | {"source_token": row["token"]}

    def _is_settled(self, record: Record) -> bool:
        drops_damaged = self.media.damaged == "drop"
        if record.get("status") == "ok":
            return record["num_frames"] >= self.media.min_frames and not (record["truncated"] and drops_damaged)
        if record.get("reason") == DAMAGED and not drops_damaged:
            return False
        if record.get("passing") is not False or record.get("min_frames") != self.media.min_frames:
            return False
        if any(getattr(self.media, name, value) > value for name, value in record.get("limits", {}).items()):
            return False
        # another ffmpeg may know the codec; records of earlier versions name its version only
        return all(record.get(key, value) == value for key, value in self._ffmpeg_identity().items())

    def _ffmpeg_identity(self) -> Record:
        return {"ffmpeg": ffmpeg_version(self.ffmpeg), "ffmpeg_digest": file_digest(self.ffmpeg)}

    def _identity(self, row: dict[str, Any]) -> Record:
        return {
            "id": row["id"],
            "source_size": row["size"],
            "source_token": row["token"],
            "recipe": recipe_of(self.media),
            "frames_version": FRAMES_VERSION,
            "min_frames": self.media.min_frames,
            **{key: row.get(key) for key in SEGMENT_KEYS},
        }

    def _failure(self, error: MediaError) -> Record:
        return {
            "status": "failed",
            "reason": error.reason,
            "detail": error.detail or None,
            "passing": error.passing,
            "limits": {error.limit: getattr(self.media, error.limit)} if error.limit else {},
            "num_bytes": 0,
            **self._ffmpeg_identity(),
        }

    def _write(self, path: Path, segment: Segment, out: Path, written: Written, about: Probe) -> None:
        if self.media.storage == "video":
            self._write_video(path, segment, out, written, self._rate(about))
            return
        write = self._write_packed if self.media.storage == "packed" else self._write_files
        with contextlib.closing(self._jpegs(path, segment)) as frames:
            write(frames, out, written)

    def _jpegs(self, source: Path, segment: Segment) -> Generator[list[bytes], None, None]:
        """The JPEG files of each frame: one picture, or horizontal and vertical flow."""
        if self.media.modality == "rgb":
            for jpeg in jpeg_stream(source, media=self.media, ffmpeg=self.ffmpeg, segment=segment):
                yield [jpeg]
        else:
            for flow in self._flow(source, segment):
                yield [encode_jpeg(part, quality=self.media.jpeg_quality) for part in flow]

    def _flow(self, source: Path, segment: Segment) -> Generator[np.ndarray, None, None]:
        with contextlib.closing(grey_stream(source, media=self.media, ffmpeg=self.ffmpeg, segment=segment)) as grey:
            yield from flow_pictures(grey, bound=self.media.flow_bound)

    def _write_packed(self, frames: Iterable[list[bytes]], out: Path, written: Written) -> None:
        with out.open("wb") as file:
            for jpegs in frames:
                file.writelines(jpegs)
                written.add(jpegs)
                self._go_on(written)

    def _write_files(self, frames: Iterable[list[bytes]], out: Path, written: Written) -> None:
        names = FILE_NAMES[self.media.modality]
        out.mkdir()
        for jpegs in frames:
            written.add(jpegs)
            for name, jpeg in zip(names, jpegs, strict=True):
                (out / f"{name}_{written.num_frames:05d}.jpg").write_bytes(jpeg)
            self._go_on(written)

    def _write_video(self, path: Path, segment: Segment, out: Path, written: Written, fps: float) -> None:
        encode = self._encode_video if self.media.modality == "rgb" else self._encode_flow
        damage = None
        try:
            encode(path, segment, out, written, fps)
        except DecodeError as error:
            damage = error
        if written.num_frames and out.is_file():
            stored = probe(out)
            planes = 2 if self.media.modality == "flow" else 1
            written.num_bytes = out.stat().st_size
            written.height, written.width = stored.height // planes, stored.width
            written.digest.add_part(out, 0, written.num_bytes)
        if damage:
            raise damage

    def _encode_video(self, source: Path, segment: Segment, out: Path, written: Written, fps: float) -> None:
        command = video_command(source, out, media=self.media, ffmpeg=self.ffmpeg, fps=fps, segment=segment)
        with running(command, self.media.timeout_seconds) as process:
            for line in process.stdout:
                key, _, value = line.strip().partition(b"=")
                if key == b"frame":
                    written.num_frames = int(value)
                elif key == b"total_size" and value.isdigit():
                    written.num_bytes = int(value)
                    self._go_on(written)

    def _encode_flow(self, source: Path, segment: Segment, out: Path, written: Written, fps: float) -> None:
        with contextlib.closing(self._flow(source, segment)) as flow:
            if (first := next(flow, None)) is None:
                return
            size = {"height": 2 * first.shape[1], "width": first.shape[2]}  # x above y
            command = flow_video_command(out, media=self.media, ffmpeg=self.ffmpeg, fps=fps, **size)
            with running(command, self.media.timeout_seconds, stdin=subprocess.PIPE) as process:
                self._feed(chain([first], flow), process, written)

    def _feed(self, pictures: Iterable[np.ndarray], process: subprocess.Popen[bytes], written: Written) -> None:
        assert process.stdin is not None
        try:
            for picture in pictures:
                process.stdin.write(picture.tobytes())
                written.num_frames += 1
                self._go_on(written)
        except DecodeError:
            process.stdin.close()
            process.wait()  # what could be decoded becomes a whole file
            raise
        except BrokenPipeError:
            return  # the encoder has ended; `running` knows why
        process.stdin.close()

    def _go_on(self, written: Written) -> None:
        if self.stop.is_set():
            raise StoppedError
        if written.num_bytes > self.media.max_gigabytes * 1e9:
            detail = f"more than media.max_gigabytes = {self.media.max_gigabytes:g} of frames"
            raise MediaError("too large", detail=detail, limit="max_gigabytes")

    def _rate(self, about: Probe) -> float:
        """Frames per second of what is stored."""
        return self.media.fps or about.fps or DEFAULT_FPS

    def _facts(self, about: Probe, written: Written) -> Record:
        """What a record says of good frames; rate and duration are those of the stored ones."""
        fps = self._rate(about)
        return {
            "num_frames": written.num_frames,
            "height": written.height,
            "width": written.width,
            "fps": fps,
            "duration_seconds": written.num_frames / fps,
            "num_bytes": written.num_bytes,
            "frame_bytes": written.frame_bytes,
            "frames_digest": str(written.digest),
        }


def _is_same_source(record: Record, row: dict[str, Any]) -> bool:
    """Whether a row's file has the bytes that the record is of."""
    if record.get("source_token") == row["token"] != UNREADABLE:
        return True
    try:
        return record.get("content") == content_hash(row["path"], row["token"])
    except MediaError:
        return False


def remove(frames: Path) -> None:
    """Remove a file or a folder of frames, if it is there."""
    if frames.is_dir():
        shutil.rmtree(frames)
    else:
        frames.unlink(missing_ok=True)
