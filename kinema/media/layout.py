"""How frames lie on disk: what the writers of the media stage and the readers behind it agree on.

It imports nothing, so that an edit of the extraction does not make trainings stale.
"""

from pathlib import Path

# Files of one frame in the storage `frames`, counted from 1: `image_00001.jpg`.
FILE_NAMES = {"rgb": ("image",), "flow": ("flow_x", "flow_y")}
# Where one JPEG file ends and the next begins: inside the entropy-coded data, 0xff is always followed by 0.
END_AND_START = b"\xff\xd9\xff\xd8"
# A second in the time stamps of the storage `video`, where frame N is at N / fps seconds.
TICKS = 90000


def arrow_table(table: Path) -> Path:
    """Where the copy of a shard's table that can be mapped into memory lies."""
    return table.with_suffix(".arrow")
