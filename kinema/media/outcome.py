"""What came out of a video -> whether that is all of it: damage, too few frames, a part that the file does not have."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import DecodeError
from kinema.media.frame_folders import FrameFolder
from kinema.media.inputs import Segment
from kinema.media.packets import Packets, read_packets
from kinema.media.probe import DEFAULT_FPS, MediaError, Probe

DAMAGED = "damaged"  # and `media.damaged` is `drop`
SHORT = 0.9  # of the frames that a part should have: fewer are worth a remark


@dataclass(frozen=True)
class Outcome:
    """`num_frames` frames of a video file, or of a `folder` of pictures; `said` is the damage that ffmpeg met."""

    path: Path
    segment: Segment
    media: Media
    num_frames: int
    said: DecodeError | None
    folder: FrameFolder | None = None

    @property
    def damage(self) -> str | None:
        """What is damaged or missing, as far as that can be told; of a part of a file, what ffmpeg met."""
        return "; ".join(filter(None, (self._file_damage, self._folder_damage))) or None

    def check(self) -> None:
        """MediaError if too little came out, or damage that `media.damaged` does not allow."""
        if self.num_frames < self.media.min_frames:
            if self._file_damage:
                raise DecodeError(self._file_damage)
            few = MediaError("too few frames", detail=f"{self.num_frames} of {self.media.min_frames}")
            raise self._outside() or few
        if self.damage and self.media.damaged == "drop":
            raise MediaError(DAMAGED, detail=self.damage)

    @property
    def remark(self) -> str | None:
        """That a part ends behind the end of the file."""
        start, end = self.segment.start or 0, self.segment.end
        if end is None or self.media.fps or self.damage:
            return None
        if self.segment.unit == "frames":
            is_short = self._pictures < end - start
            return f"the file ends after {self._pictures} of the {end - start:g} frames" if is_short else None
        is_short = self._pictures < SHORT * (end - start) * (self._about.fps or 0)
        seconds = self._about.duration_seconds
        if not is_short or seconds is None or seconds >= end:
            return None
        return f"the file ends at {seconds:.2f} s, the part at {end:g} s"

    @cached_property
    def _file_damage(self) -> str | None:
        if self.said is not None and not self._is_explained(self.said):
            return f"after frame {self.num_frames}: {self.said.detail}"
        return self._packets.loss() if self.segment.is_whole and not self.folder else None

    @cached_property
    def _folder_damage(self) -> str | None:
        if not self.folder:
            return None
        return self.folder.trouble(None if self._file_damage else self.num_frames, media=self.media) or None

    def _is_explained(self, said: DecodeError) -> bool:
        if not said.doubts or self.folder:
            return bool(said.doubts)
        num_decoded = self._pictures if self.segment.is_whole and not self.media.fps else None
        return self._packets.explain(said.doubts, num_decoded)

    @property
    def _pictures(self) -> int:
        """Pictures that were decoded: flow is between two of them."""
        return self.num_frames + (self.media.modality == "flow")

    @property
    def _about(self) -> Probe:
        assert self.segment.about
        return self.segment.about

    @cached_property
    def _packets(self) -> Packets:
        return read_packets(self.path, stream=self._about.stream, timeout_seconds=self.media.timeout_seconds)

    def _outside(self) -> MediaError | None:
        """The failure of a part that begins after the last picture or ends before the first one."""
        if self.num_frames or self.segment.is_whole or self.folder or not self._packets.num_pictures:
            return None
        start, end, found = self.segment.start or 0, self.segment.end, self._packets
        if self.segment.unit == "frames":
            where = f"the part begins at frame {start:g}, the file has {found.num_pictures}"
            return MediaError("after the end of the file", detail=where) if start >= found.num_pictures else None
        first, last = found.begin, found.end
        if not self._about.has_times:  # they are made anew
            first, last = 0.0, found.num_pictures / (self._about.fps or DEFAULT_FPS)
        if start >= last:
            where = f"the part begins at {start:g} s, the file ends at {last:.2f} s"
            return MediaError("after the end of the file", detail=where)
        if end is not None and end <= first:
            where = f"the part ends at {end:g} s, the first picture is at {first:.2f} s"
            return MediaError("before the first picture", detail=where)
        return None
