"""What ffmpeg says while it decodes -> whether pictures were lost or damaged.

Most of what it logs, errors too, are remarks: on time stamps, on headers that are only odd, on references that a file
which begins in mid-stream cannot have. These are the words that no whole file has brought about so far, with what did.
tests/unit/test_media_damage.py makes such files, and whole ones of many kinds.
"""

import re
from dataclasses import dataclass, field

WORDS = (
    # a decoder gives up a packet, a demuxer its file: every kind, ffmpeg 4 to 9; an mp4 with zeros inside
    r"invalid data found|decoding error|error while decoding",
    # what decoders themselves know to be wrong in a picture that they give: MPEG-1, 2, 4, H.263, FLV1, WMV, H.264
    r"corrupt decoded frame",
    # the end of a file comes too early: mp4, mov and 3gp; mkv and webm
    r"partial file|ended prematurely",
    r"error y=\d+ x=\d+",  # MJPEG in avi, mov, mkv: a block cannot be read, the rest of the picture is grey
    r"LZW decode failed",  # GIF, cut off or with zeros inside
    r"\bCRC mismatch!|slice CRC mismatch",  # a page of ogg, which is skipped; FFV1. Not AC-3: "frame CRC mismatch"
    r"Packet mismatch \d+",  # FLV: tags do not follow each other, all up to the next good one are skipped
    # mkv and webm: zeros or foreign bytes among the elements; all up to the next cluster is skipped
    r"invalid as first byte of an EBML number|exceeds containing master element|exceeds max length",
)
DAMAGE = re.compile("|".join(WORDS), re.IGNORECASE)
# Words of damage as well as of whole files: `kinema.media.packets` tells which.
DOUBTS = {
    # marks of the demuxer. MPEG-TS: lost transport packets; but also where one recording was joined to another
    "packet": re.compile(r"Packet corrupt|corrupt input packet", re.IGNORECASE),
    # HEVC and H.264: a lost key frame; but also pictures before the first one, where a recording began in mid-stream
    "reference": re.compile(r"Could not find ref with POC|Missing reference picture", re.IGNORECASE),
}
NO_DECODER = re.compile(r"no decoder found for: (\S+)|Decoder \(codec (\S+)\) not found")


@dataclass(slots=True)
class Remarks:
    """What has been said of damage: the first line of it, and the first one of each kind that leaves doubts."""

    damage: str = ""
    doubts: dict[str, str] = field(default_factory=dict)
    codec: str = ""  # that this ffmpeg cannot decode

    def add(self, line: str) -> None:
        """Take in a line of ffmpeg's log."""
        for kind, words in DOUBTS.items():
            if words.search(line):
                self.doubts.setdefault(kind, line)
                return
        if not self.damage and DAMAGE.search(line):
            self.damage = line
        if found := NO_DECODER.search(line):
            self.codec = found[1] or found[2]
