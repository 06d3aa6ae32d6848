"""What came out of a video -> whether that is all of it: damage, too few frames, a part that the file does not have."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from kinema.config import Media
from kinema.media.ffmpeg import DecodeError
from kinema.media.inputs import Segment
from kinema.media.packets import Packets, read_packets
from kinema.media.probe import MediaError, Probe

DAMAGED = "damaged"  # and `media.damaged` is `drop`
SHORT = 0.9  # of the frames that a part should have: fewer are worth a remark


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`num_frames` frames of a video; `said` is the damage that ffmpeg met on the way."""

    path: Path
    about: Probe
    segment: Segment
    media: Media
    num_frames: int
    said: DecodeError | None

    @cached_property
    def damage(self) -> str | None:
        """What is damaged or missing, as far as that can be told; of a part of a video, what ffmpeg met."""
        if self.said is not None and not (self.said.doubts and self._packets.explain(self.said.doubts, self._decoded)):
            return f"after frame {self.num_frames}: {self.said.detail}"
        return self._packets.loss() if self.segment.is_whole else None

    def check(self) -> None:
        """MediaError if too little came out, or damage that `media.damaged` does not allow."""
        if self.num_frames < self.media.min_frames:
            if self.damage:
                raise DecodeError(self.damage)
            few = MediaError("too few frames", detail=f"{self.num_frames} of {self.media.min_frames}")
            raise self._outside() or few
        if self.damage and self.media.damaged == "drop":
            raise MediaError(DAMAGED, detail=self.damage)

    @property
    def remark(self) -> str | None:
        """That a part ends behind the end of the file."""
        start, end = self.segment.start or 0, self.segment.end
        if end is None or self.media.fps:
            return None
        if self.segment.unit == "frames":
            is_short = self._pictures < end - start
            return f"the file ends after {self._pictures} of the {end - start:g} frames" if is_short else None
        is_short = self._pictures < SHORT * (end - start) * (self.about.fps or 0)
        seconds = self.about.duration_seconds
        if not is_short or seconds is None or seconds >= end:
            return None
        return f"the file ends at {seconds:.2f} s, the part at {end:g} s"

    @property
    def _pictures(self) -> int:
        """Pictures that were decoded: flow is between two of them."""
        return self.num_frames + (self.media.modality == "flow")

    @property
    def _decoded(self) -> int | None:
        return self._pictures if self.segment.is_whole and not self.media.fps else None

    @cached_property
    def _packets(self) -> Packets:
        return read_packets(self.path, stream=self.about.stream, timeout_seconds=self.media.timeout_seconds)

    def _outside(self) -> MediaError | None:
        """The failure of a part that begins after the last picture or ends before the first one."""
        start, end, found = self.segment.start or 0, self.segment.end, self._packets
        if self.num_frames or self.segment.is_whole or not found.num_pictures:
            return None
        if self.segment.unit == "frames":
            where = f"the part begins at frame {start:g}, the file has {found.num_pictures}"
            return MediaError("after the end of the file", detail=where) if start >= found.num_pictures else None
        if start >= found.end:
            where = f"the part begins at {start:g} s, the file ends at {found.end:.2f} s"
            return MediaError("after the end of the file", detail=where)
        if end is not None and end <= found.begin:
            where = f"the part ends at {end:g} s, the first picture is at {found.begin:.2f} s"
            return MediaError("before the first picture", detail=where)
        return None
