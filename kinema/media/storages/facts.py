"""What others have to know of a storage: who plans shards, names folders and measures pictures.

The Snakefile imports this module: it needs the standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_JPEG_SIDE, LONGEST_H264_SIDE = 65500, 16384  # pixels that the encoders take


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageFacts:
    """`longest_side`: of a frame in pixels. `quality_keys`: keys of `media`, by what a recipe calls them.

    `has_label_folders`: videos lie in a folder of their label. `is_one_file`: all videos of a shard are in one file.
    `keeps_pictures`: JPEG pictures of a folder may become frames as they are.
    """

    longest_side: int
    quality_keys: Mapping[str, str]
    has_label_folders: bool
    is_one_file: bool
    keeps_pictures: bool


STORAGE_FACTS = {
    "packed": StorageFacts(
        longest_side=LONGEST_JPEG_SIDE,
        quality_keys={"q": "jpeg_quality"},
        has_label_folders=False,
        is_one_file=True,
        keeps_pictures=False,
    ),
    "frames": StorageFacts(
        longest_side=LONGEST_JPEG_SIDE,
        quality_keys={"q": "jpeg_quality"},
        has_label_folders=True,
        is_one_file=False,
        keeps_pictures=True,
    ),
    "video": StorageFacts(
        longest_side=LONGEST_H264_SIDE,
        quality_keys={"q": "video_quality", "g": "keyframe_interval"},
        has_label_folders=True,
        is_one_file=False,
        keeps_pictures=False,
    ),
}
