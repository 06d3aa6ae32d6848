"""One source video -> a file with its JPEG frames and a record of what became of it; bad media end as `failed`."""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.config import Media
from kinema.media.archive import Record
from kinema.media.ffmpeg import DecodeError, jpeg_size, jpeg_stream
from kinema.media.probe import MediaError, Probe, probe

# Raise it when a change of this code changes frames: every video is decoded anew then. An edit alone decodes nothing,
# because most edits change no frame and Kinetics takes days.
FRAMES_VERSION = 1
log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The run is ending; the video was given up half-way."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """The record of a video that was just tried, and the file with its frames (None unless its status is `ok`)."""

    record: Record
    frames: Path | None


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """Decodes the videos of manifest rows, in any number of threads; frames go to files in the folder `spill`."""

    media: Media
    ffmpeg: str
    spill: Path
    stop: threading.Event

    def __call__(self, row: dict[str, Any], number: int) -> Decoded | None:
        """Decode the video of a row; None if its file is gone. `number` names the file of frames, so it must be unique.

        Raises OSError if the frames cannot be written, StoppedError once `stop` is set.
        """
        frames = self.spill / f"{number}.mjpg"
        record = {
            "id": row["id"],
            "source_size": row["size"],
            "source_mtime_ns": row["mtime_ns"],
            "recipe": self.media.recipe,
            "frames_version": FRAMES_VERSION,
            "min_frames": self.media.min_frames,
        }
        try:
            about = probe(Path(row["path"]))
            lengths, truncated = self._write_frames(Path(row["path"]), frames)
        except MediaError as error:
            frames.unlink(missing_ok=True)
            if error.reason == "missing":
                return None
            log.warning("%s failed: %s (%s)", row["id"], error, row["path"])
            failure = {"reason": error.reason, "detail": error.detail, "passing": error.passing, "num_bytes": 0}
            return Decoded(record | {"status": "failed"} | failure, None)
        return Decoded(record | {"status": "ok", "truncated": truncated} | self._facts(about, frames, lengths), frames)

    def is_current(self, record: Record, row: dict[str, Any]) -> bool:
        """Whether decoding the video of a row again would give what this record says."""
        keys = ("source_size", "source_mtime_ns", "recipe", "frames_version")
        wanted = (row["size"], row["mtime_ns"], self.media.recipe, FRAMES_VERSION)
        if tuple(record.get(key) for key in keys) != wanted:
            return False
        if record["status"] == "ok":
            return record["num_frames"] >= self.media.min_frames
        return not record["passing"] and record["min_frames"] == self.media.min_frames

    def _write_frames(self, source: Path, frames: Path) -> tuple[list[int], bool]:
        """Byte length of each frame, and whether ffmpeg met damage on the way; MediaError if there are too few."""
        lengths: list[int] = []
        damage: DecodeError | None = None
        with frames.open("wb") as file:
            try:
                for jpeg in jpeg_stream(source, media=self.media, ffmpeg=self.ffmpeg):
                    if self.stop.is_set():
                        raise StoppedError
                    file.write(jpeg)
                    lengths.append(len(jpeg))
            except DecodeError as error:
                damage = error
        if len(lengths) < self.media.min_frames:
            raise damage or MediaError("too few frames", detail=f"{len(lengths)} of at least {self.media.min_frames}")
        return lengths, damage is not None

    def _facts(self, about: Probe, frames: Path, lengths: Sequence[int]) -> Record:
        """What a record says of good frames. The rate is that of the stored frames, the duration that of the source."""
        with frames.open("rb") as file:
            height, width = jpeg_size(file.read(lengths[0]))
        fps, duration_seconds = self.media.fps or about.fps, about.duration_seconds
        if fps is None and duration_seconds:
            fps = len(lengths) / duration_seconds
        if duration_seconds is None and fps:
            duration_seconds = len(lengths) / fps
        return {
            "num_frames": len(lengths),
            "height": height,
            "width": width,
            "fps": fps,
            "duration_seconds": duration_seconds,
            "num_bytes": sum(lengths),
            "frame_bytes": list(lengths),
        }
