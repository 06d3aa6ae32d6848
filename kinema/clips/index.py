"""Annotation + shard tables -> clips.parquet: what can be trained and scored on.

clips.parquet has one row a clip; the start of training clips (one a video unless `clip.num_train_clips` says otherwise)
is -1: drawn anew every epoch. Where the frames lie stays in the shard tables; `shard` and `video` lead there.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from kinema.annotations.mirrored import mirror_images, settings_for, sided
from kinema.clips import leaks
from kinema.clips.coverage import check_coverage, read_coverage
from kinema.clips.table import VIDEO_SCHEMA, check_scored
from kinema.clips.writing import write_index
from kinema.experiment.data_sections import Augmentation, Clip
from kinema.job import ON_SCREEN
from kinema.spelling import told_apart

log = logging.getLogger(__name__)
SHOWN = 5  # labels in a line
NO_FLIP = Augmentation(horizontal_flip=0)


def build_index(
    *,
    annotation_path: Path,
    table_paths: Sequence[Path],
    clip: Clip,
    max_failed_fraction: float,
    report_path: Path,
    out: Path,
    scored: Sequence[Sequence[str]] = (),
    augmentation: Augmentation = NO_FLIP,
) -> None:
    """Write `out` (clips.parquet, schema kinema.clips.table.SCHEMA), the Arrow file and the digests beside it.

    ValueError when too many videos are missing or failed, with the first ten reasons. `report_path` is that of the
    dataset report, written by a rule of its own so that it is there when this one stops. `scored` holds for each model
    that is to be scored the subsets of which one is needed; InputError where none of them has a usable video.
    `augmentation` says how often training clips are mirrored, which is warned of where labels tell left from right.
    """
    labels, videos = read_coverage(annotation_path, table_paths)
    check_coverage(videos, max_failed_fraction, report_path)
    leaks.tell(videos[videos["status"] == "ok"], report_path)
    _tell_of_mirrors(labels, augmentation)
    usable = videos.loc[videos["status"] == "ok", VIDEO_SCHEMA.names]
    table = pa.Table.from_pandas(usable, schema=VIDEO_SCHEMA, preserve_index=False)
    annotated = Counter(videos.loc[videos["label_index"] >= 0, "subset"])
    write_index(table, out, labels=labels, clip=clip, annotated=annotated)
    check_scored(out, scored)


def _tell_of_mirrors(labels: Sequence[str], augmentation: Augmentation) -> None:
    mirror_images(labels, augmentation.mirrored_labels)  # refuses what is no label
    named = {label for pair in augmentation.mirrored_labels for label in pair}
    found = [label for label in sided(labels) if label not in named]
    if found and augmentation.horizontal_flip > 0:
        names = ", ".join(told_apart(found[:SHOWN])) + (", ..." if len(found) > SHOWN else "")
        text = "labels tell left from right (%s), and %g of the training clips are mirrored and keep theirs; write  %s"
        log.warning(text, names, augmentation.horizontal_flip, settings_for(labels), extra=ON_SCREEN)
