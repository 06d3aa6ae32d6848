"""One source video -> files with its frames and a record of what became of it; bad media end as `failed`."""

import contextlib
import logging
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np

from kinema.digests import file_digest
from kinema.experiment.data_sections import Media
from kinema.media.archive import Record
from kinema.media.commands import ffmpeg_version, flow_video_command, video_command
from kinema.media.digests import FramesDigest, content_hash
from kinema.media.failures import StoppedError, one_file
from kinema.media.ffmpeg import DecodeError, grey_stream, jpeg_size, jpeg_stream, running
from kinema.media.filters import check_filters, remark_on_pixels
from kinema.media.flow import encode_jpeg, flow_pictures
from kinema.media.frame_folders import FrameFolder, open_folder
from kinema.media.inputs import Segment
from kinema.media.layout import FILE_NAMES
from kinema.media.linked_frames import linkable, linked
from kinema.media.listing import UNREADABLE
from kinema.media.outcome import DAMAGED, Outcome
from kinema.media.plan import SEGMENT_KEYS
from kinema.media.probe import DEFAULT_FPS, MediaError, Probe, probe
from kinema.media.recipe import recipe_of
from kinema.media.shown import scaled_size
from kinema.media.sizes import check_flow_picture, probe_within_limits

# Raise it when a change of this code changes frames: every video is decoded anew then. An edit alone decodes nothing,
# because most edits change no frame and Kinetics takes days.
FRAMES_VERSION = 3
IN_MEMORY_BYTES = 16 << 20  # of packed frames; there may be two videos a worker
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The record of a video that was just tried, and its frames (None unless its status is `ok`).

    An open file of JPEG pictures back to back (`packed`), or where a folder of them (`frames`) or an mp4 file (`video`)
    lies.
    """

    record: Record
    frames: Path | IO[bytes] | None


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
        frames, record = self._place(number), self._identity(row)
        try:
            facts = self._decode(row, frames, record)
        except MediaError as error:
            remove(frames)
            if error.reason == "missing":
                return None
            log.warning("%s failed: %s (%s)", row["id"], error, row["path"])
            return Decoded(record | self._failure(error), None)
        if facts["detail"]:
            level = logging.INFO if facts["truncated"] else logging.WARNING  # the report names damaged ones
            log.log(level, "%s: %s (%s)", row["id"], facts["detail"], row["path"])
        return Decoded(record | {"status": "ok"} | facts, frames)

    def _decode(self, row: dict[str, Any], frames: Path | IO[bytes], record: Record) -> Record:
        """Write the frames of a video; what its record says of them. Raises as `__call__`, MediaError if it failed."""
        path, written, said, folder = Path(row["path"]), Written(), None, None
        with one_file():
            # first, since a file that cannot be read to its end would look damaged
            record["content"] = content_hash(row["path"], row["token"])
            if path.is_dir():
                folder = open_folder(row, media=self.media, ffmpeg=self.ffmpeg)
                about = folder.about
            else:
                about = probe_within_limits(path, media=self.media, ffmpeg=self.ffmpeg)
            check_filters(about, media=self.media, ffmpeg=self.ffmpeg)
            segment = Segment.of(row, about)
        with one_file(writes=True):
            try:
                if folder:
                    self._write_folder(folder, row, frames, written)
                else:
                    self._write(path, segment, frames, written)
            except DecodeError as error:
                said = error
        with one_file():
            outcome = Outcome(path, segment, self.media, written.num_frames, said, folder)
            outcome.check()
            facts = self._facts(about, written)
            remarks = [outcome.damage, outcome.remark, remark_on_pixels(about, self.media)]
            return facts | {"truncated": bool(outcome.damage), "detail": "; ".join(filter(None, remarks)) or None}

    def _place(self, number: int) -> Path | IO[bytes]:
        """Where the frames of a video go first; packed ones stay in memory, unless they are very many."""
        if self.media.storage == "packed":
            return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=str(self.spill))
        return self.spill / str(number)

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

    def _write(self, path: Path, segment: Segment, out: Path | IO[bytes], written: Written) -> None:
        assert segment.about
        if isinstance(out, Path) and self.media.storage == "video":
            self._write_video(path, segment, out, written, self._rate(segment.about))
            return
        width, height = scaled_size(segment.about, self.media)
        # Rows are what readers can leave out, so a long side should be one of many rows. Files of single frames are for
        # other tools, too, some of which do not look at Exif tags.
        transposed = width > height and self.media.storage == "packed"
        with contextlib.closing(self._jpegs(path, segment, transposed)) as frames:
            if isinstance(out, Path):
                self._write_files(frames, out, written)
            else:
                self._write_packed(frames, out, written)

    def _write_folder(self, folder: FrameFolder, row: dict[str, Any], out: Path | IO[bytes], written: Written) -> None:
        if isinstance(out, Path) and (pictures := linkable(folder, media=self.media)):
            for jpeg in linked(pictures, out):
                written.add([jpeg])
                self._go_on(written)
            return
        with folder.fed() as pipe:
            # only the pictures of the part come through the pipe
            self._write(pipe, Segment(about=folder.about), out, written)

    def _jpegs(self, source: Path, segment: Segment, transposed: bool) -> Generator[list[bytes], None, None]:
        """The JPEG files of each frame: one picture, or horizontal and vertical flow."""
        if self.media.modality == "rgb":
            options: dict[str, Any] = {"media": self.media, "ffmpeg": self.ffmpeg, "segment": segment}
            for jpeg in jpeg_stream(source, transposed=transposed, **options):
                yield [jpeg]
        else:
            for flow in self._flow(source, segment):
                yield [encode_jpeg(part, quality=self.media.jpeg_quality, transposed=transposed) for part in flow]

    def _flow(self, source: Path, segment: Segment) -> Generator[np.ndarray, None, None]:
        with contextlib.closing(grey_stream(source, media=self.media, ffmpeg=self.ffmpeg, segment=segment)) as grey:
            yield from flow_pictures(grey, bound=self.media.flow_bound)

    def _write_packed(self, frames: Iterable[list[bytes]], out: IO[bytes], written: Written) -> None:
        for jpegs in frames:
            out.writelines(jpegs)
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
            check_flow_picture(**size)
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


def remove(frames: Path | IO[bytes]) -> None:
    """Remove a file or a folder of frames, if it is there."""
    if not isinstance(frames, Path):
        frames.close()
    elif frames.is_dir():
        shutil.rmtree(frames)
    else:
        frames.unlink(missing_ok=True)
