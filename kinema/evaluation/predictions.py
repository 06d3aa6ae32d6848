"""Scores -> predictions.parquet: what was said of every video, how sure of it, and how its clips agree.

docs/predictions.md has the columns.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from kinema.evaluation.schema import PREDICTIONS
from kinema.evaluation.sources import Sources
from kinema.files import atomic_path
from kinema.inference.probabilities import highest
from kinema.metrics import ClipScores, VideoScores


def write_predictions(
    path: Path,
    scores: ClipScores,
    videos: VideoScores,
    *,
    sources: Sources,
    labels: list[str],
    evidence: Sequence[dict[str, Any]] | None = None,
) -> None:
    """One row a video, schema PREDICTIONS; `sources` are in the order of `videos`, whose clips are in `scores`.

    So is `evidence`, as of `kinema.evaluation.evidence.as_rows`; None where there is none.
    """
    predicted, names = videos.probabilities.argmax(axis=1), np.array(labels, dtype=object)
    first = highest(videos.probabilities, 5)
    columns: dict[str, Any] = {
        "video": sources.names,
        "label": names[videos.labels],
        "predicted": names[predicted],
        "correct": predicted == videos.labels,
        "probability": videos.probabilities.max(axis=1).astype(np.float32),
        "num_clips": videos.num_clips.astype(np.int32),
        "probabilities": _lists(videos.probabilities.astype(np.float32)),
        "rank": ranks(videos.probabilities, videos.labels),
        "agreement": agreements(scores, videos).astype(np.float32),
        "top5_labels": _lists(names[first]),
        "top5_probabilities": _lists(np.take_along_axis(videos.probabilities, first, axis=1).astype(np.float32)),
        "logits": _lists(mean_logits(scores, videos)),
        "group": sources.groups,
        "path": sources.paths,
        "evidence": [None] * len(sources.names) if evidence is None else evidence,
    }
    arrays = [pa.array(columns[field.name], field.type) for field in PREDICTIONS]
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_arrays(arrays, schema=PREDICTIONS), temporary)


def ranks(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Place of the true class among all by probability, (V,) from 1; of equal ones the lower class number is first."""
    true = probabilities[np.arange(len(labels)), labels][:, None]
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    return 1 + ((probabilities > true) | ((probabilities == true) & before)).sum(axis=1)


def agreements(scores: ClipScores, videos: VideoScores) -> np.ndarray:
    """Of the clips of each video, the fraction whose own most probable class is the video's, (V,)."""
    clips, _, numbers = scores.by_clip()
    position = np.searchsorted(videos.videos, numbers)
    agrees = clips.argmax(axis=1) == videos.probabilities.argmax(axis=1)[position]
    return np.bincount(position, weights=agrees, minlength=len(videos.videos)) / videos.num_clips


def mean_logits(scores: ClipScores, videos: VideoScores) -> np.ndarray:
    """Mean of the logits of each video's clips and their views, (V, K) float32."""
    sums = np.zeros(videos.probabilities.shape)
    np.add.at(sums, np.searchsorted(videos.videos, scores.videos), scores.logits)
    return (sums / (videos.num_clips * scores.num_views)[:, None]).astype(np.float32)


def _lists(rows: np.ndarray) -> pa.ListArray:
    """A list for each row of an array (V, N)."""
    number, length = rows.shape
    return pa.ListArray.from_arrays(np.arange(number + 1, dtype=np.int32) * length, pa.array(rows.ravel()))
