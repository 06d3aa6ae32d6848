"""Usable videos -> a clip index: clips.parquet, clips.arrow and clips.json beside each other."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from kinema.clips.parts import write_parts
from kinema.clips.table import parts_path, write_clips
from kinema.experiment.data_sections import Clip

log = logging.getLogger(__name__)
IDENTITY = ["video", "subset", "label_index", "num_frames", "frames_digest"]  # other values, other data


def write_index(videos: pa.Table, out: Path, *, labels: list[str], clip: Clip, annotated: Mapping[str, int]) -> None:
    """Write `out` (clips.parquet) and what lies beside it; `videos` has one row a usable video, schema VIDEO_SCHEMA.

    `annotated` counts the listed videos of each subset that have a class, whether or not they can be used.
    """
    rows = write_clips(videos, out, labels=labels, clip=clip)
    first_clips = rows.filter(pc.field("clip") == 0)  # one of every video
    paces = (first_clips[name].to_pylist() for name in ("fps", "times_digest"))
    write_parts(
        parts_path(out),
        first_clips.select(IDENTITY).to_pydict(),
        labels=labels,
        groups=first_clips["group"].to_pylist(),
        rates=[fps if times is None else [fps, times] for fps, times in zip(*paces, strict=True)],
        annotated=annotated,
    )
    log.info("%s: %d rows over %d videos", out, len(rows), len(videos))
