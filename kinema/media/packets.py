"""The packets of a file, read but not decoded -> where its pictures begin and end, and what is missing of them.

Decoders do not miss what they were never given. A lost key frame of VP9 or MPEG-4, a chunk of an AVI that zeros hide,
the end of a file that was cut between two pictures: ffmpeg says nothing, and decodes what is left. But the file itself
tells, by its index, its time stamps, and bytes that no encoder writes. Reading costs some 4 ms of a clip of 10 seconds.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from kinema.media.ends import what_is_cut
from kinema.media.probe import INDEXED_FORMATS, open_container

# Codecs that never write so many zero bytes inside a picture: the first three forbid three in a row, in the others they
# would be thousands of decisions for the likelier side. Those up to a start code or the end are stuffing.
WITHOUT_ZEROS = ("h264", "hevc", "vvc", "vp8", "vp9")
ZEROS = 64
HOLE = re.compile(b"\0{%d}[^\0\1]" % ZEROS)
JUMP_SECONDS = 1.0  # of the clock, forward to a key frame: another recording was joined. Backward, any jump says so.
MARKED_BEFORE = 2  # packets before a joint bear the mark of it, since parsers hand out a picture when the next begins
HABIT = 0.2  # of the pictures or more lack their last bits: so the camera writes them
ALIKE = 0.9  # so many of the intervals between pictures have to be equal for a longer one to mean something
SHORTEST_GROUP = 4  # pictures from one key frame to the next; in shorter groups every gap is where one is due


@dataclass(slots=True)
class Packets:
    """What was read of a file. Times are seconds from its beginning, NaN where a packet has no time stamp."""

    stamps: list[float] = field(default_factory=list)  # of the pictures, in decoding order
    keys: list[int] = field(default_factory=list)  # which of the pictures are key frames
    is_stream: bool = True  # a recording of a stream may begin anywhere, a file that an encoder made may not
    num_hidden: int = 0  # pictures that an edit list leaves out
    begin: float = math.inf  # of the first picture that is shown
    end: float = 0.0  # of the last picture
    last: float = 0.0  # when the last packet of any stream ends
    claimed_end: float | None = None  # of the last packet, by the header of a container that has such a claim
    num_indexed: int | None = None  # pictures, by the file's own index
    holes: list[float] = field(default_factory=list)  # pictures with zeros instead of a part
    corrupt: list[float] = field(default_factory=list)  # packets that the demuxer marked, but where recordings meet
    cut: str | None = None  # what the file ends in the middle of

    @property
    def num_pictures(self) -> int:
        """Pictures that are shown."""
        return len(self.stamps) - self.num_hidden

    @property
    def num_before_key(self) -> int:
        """Pictures that cannot be decoded because no key frame comes before them."""
        if not self.keys or not self.keys[0]:
            return 0
        first = self.stamps[self.keys[0]]
        return self.keys[0] + sum(stamp < first for stamp in self.stamps[self.keys[0] + 1 :])

    def explain(self, doubts: Mapping[str, int], num_decoded: int | None) -> bool:
        """Whether `doubts` (`kinema.media.damage`) are of a whole file.

        `num_decoded`: how many pictures came out; None where not all were wanted.
        """
        if "packet" in doubts and self.corrupt:
            return False
        if num_decoded is not None and 0 < doubts.get("scan", 0) < HABIT * self.num_pictures:
            return False
        if "reference" not in doubts:
            return True
        decodable = self.num_pictures - self.num_before_key
        return self.is_stream and self.num_before_key > 0 and (num_decoded is None or num_decoded >= decodable)

    def loss(self) -> str | None:
        """What is missing of the pictures or damaged, as far as the packets tell."""
        if self.num_before_key and not self.is_stream:
            return f"{self.num_before_key} pictures come before the first key frame"
        if self.corrupt:
            return f"the packet at {self.corrupt[0]:.2f} s is damaged"
        if self.holes:
            return f"zeros instead of a part of the picture at {self.holes[0]:.2f} s"
        if self.num_indexed and len(self.stamps) < self.num_indexed:
            return f"{self.num_indexed - len(self.stamps)} of {self.num_indexed} pictures in its index are not there"
        if self.cut and self.claimed_end is None:
            return f"the file ends in the middle of {self.cut}"
        if self.cut and self.claimed_end and self.claimed_end - self.last > self.end / max(1, len(self.stamps)):
            header = f"its header says {self.claimed_end:.2f} s"
            return f"the file ends at {self.last:.2f} s in the middle of {self.cut}, {header}"
        gap = _lost_key_frame(self.stamps, self.keys)
        return f"nothing from {gap[0]:.2f} to {gap[1]:.2f} s, where a key frame was due" if gap else None


def read_packets(path: Path, *, stream: int, timeout_seconds: float | None = None) -> Packets:
    """Read all packets of a file; `stream` is the number of the stream of pictures. Raises MediaError as `probe` does.

    What cannot be read ends the reading, as it ended that of ffmpeg.
    """
    with open_container(path, timeout_seconds=timeout_seconds) as container:
        reading = _Reading(container, container.streams[stream])
        try:
            for packet in container.demux():
                if packet.size:
                    reading.add(packet)
        except av.error.ExitError:  # the time limit: the file may have more
            raise
        except (av.error.FFmpegError, ValueError):
            reading.packets.num_indexed = None
        packets = reading.finish()
        # a recording of a broadcast that begins anywhere ends anywhere
        packets.cut = None if packets.num_before_key else what_is_cut(path, container.format.name)
    return packets


@dataclass(slots=True)
class _Clock:
    """Time stamps of a stream."""

    now: float
    marked: float | None = None  # the first of the last packets that are marked as corrupt
    num_since: int = 0  # packets without a mark


class _Reading:
    """Takes in packets in the order of the file."""

    def __init__(self, container, video):
        self.packets = Packets()
        self._start = (container.start_time or 0) / av.time_base
        self._video = video.index
        self._may_have_holes = video.codec_context.name in WITHOUT_ZEROS
        self._clocks: dict[int, _Clock] = {}  # of each stream
        self.packets.is_stream = container.format.name not in INDEXED_FORMATS
        if container.duration and container.format.name == "flv":
            self.packets.claimed_end = container.duration / av.time_base
        if container.format.name == "avi" and video.codec_context.pix_fmt != "pal8":  # palettes have entries, too
            self.packets.num_indexed = len(video.index_entries)

    def add(self, packet) -> None:
        scale = float(packet.time_base or 0)
        stamp = packet.dts if packet.pts is None else packet.pts
        shown = math.nan if stamp is None else stamp * scale - self._start
        end = shown + (packet.duration or 0) * scale
        self.packets.last = max(self.packets.last, end)  # NaN is never more
        if packet.dts is not None:
            self._check_mark(packet, packet.dts * scale - self._start)
        if packet.stream.index == self._video:
            self._add_picture(packet, shown, end)

    def _check_mark(self, packet, now: float) -> None:
        clock = self._clocks.setdefault(packet.stream.index, _Clock(now))
        if now < clock.now or (packet.is_keyframe and now > clock.now + JUMP_SECONDS):
            clock.marked = None
        if packet.is_corrupt:
            clock.marked, clock.num_since = now if clock.marked is None else clock.marked, 0
        elif clock.marked is not None:
            clock.num_since += 1
            if clock.num_since > MARKED_BEFORE:
                self.packets.corrupt.append(clock.marked)
                clock.marked = None
        clock.now = now

    def _add_picture(self, packet, shown: float, end: float) -> None:
        packets = self.packets
        if packet.is_keyframe:
            packets.keys.append(len(packets.stamps))
        packets.stamps.append(shown)
        if packet.is_discard:
            packets.num_hidden += 1
        else:
            packets.begin, packets.end = min(packets.begin, shown), max(packets.end, end)
        if self._may_have_holes:
            data = bytes(packet)
            if bytes(ZEROS) in data and HOLE.search(data):
                packets.holes.append(shown)

    def finish(self) -> Packets:
        if not self.packets.num_before_key:
            self.packets.corrupt += [clock.marked for clock in self._clocks.values() if clock.marked is not None]
        return self.packets


def _lost_key_frame(stamps: Sequence[float], keys: Sequence[int]) -> tuple[float, float] | None:
    """A gap of time where a key frame must have been: without one, so many pictures would follow the last.

    Encoders limit the number of pictures from one key frame to the next. One that leaves out a picture counts on; but a
    lost key frame leaves a group of up to twice the limit, and the gap divides it into two that could be.
    """
    if len(keys) < 2 or math.isnan(sum(stamps)):
        return None
    times = np.sort(stamps)
    intervals = np.diff(times)
    usual = float(np.median(intervals))
    if usual <= 0 or np.mean(np.abs(intervals - usual) < 0.4 * usual) < ALIKE:
        return None
    gaps = [int(gap) for gap in np.flatnonzero(intervals > 1.6 * usual)]  # behind these pictures, as they are shown
    if not gaps:
        return None
    starts = np.searchsorted(times, np.array(stamps)[list(keys)])
    sizes = np.diff([*keys, len(stamps)])
    groups = list(zip(starts, [*starts[1:], len(times)], sizes, strict=True))
    whole = [int(size) for start, end, size in groups[:-1] if not any(start <= gap < end for gap in gaps)]
    limit = max(whole, default=0)
    if limit < SHORTEST_GROUP:
        return None
    for start, end, size in groups:
        for gap in gaps if limit + 1 < size < 2.2 * limit else ():
            parts = gap + 1 - start, end - gap
            usual_part = whole.count(limit) > 1 or set(parts) & set(whole)
            if start <= gap < end and max(parts) <= 1.25 * limit and usual_part:
                return float(times[gap]), float(times[gap + 1])
    return None
