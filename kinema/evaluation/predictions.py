"""Scores -> predictions.parquet: what was said of every video, how sure of it, and how its clips agree.

docs/predictions.md has the columns.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kinema.evaluation.schema import EVIDENCE, PREDICTIONS
from kinema.evaluation.subset_scores import ScoredSubset
from kinema.files import atomic_path
from kinema.inference.probabilities import highest
from kinema.metrics import ClipScores, VideoScores, mean_logits, ranks


def write_predictions(path: Path, scored: Sequence[ScoredSubset], *, labels: list[str]) -> None:
    """One row a video, schema PREDICTIONS, subset by subset."""
    tables = [_table(one, np.array(labels, dtype=object)) for one in scored]
    with atomic_path(path) as temporary:
        pq.write_table(pa.concat_tables(tables), temporary)


def _table(scored: ScoredSubset, names: np.ndarray) -> pa.Table:
    videos, sources, known = scored.videos, scored.sources, scored.is_labelled
    predicted, first = videos.predicted, highest(videos.probabilities, 5)
    columns: dict[str, Any] = {
        "video": sources.names,
        "subset": [scored.name] * len(predicted),
        "label": pa.array(names[videos.labels], pa.string(), mask=~known),
        "predicted": names[predicted],
        "correct": pa.array(predicted == videos.labels, mask=~known),
        "probability": videos.probabilities.max(axis=1).astype(np.float32),
        "confidence": scored.confidence.astype(np.float32),
        "num_clips": videos.num_clips.astype(np.int32),
        "probabilities": _lists(videos.probabilities.astype(np.float32)),
        "rank": pa.array(ranks(videos.probabilities, videos.labels), pa.int32(), mask=~known),
        "agreement": agreements(scored.clips, videos).astype(np.float32),
        "top5_labels": _lists(names[first]),
        "top5_probabilities": _lists(np.take_along_axis(videos.probabilities, first, axis=1).astype(np.float32)),
        "logits": _lists(mean_logits(scored.clips)),
        "group": sources.groups,
        "path": sources.paths,
        "evidence": pa.nulls(len(predicted), EVIDENCE) if scored.evidence is None else scored.evidence,
    }
    arrays = [pa.array(columns[field.name], field.type) for field in PREDICTIONS]
    return pa.Table.from_arrays(arrays, schema=PREDICTIONS)


def agreements(scores: ClipScores, videos: VideoScores) -> np.ndarray:
    """Of the clips of each video, the fraction whose own most probable class is the video's, (V,)."""
    clips, _, numbers = scores.by_clip()
    position = np.searchsorted(videos.videos, numbers)
    agrees = clips.argmax(axis=1) == videos.predicted[position]
    return np.bincount(position, weights=agrees, minlength=len(videos.videos)) / videos.num_clips


def _lists(rows: np.ndarray) -> pa.ListArray:
    """A list for each row of an array (V, N)."""
    number, length = rows.shape
    return pa.ListArray.from_arrays(np.arange(number + 1, dtype=np.int32) * length, pa.array(rows.ravel()))
