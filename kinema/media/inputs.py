"""What ffmpeg reads: a source video, the part of it that is wanted, and where its file is entered."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as ffmpeg_python

from kinema.experiment.data_sections import Media
from kinema.media.containers import SELF_CONTAINED
from kinema.media.layout import TICKS
from kinema.media.probe import LARGEST_MAX_PIXELS, Probe

ENTRY_SECONDS = 30  # a file is entered so long before a segment: more than key frames are apart, as a rule


@dataclass(frozen=True, slots=True)
class Segment:
    """The part [start, end) of a video, in seconds or in frames from 0; None: from the beginning, to the end.

    `seek`: the file may be entered at a key frame before the start instead of being decoded from its beginning.
    `about`: what the file says of itself; without it its first video stream is taken, its time stamps as they are, and
    its pictures as progressive and of standard range.
    """

    start: float | None = None
    end: float | None = None
    unit: str = "seconds"
    seek: bool = False
    about: Probe | None = None

    @classmethod
    def of(cls, row: dict[str, Any], about: Probe) -> "Segment":
        """The segment that a manifest row asks for; the whole video where it names none."""
        seek = about.is_indexed and about.has_times
        return cls(row.get("start"), row.get("end"), row.get("unit", "seconds"), seek, about)

    @property
    def is_whole(self) -> bool:
        """Whether it is all of the video."""
        return not self.start and self.end is None


WHOLE = Segment()


def pictures_of(path: Path, *, media: Media, segment: Segment = WHOLE) -> Any:
    """The pictures of a file as ffmpeg decodes them: those of one video stream. It opens no other file."""
    # `file:` is taken literally: a leading `-`, a colon or a per cent sign in the name means nothing
    options = {"threads": 1, "max_pixels": max_pixels(media), **SELF_CONTAINED, **_entry(segment)}
    if path.is_fifo():
        # pictures that `kinema.media.frame_folders` feeds; the pipe's name says what they are
        options |= {"format": "nut", "vcodec": path.suffix[1:]}
    source = ffmpeg_python.input(f"file:{path}", **options)
    about = segment.about
    pictures = source[str(about.stream) if about else "V:0"]  # V leaves out cover pictures
    if about and not about.has_times:
        return pictures.filter("settb", f"1/{TICKS}").filter("setpts", f"N*{TICKS}/{about.fps!r}")
    return pictures


def max_pixels(media: Media) -> int:
    """The largest picture that ffmpeg may decode, with room for what codecs add to its sides."""
    return min(LARGEST_MAX_PIXELS, int(1.1e6 * media.max_megapixels))


def _entry(segment: Segment) -> dict[str, Any]:
    """Input options that enter a long file well before the segment. What comes too early is cut by its time stamp."""
    entry = (segment.start or 0) - ENTRY_SECONDS
    if segment.unit != "seconds" or not segment.seek or entry <= 0:
        return {}
    return {"ss": entry, "noaccurate_seek": None}
