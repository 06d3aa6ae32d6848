"""One source video -> files with its frames and a record of what became of it; bad media end as `failed`."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.digests import file_digest
from kinema.experiment.data_sections import Media
from kinema.media.commands import ffmpeg_version
from kinema.media.digests import content_hash
from kinema.media.failures import one_file
from kinema.media.ffmpeg import DecodeError
from kinema.media.filters import can_note, check_filters, remark_on_pixels
from kinema.media.frame_folders import FrameFolder, open_folder
from kinema.media.frame_times import EVEN, UNKNOWN, facts_of, facts_of_earlier, read_noted
from kinema.media.inputs import Segment
from kinema.media.outcome import DAMAGED, Outcome
from kinema.media.plan import SEGMENT_KEYS
from kinema.media.probe import MediaError, Probe
from kinema.media.recipe import recipe_of
from kinema.media.remote.address import is_remote
from kinema.media.samples import UNREADABLE
from kinema.media.sizes import probe_within_limits
from kinema.media.sources import LOCAL, Sources
from kinema.media.storages.interface import Decoded, Record, Storage
from kinema.media.storages.source import Source, stored_fps
from kinema.media.storages.written import Written

# Raise it when an edit of the code changes frames: every video is decoded anew then. An edit alone decodes nothing,
# because most edits change no frame and Kinetics takes days.
FRAMES_VERSION = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """Decodes the videos of manifest rows, in any number of threads; frames go to the folder `spill`."""

    storage: Storage[Any]
    ffmpeg: str
    spill: Path
    stop: threading.Event

    @property
    def media(self) -> Media:
        """The settings that frames are made with."""
        return self.storage.media

    def __call__(self, row: dict[str, Any], number: int, sources: Sources = LOCAL) -> Decoded[Any] | None:
        """Decode the video of a row; None if its file is gone. `number` names its frames, so it must be unique.

        Raises OSError if the frames cannot be written, StoppedError once `stop` is set.
        """
        place, record = self.storage.place(self.spill, number), self._identity(row)
        try:
            with sources.local(row) as path:
                facts = self._decode(row, path, place, record, self.spill / f"{number}.times")
        except MediaError as error:
            self.storage.discard(place)
            if error.reason == "missing":
                return None
            log.warning("%s failed: %s (%s)", row["id"], error, row["path"])
            return Decoded(record | self._failure(error), None)
        if facts["detail"]:
            level = logging.INFO if facts["truncated"] else logging.WARNING  # the report names damaged ones
            log.log(level, "%s: %s (%s)", row["id"], facts["detail"], row["path"])
        return Decoded(record | {"status": "ok"} | facts, place)

    def _decode(self, row: dict[str, Any], path: Path, place: Any, record: Record, times: Path) -> Record:
        """Write the frames of a video; what its record says of them. Raises as `__call__`, MediaError if it failed.

        When they are shown is noted in the file `times` meanwhile.
        """
        said, folder = None, None
        written = Written(max_gigabytes=self.media.max_gigabytes, stop=self.stop)
        with one_file():
            # first, since a file that cannot be read to its end would look damaged
            record["content"] = content_hash(str(path), row["token"])
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
                    self._write_folder(folder, place, written)
                else:
                    noted = times if self._has_own_times(about) and can_note(self.ffmpeg) else None
                    self._write(path, segment, about, place, written, noted)
            except DecodeError as error:
                said = error
        with one_file():
            outcome = Outcome(path, segment, self.media, written.num_frames, said, folder)
            outcome.check()
            facts = self._facts(about, written) | self._times(times, about, written)
            remarks = [outcome.damage, outcome.remark, remark_on_pixels(about, self.media)]
            return facts | {"truncated": bool(outcome.damage), "detail": "; ".join(filter(None, remarks)) or None}

    def _write_folder(self, folder: FrameFolder, place: Any, written: Written) -> None:
        if not self.storage.link(folder, place, written):
            with folder.fed() as pipe:
                # only the pictures of the part come through the pipe
                self._write(pipe, Segment(about=folder.about), folder.about, place, written)

    def _write(
        self, path: Path, segment: Segment, about: Probe, place: Any, written: Written, times: Path | None = None
    ) -> None:
        source = Source(path=path, segment=segment, about=about, media=self.media, ffmpeg=self.ffmpeg, times=times)
        self.storage.write(source, place, written)

    def current(self, record: Record, row: dict[str, Any]) -> Record | None:
        """What decoding the video of a row again would give, by the record of an earlier run; None if that is unknown.

        A source with another token is read: what counts is its content. A remote one would have to be brought for it.
        """
        wanted = self._identity(row)
        if any(record.get(key) != wanted[key] for key in wanted.keys() - {"min_frames", "source_token"}):
            return None
        if not self._is_settled(record) or not _is_same_source(record, row):
            return None
        known = {key: value for key, value in record.items() if key != "source_mtime_ns"}  # of earlier versions
        if record.get("status") == "ok" and "is_even" not in record:  # an earlier version stored no times
            if (times := self._times_of_earlier(row, record)) is None:
                return None
            known |= times
        return known | {"source_token": row["token"]}

    def _times_of_earlier(self, row: dict[str, Any], record: Record) -> Record | None:
        """What a record says of the times of frames that lie there without; None where they have to be noted."""
        path = Path(row["path"])
        if self.media.fps or path.is_dir():
            return EVEN
        if is_remote(row["path"]):
            return UNKNOWN  # not worth bringing all of them once more
        if record["truncated"]:
            return None
        try:
            with one_file():
                about = probe_within_limits(path, media=self.media, ffmpeg=self.ffmpeg)
                is_whole = Segment.of(row, about).is_whole
                num_pictures = self._num_pictures(record["num_frames"]) if is_whole else None
                timeout = self.media.timeout_seconds
                return facts_of_earlier(path, row["token"], about, num_pictures=num_pictures, timeout_seconds=timeout)
        except MediaError as error:
            return UNKNOWN if error.passing else None  # decoding tells why; what lies there is not lost for a moment

    def _num_pictures(self, num_frames: int) -> int:
        """Of so many frames: of flow each has a picture, and the last picture has none."""
        return num_frames + (self.media.modality == "flow")

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

    def _has_own_times(self, about: Probe) -> bool:
        """Whether frames are shown when the file says; else they follow each other at the rate of what is stored."""
        return about.has_times and not self.media.fps

    def _times(self, noted: Path, about: Probe, written: Written) -> Record:
        """What a record says of when the frames are shown."""
        if not self._has_own_times(about):
            return EVEN
        num_frames, fps = written.num_frames, stored_fps(about, self.media)
        times = read_noted(noted)
        noted.unlink(missing_ok=True)
        return facts_of(times, num_frames=num_frames, num_pictures=self._num_pictures(num_frames), fps=fps)

    def _facts(self, about: Probe, written: Written) -> Record:
        """What a record says of good frames; rate and duration are those of the stored ones."""
        fps = stored_fps(about, self.media)
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
    if is_remote(row["path"]):
        return False
    try:
        return record.get("content") == content_hash(row["path"], row["token"])
    except MediaError:
        return False
