"""What ffmpeg says while it decodes -> whether pictures were lost or damaged.

Most of what it logs, errors too, are remarks: on time stamps, on headers that are only odd, on references that a file
which begins in mid-stream cannot have. These are the words that no whole file has brought about so far, with what did.
tests/unit/test_media_damage.py makes such files, and whole ones of many kinds.
"""

import re
from collections import Counter
from dataclasses import dataclass, field

WORDS = (
    # a decoder gives up a packet, or a demuxer its file: most kinds, such as H.264 in mp4 with zeros inside
    "invalid data found|decoding error",
    "error submitting packet to decoder",  # the same with other reasons: DV in avi that was cut
    "error while decoding",  # H.264: a macroblock; ffmpeg before 5.1: any packet
    # what decoders themselves know to be wrong in a picture that they give: MPEG-1, 2, 4, H.263, FLV1, WMV, H.264
    "corrupt decoded frame",
    "partial file",  # mp4, mov, 3gp that were cut
    "ended prematurely",  # mkv and webm that were cut
    r"error y=\d+ x=\d+",  # MJPEG in avi, mov, mkv with zeros inside: the rest of the picture is grey
    "LZW decode failed",  # GIF that was cut
    r"\bCRC mismatch!",  # a page of ogg, which is skipped. Not AC-3: "frame CRC mismatch"
    "slice CRC mismatch",  # FFV1
    r"Packet mismatch \d+",  # FLV: tags do not follow each other, all up to the next good one are skipped
    # mkv and webm with zeros or foreign bytes among the elements: all up to the next cluster is skipped
    "invalid as first byte of an EBML number",
    "exceeds containing master element",
)
DAMAGE = re.compile("|".join(WORDS), re.IGNORECASE)
# Words of damage as well as of whole files: `kinema.media.packets` tells which.
DOUBTS = {
    # marks of the demuxer. MPEG-TS: lost transport packets; but also where one recording was joined to another
    "packet": re.compile(r"Packet corrupt|corrupt input packet", re.IGNORECASE),
    # HEVC and H.264: a lost key frame; but also pictures before the first one, where a recording began in mid-stream
    "reference": re.compile(r"Could not find ref with POC|Missing reference picture", re.IGNORECASE),
    # MJPEG: the rest of a picture is missing; but also the last bits, of every picture of some cameras
    "scan": re.compile(r"overread \d+"),
}
NO_DECODER = re.compile(r"no decoder found for: (\S+)|Decoder \(codec (\S+)\) not found")


@dataclass(slots=True)
class Remarks:
    """What has been said of damage: the first line of it, or of what leaves doubts, and how often each kind of that."""

    damage: str = ""
    doubtful: str = ""
    doubts: Counter[str] = field(default_factory=Counter)
    codec: str = ""  # that this ffmpeg cannot decode

    def add(self, line: str) -> None:
        """Take in a line of ffmpeg's log."""
        for kind, words in DOUBTS.items():
            if words.search(line):
                self.doubtful = self.doubtful or line
                self.doubts[kind] += 1
                return
        if not self.damage and DAMAGE.search(line):
            self.damage = line
        if found := NO_DECODER.search(line):
            self.codec = found[1] or found[2]
