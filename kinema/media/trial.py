"""One video decoded and stored for a trial, at most its first minute -> what all of it would take."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.experiment.data_sections import Media
from kinema.media.failures import one_file
from kinema.media.ffmpeg import DecodeError
from kinema.media.filters import check_filters
from kinema.media.frame_folders import FrameFolder, open_folder
from kinema.media.inputs import Segment
from kinema.media.probe import DEFAULT_FPS, MediaError, Probe
from kinema.media.sizes import probe_within_limits
from kinema.media.sources import sources_of
from kinema.media.storages.interface import Storage
from kinema.media.storages.source import Source
from kinema.media.storages.written import Written

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a video takes: its stored frames, their bytes, and the seconds of one core. A video that fails has none."""

    frames: float
    num_bytes: float
    seconds: float

    def times(self, factor: float) -> "Taken":
        """So many times as much."""
        return Taken(self.frames * factor, self.num_bytes * factor, self.seconds * factor)


@dataclass(frozen=True, slots=True)
class _Entered:
    """What is decoded: a part of a video, which is a `share` of all that is wanted of it."""

    path: Path
    segment: Segment
    about: Probe
    folder: FrameFolder | None
    share: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Decodes videos of manifest rows, in any number of threads; what is written goes to the folder `spill`.

    Of a video that is longer, `part_seconds` from the start are decoded: not every file can be entered later.
    """

    storage: Storage[Any]
    ffmpeg: str
    spill: Path
    part_seconds: float = 60.0

    @property
    def media(self) -> Media:
        """The settings that frames are made with."""
        return self.storage.media

    def __call__(self, row: Row, number: int) -> Taken:
        """What the video of a row takes; `number` names its files, so it must be unique.

        Raises OSError if they cannot be written.
        """
        scratch = self.spill / f"source-{number}"
        try:
            with sources_of([row], scratch=scratch, stop=threading.Event()) as sources, sources.local(row) as path:
                return self._taken(row | {"path": str(path)}, number)
        except MediaError:
            return Taken(0, 0, 0)

    def _taken(self, row: Row, number: int) -> Taken:
        """The same of a row whose file is here."""
        place = self.storage.place(self.spill, number)
        written = Written(max_gigabytes=self.media.max_gigabytes, stop=threading.Event())
        started_at = time.monotonic()
        try:
            entered = self._entered(row)
            self._write(entered, place, written)
        except DecodeError:  # what could be decoded is stored
            pass
        except MediaError:
            return Taken(0, 0, time.monotonic() - started_at)
        finally:
            seconds = time.monotonic() - started_at
            self.storage.discard(place)
        taken = Taken(written.num_frames, written.num_bytes, seconds).times(1 / entered.share)
        is_too_large = taken.num_bytes > self.media.max_gigabytes * 1e9
        return Taken(0, 0, taken.seconds) if is_too_large else taken

    def _entered(self, row: Row) -> _Entered:
        """The video of a row, or the first part of it. Raises MediaError where it cannot be used."""
        path = Path(row["path"])
        with one_file():
            if path.is_dir():
                seconds = open_folder(row, media=self.media, ffmpeg=self.ffmpeg).about.duration_seconds
                part, share = self._part(row, fps=self.media.frames_fps, duration_seconds=seconds)
                folder = open_folder(part, media=self.media, ffmpeg=self.ffmpeg)
                entered = _Entered(path, Segment(about=folder.about), folder.about, folder, share)
            else:
                about = probe_within_limits(path, media=self.media, ffmpeg=self.ffmpeg)
                part, share = self._part(row, fps=about.fps or DEFAULT_FPS, duration_seconds=about.duration_seconds)
                entered = _Entered(path, Segment.of(part, about), about, None, share)
            check_filters(entered.about, media=self.media, ffmpeg=self.ffmpeg)
        return entered

    def _write(self, entered: _Entered, place: Any, written: Written) -> None:
        with one_file(writes=True):
            if entered.folder is None:
                self._decode(entered.path, entered, place, written)
            elif self.storage.link(entered.folder, place, written):
                if entered.path.stat().st_dev == self.spill.stat().st_dev:  # else they are copies
                    written.num_bytes = 0
            else:
                with entered.folder.fed() as pipe:
                    self._decode(pipe, entered, place, written)

    def _decode(self, path: Path, entered: _Entered, place: Any, written: Written) -> None:
        segment, about = entered.segment, entered.about
        source = Source(path=path, segment=segment, about=about, media=self.media, ffmpeg=self.ffmpeg)
        self.storage.write(source, place, written)

    def _part(self, row: Row, *, fps: float, duration_seconds: float | None) -> tuple[Row, float]:
        """A row that asks for no more than `part_seconds`, and the share that this is of what the row asks for."""
        unit = 1 / fps if row.get("unit") == "frames" else 1.0
        start = (row.get("start") or 0) * unit
        ends = [end for end in (duration_seconds, row["end"] * unit if row.get("end") is not None else None) if end]
        if not ends or min(ends) - start <= self.part_seconds:
            return row, 1.0
        part = row | {"start": start, "end": start + self.part_seconds, "unit": "seconds"}
        return part, self.part_seconds / (min(ends) - start)
