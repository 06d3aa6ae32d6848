"""A model's folder -> what its page tells: records, curves, names of the scored videos."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.input_error import InputError
from kinema.outcome.found import EVALUATION, HISTORY, TRAINING, FoundModel, read_dataset, read_model
from kinema.records.evaluation import Evaluation
from kinema.records.training import Training

PREDICTIONS = "predictions.parquet"


@dataclass(frozen=True, kw_only=True)
class ModelRecords:
    """What is known of a model that was scored; no `evaluation` where no scored video has a label.

    `history` are the rows of training.csv, without what is empty. `sections` are settings of stages behind the
    training, which training.json does not know. `failed` are the rules of the export whose last job failed.
    """

    found: FoundModel
    evaluation: Evaluation | None
    training: Training
    history: tuple[dict[str, float], ...]
    sections: Mapping[str, Mapping[str, Any]]
    failed: Sequence[str]

    @property
    def folder(self) -> Path:
        """The model's folder."""
        return self.found.folder

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.found.dataset.folder.name

    @property
    def model(self) -> str:
        """Name of the model, with its `@variant`."""
        return self.folder.name


def read_records(folder: Path, *, sections: Mapping[str, Mapping[str, Any]], failed: Sequence[str]) -> ModelRecords:
    """Read what lies in a model's folder and in its data set's. InputError where there are no scores to be read."""
    found = read_model(folder, read_dataset(folder.parent))
    for name, known in ((EVALUATION, found.evaluation or found.unscored), (TRAINING, found.training)):
        if not known:
            gone = f"{folder / name}: is not there; run snakemake for it"
            raise InputError(next((line for line in found.damaged if line.startswith(str(folder / name))), gone))
    assert found.training
    return ModelRecords(
        found=found,
        evaluation=found.evaluation,
        training=found.training,
        history=tuple(_read_history(folder / HISTORY)),
        sections=sections,
        failed=failed,
    )


def _read_history(path: Path) -> list[dict[str, float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
    except (OSError, ValueError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read: {error}; {Training.AGAIN}") from None
    return [row for row in rows if "epoch" in row]


def read_cells(folder: Path, evaluation: Evaluation) -> dict[tuple[int, int], list[tuple[str, str]]]:
    """Names and paths of the reported subset's videos, by the numbers of their class and of what they were called.

    They are sorted by name.
    """
    table_path = folder / PREDICTIONS
    try:
        rows = pq.read_table(table_path, columns=["video", "path", "subset", "label", "predicted"])
    except (OSError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise InputError(f"{table_path}: cannot be read: {text}; {Evaluation.AGAIN}") from None
    rows = rows.filter(pc.equal(rows["subset"], evaluation.subset)).sort_by("video")
    place = {label: number for number, label in enumerate(evaluation.scores.classes)}
    cells: dict[tuple[int, int], list[tuple[str, str]]] = {}
    for video, path, _, label, predicted in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        if label is not None:
            cells.setdefault((place[label], place[predicted]), []).append((video, path))
    return cells
