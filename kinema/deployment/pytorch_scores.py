"""evaluation.json and predictions.parquet -> what PyTorch said of each video, believed only where it fits together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.evaluation.schema import PREDICTIONS, VERSION, VERSION_KEY
from kinema.metrics import VideoScores
from kinema.records.evaluation import Evaluation

COMPARED = ["video", "label", "predicted", "correct", "num_clips"]  # beside the probabilities
AGAIN = "delete it and run again, which scores the model anew"


@dataclass(frozen=True)
class ScoreFiles:
    """What rule evaluate writes of a model: evaluation.json and predictions.parquet."""

    evaluation_path: Path
    predictions_path: Path


def read_pytorch_scores(
    files: ScoreFiles, *, subset: str, truth: Mapping[str, str], labels: Sequence[str]
) -> VideoScores:
    """PyTorch's scores of the videos of a subset, in the order of `truth`, which has the label of each.

    ValueError, naming the file, where one of the two is of other videos or classes, damaged, or contradicts the other.
    """
    rows = _read_predictions(files.predictions_path, labels, subset=subset)
    if dict(zip(rows["video"], rows["label"], strict=True)) != truth or len(rows["video"]) != len(truth):
        raise ValueError(
            f"{files.predictions_path}: its {len(rows['video'])} videos and labels are not the {len(truth)} of the "
            f"{subset} videos; {AGAIN}"
        )
    num_right = sum(rows["correct"])
    _check_evaluation(files.evaluation_path, subset=subset, num_videos=len(truth), num_right=num_right)
    position = {name: number for number, name in enumerate(rows["video"])}
    order = np.array([position[name] for name in truth])
    return VideoScores(
        videos=np.arange(len(truth)),
        probabilities=rows["probabilities"][order],
        labels=np.array([labels.index(label) for label in truth.values()]),
        num_clips=np.array(rows["num_clips"])[order],
    )


def _read_predictions(path: Path, labels: Sequence[str], *, subset: str) -> dict[str, Any]:
    """Columns of the rows of a subset that have a label, probabilities as an array (V, K)."""
    try:
        schema = pq.read_schema(path)
        wanted = [*COMPARED, "subset", "probabilities"]
        table = pq.read_table(path, columns=[name for name in wanted if name in schema.names])
    except (OSError, pa.ArrowException) as error:
        raise ValueError(f"{path}: cannot be read: {' '.join(str(error).split())}; {AGAIN}") from None
    version = (schema.metadata or {}).get(VERSION_KEY, b"1").decode(errors="replace")
    if version != str(VERSION):
        raise ValueError(
            f"{path}: its version is {version:.20}, expected {VERSION}: another version of kinema wrote it; {AGAIN}"
        )
    if schema != PREDICTIONS:
        raise ValueError(f"{path}: its columns are not those that rule evaluate writes; {AGAIN}")
    table = table.filter((pc.field("subset") == subset) & pc.field("label").is_valid())
    rows: dict[str, Any] = table.select(COMPARED).to_pydict()
    lists = table["probabilities"].to_pylist()
    whole = all(len(values) == len(labels) for values in lists)
    probabilities = np.array(lists, dtype=np.float64).reshape(len(lists), len(labels)) if whole else np.empty((0, 0))
    if not whole or not _are_distributions(probabilities):
        raise ValueError(f"{path}: its probabilities are not those of {len(labels)} classes for each video; {AGAIN}")
    if not set(rows["label"] + rows["predicted"]) <= set(labels) or not _are_results(rows, probabilities, labels):
        raise ValueError(f"{path}: its labels, predictions and probabilities contradict each other; {AGAIN}")
    return rows | {"probabilities": probabilities}


def _are_distributions(probabilities: np.ndarray) -> bool:
    in_range = (probabilities >= 0) & (probabilities <= 1)  # false for NaN
    return bool(in_range.all() and (np.abs(probabilities.sum(axis=1) - 1) < 1e-3).all())


def _are_results(rows: dict[str, Any], probabilities: np.ndarray, labels: Sequence[str]) -> bool:
    """Whether a class of the highest probability is predicted, and right where it is the label."""
    predicted = [labels.index(label) for label in rows["predicted"]]
    highest = probabilities[np.arange(len(predicted)), predicted] == probabilities.max(axis=1)
    right = [label == name for label, name in zip(rows["label"], rows["predicted"], strict=True)]
    return bool(highest.all()) and rows["correct"] == right


def _check_evaluation(path: Path, *, subset: str, num_videos: int, num_right: int) -> None:
    """ValueError where evaluation.json does not say what the predictions say."""
    evaluation = Evaluation.read(path)
    video_top1 = num_right / num_videos
    if evaluation.subset != subset:
        raise ValueError(f"{path}: subset is {evaluation.subset!r}, expected {subset!r}; {AGAIN}")
    scores = evaluation.scores
    for key, found, wanted, same in (
        ("num_videos", scores.num_videos, num_videos, scores.num_videos == num_videos),
        ("video_top1", scores.video_top1, video_top1, abs(scores.video_top1 - video_top1) < 1e-9),
    ):
        if not same:
            raise ValueError(
                f"{path}: {key} is {found!r}, expected {wanted!r}: in predictions.parquet {num_right} of the "
                f"{num_videos} {subset} videos are right; {AGAIN}"
            )
