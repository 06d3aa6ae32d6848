"""The clip index of a data set -> that of one fold, in which the videos that are held out are for testing."""

import json
import logging
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.annotations.joined import joined
from kinema.clips.table import VIDEO_SCHEMA
from kinema.clips.writing import write_index
from kinema.experiment.data_sections import Clip, CrossValidation
from kinema.input_error import InputError
from kinema.job import ON_SCREEN

log = logging.getLogger(__name__)
ALIKE = ("group", "path", "content")  # videos that share one of these are not dealt apart
SHOWN = 5  # classes in a line


def write_fold(*, clips_path: Path, fold: int, dealing: CrossValidation, clip: Clip, out: Path) -> None:
    """Write the index of one fold, with its Arrow file and digests, from that of the data set (`clips_path`).

    Testing videos of the data set are in none. InputError where there are fewer groups than folds.
    """
    videos = _dealt_out(clips_path)
    labels = json.loads(videos.schema.metadata[b"labels"])
    classes = videos["label_index"].to_numpy()
    units = units_of(_facts(videos))
    number = len(np.unique(units))
    if number < dealing.num_folds:
        raise InputError(
            f"{clips_path}: crossval.num_folds is {dealing.num_folds}, and its training and validation videos are of "
            f"{number} groups, which stay whole; set it to {max(2, number)} or less, or add videos of other groups"
        )
    is_held_out = deal(classes, units, num_folds=dealing.num_folds, seed=dealing.fold_seed) == fold
    _tell(labels, classes, is_held_out, out)
    subset = pa.array(np.where(is_held_out, "testing", "training"))
    rows = videos.set_column(videos.column_names.index("subset"), "subset", subset)
    rows = rows.select(VIDEO_SCHEMA.names).cast(VIDEO_SCHEMA).replace_schema_metadata()
    write_index(rows, out, labels=labels, clip=clip, annotated=Counter(subset.to_pylist()))


def deal(classes: np.ndarray, units: np.ndarray, *, num_folds: int, seed: int) -> np.ndarray:
    """The fold of each video (V,), by its class (V,) and its unit (V,), which stays whole.

    The largest units come first, those of one size in an order that is drawn. Each goes where there is least of its
    classes so far, so that every fold gets its share of each, as far as whole units allow.
    """
    _, units = np.unique(units, return_inverse=True)
    counts = pd.DataFrame({"unit": units, "class": classes}).value_counts(sort=False).reset_index()
    members = {unit: (of["class"].to_numpy(), of["count"].to_numpy()) for unit, of in counts.groupby("unit")}
    totals = np.bincount(classes)
    have, sizes = np.zeros((num_folds, len(totals))), np.zeros(num_folds, np.int64)
    unit_sizes = np.bincount(units)
    drawn = np.random.default_rng(seed).permutation(len(unit_sizes))
    chosen = np.empty(len(unit_sizes), np.int64)
    for unit in drawn[np.argsort(-unit_sizes[drawn], kind="stable")]:
        of, number = members[unit]
        share = (have[:, of] / totals[of] * number).sum(axis=1)
        fold = np.lexsort((sizes, share.round(9)))[0]
        have[fold, of] += number
        sizes[fold] += number.sum()
        chosen[unit] = fold
    return chosen[units]


def units_of(facts: pd.DataFrame) -> np.ndarray:
    """(V,) a number for each video, the same for videos that share a group, a file, or its bytes, chains included."""
    rows = pd.Series(range(len(facts)))
    sets = (part for name in ALIKE for _, part in rows.groupby(facts[name].to_numpy()))
    return joined(len(facts), (pair for part in sets for pair in pairwise(part)))


def _dealt_out(clips_path: Path) -> pa.Table:
    """The training and validation videos that have a label, one row each, by name."""
    rows = pq.read_table(clips_path, filters=(pc.field("clip") == 0) & (pc.field("label_index") >= 0))
    rows = rows.filter(pc.is_in(rows["subset"], pa.array(["training", "validation"])))
    return rows.sort_by("video")


def _facts(videos: pa.Table) -> pd.DataFrame:
    """What tells whether videos are alike: the group is in the index, the others are in the tables of the shards."""
    shards = videos["shard"].unique().to_pylist()
    stored = pa.concat_tables([pq.read_table(shard, columns=["id", "path", "content"]) for shard in shards])
    known = stored.to_pandas().set_index("id")
    return videos.select(["video", "group"]).to_pandas().join(known, on="video")


def _tell(labels: list[str], classes: np.ndarray, is_held_out: np.ndarray, out: Path) -> None:
    lost = sorted(set(classes[is_held_out]) - set(classes[~is_held_out]))
    if lost:
        names = ", ".join(labels[number] for number in lost[:SHOWN]) + (", ..." if len(lost) > SHOWN else "")
        text = "%s: no video of %d classes is left to train on, as all are of groups that are held out: %s"
        log.warning(text, out, len(lost), names, extra=ON_SCREEN)
