"""Annotation + shard tables -> clips.parquet: what can be trained and scored on.

clips.parquet has one row a training video (start -1: drawn anew every epoch) and one row an evaluation clip of every
other video. Where the frames lie stays in the shard tables; `shard` and `shard_row` lead there.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.clips.coverage import check_coverage, read_coverage
from kinema.clips.windows import enumerate_clips
from kinema.config import Clip
from kinema.files import atomic_path

SCHEMA = pa.schema(
    [
        pa.field("video", pa.string(), nullable=False),
        pa.field("label", pa.string()),  # null: a testing video without a label
        pa.field("label_index", pa.int32(), nullable=False),  # position in the labels, -1 without a label
        pa.field("subset", pa.string(), nullable=False),  # training, validation, testing
        pa.field("group", pa.string()),
        pa.field("clip", pa.int32(), nullable=False),  # number of the clip within its video, from 0
        pa.field("start", pa.int32(), nullable=False),  # first frame, or -1: random
        pa.field("num_frames", pa.int32(), nullable=False),  # of the whole video
        pa.field("num_bytes", pa.int64(), nullable=False),  # of all its frames: other frames, other index
        pa.field("shard", pa.string(), nullable=False),  # path of the shard's Parquet table; the tar lies beside it
        pa.field("shard_row", pa.int32(), nullable=False),  # row of the video in that table
    ]
)
log = logging.getLogger(__name__)


def build_index(
    *, annotation: Path, shards: Sequence[Path], clip: Clip, max_failed_fraction: float, report: Path, out: Path
) -> None:
    """Write the clip index; ValueError when too many videos are missing or failed, with the first ten reasons.

    `report` is the dataset report, written by a rule of its own so that it is there when this one stops.
    """
    dialect = json.loads(annotation.read_text(encoding="utf-8"))
    videos = read_coverage(dialect, shards)
    check_coverage(videos, max_failed_fraction, report)
    clips = enumerate_clips(videos[videos["status"] == "ok"], clip)
    table = pa.Table.from_pandas(clips, schema=SCHEMA, preserve_index=False)
    metadata = {"labels": json.dumps(dialect["labels"]), "clip": clip.model_dump_json()}
    with atomic_path(out) as temporary:
        pq.write_table(table.replace_schema_metadata(metadata), temporary)
    log.info("%s: %d rows over %d videos", out, len(clips), clips["video"].nunique())
