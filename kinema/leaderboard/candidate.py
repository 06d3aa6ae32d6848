"""A model's folder -> what is known of the model; the folder of a data set -> what could be scored there now."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.clips.parts import parts_digests
from kinema.input_error import InputError
from kinema.leaderboard.latency import Latency, read_latency
from kinema.leaderboard.scored import Scored
from kinema.records.evaluation import Evaluation
from kinema.records.training import Training

log = logging.getLogger(__name__)
AGAIN = "delete it and run snakemake for it, which makes it anew"


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidate:
    """A model that may be ranked; `problem` says in one line why it has no scores that can be read.

    `correct` (V,) tells of each of the scored videos whether the model is right.
    """

    name: str
    evaluation: Evaluation | None
    scored: Scored | None
    correct: np.ndarray
    training: Training | None
    exported_bytes: int | None
    latency: Latency | None
    problem: str | None


def read_candidate(folder: Path) -> Candidate:
    """Read what lies in the folder of a model."""
    evaluation, scored, correct, problem = None, None, np.zeros(0, bool), None
    training = _read_training(folder / "training.json")
    try:
        evaluation = Evaluation.read(folder / "evaluation.json")
        scored, correct = _read_predictions(folder / "predictions.parquet", evaluation, training)
    except InputError as error:
        problem = str(error)
    return Candidate(
        name=folder.name,
        evaluation=evaluation,
        scored=scored,
        correct=correct,
        training=training,
        exported_bytes=_exported_bytes(folder),
        latency=read_latency(folder),
        problem=problem,
    )


def indexed(dataset_folder: Path, subset: str) -> Scored | None:
    """The videos of a subset that the clip index has with a label; None where there is no index."""
    path = dataset_folder / "clips.parquet"
    if not path.is_file():
        return None
    columns = ["video", "label", "subset", "clip"]
    rows = pq.read_table(path, columns=columns, filters=[("subset", "=", subset), ("clip", "=", 0)])
    rows = rows.filter(pc.is_valid(rows["label"]))
    videos, labels, _ = _sorted(rows)
    return Scored(
        subset=subset,
        classes=tuple(json.loads(pq.read_schema(path).metadata[b"labels"])),
        videos=videos,
        labels=labels,
        num_clips=None,  # how many are scored is a setting of the model, and so is what of each
        views=None,
        content=parts_digests(dataset_folder / "clips.json", [subset]).get(subset),
    )


def _read_training(path: Path) -> Training | None:
    if not path.is_file():
        return None
    try:
        return Training.read(path)
    except InputError as error:  # the scores stand without it
        log.warning("%s", error)
        return None


def _read_predictions(path: Path, evaluation: Evaluation, training: Training | None) -> tuple[Scored, np.ndarray]:
    """The scored videos, and of each whether it is right (V,). InputError where the file is none of this evaluation."""
    if evaluation.subset is None:
        raise InputError(f"{path.with_name('evaluation.json')}: no video that was scored has a label")
    try:
        rows = pq.read_table(
            path, columns=["video", "label", "correct", "num_clips"], filters=[("subset", "=", evaluation.subset)]
        )
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path}: cannot be read: {' '.join(str(error).split())}; {AGAIN}") from None
    rows = rows.filter(pc.is_valid(rows["label"]))
    videos, labels, order = _sorted(rows)
    correct, scores = rows["correct"].to_numpy()[order], evaluation.scores
    told, hits = scores.num_videos, round(scores.video_top1 * scores.num_videos)
    if not told or (len(np.unique(videos)), len(videos), correct.sum()) != (told, told, hits):
        raise InputError(f"{path}: is not of the evaluation.json beside it; {AGAIN}")
    scored = Scored(
        subset=evaluation.subset,
        classes=tuple(scores.classes),
        videos=videos,
        labels=labels,
        num_clips=int(rows["num_clips"].to_numpy().max()),
        views=evaluation.views.in_words,
        # known where these videos chose the epoch: then a training goes with each version of them
        content=training.data.get(evaluation.subset) if training else None,
    )
    return scored, correct


def _sorted(rows: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Videos and labels in the order of the videos' names, and this order: (V,) each."""
    videos, labels = (np.array(rows[name].to_pylist(), dtype=str) for name in ("video", "label"))
    order = np.argsort(videos, kind="stable")
    return videos[order], labels[order], order


def _exported_bytes(folder: Path) -> int | None:
    """[bytes] Of model.xml and model.bin together; None where no model was exported."""
    try:
        return sum((folder / name).stat().st_size for name in ("model.xml", "model.bin"))
    except FileNotFoundError:
        return None
