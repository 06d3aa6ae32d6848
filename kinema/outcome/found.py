"""Result folders -> the records in them; which are missing, and which are damaged, in one line each."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kinema.input_error import InputError
from kinema.records.crossval import CrossValidation
from kinema.records.dataset_report import DatasetReport
from kinema.records.evaluation import Evaluation
from kinema.records.parity import Parity
from kinema.records.record import Record
from kinema.records.training import Training
from kinema.records.verification import Verification

REPORT, TRAINING, EVALUATION = "dataset_report.json", "training.json", "evaluation.json"
PARITY, VERIFICATION = "parity.json", "verification.json"
CROSSVAL = "crossval"  # a folder in that of a model
SUMMARY = f"{CROSSVAL}/summary.json"
SWEEP, SWEPT = "sweep-", "summary.csv"  # a folder in that of a model begins so; the table in it
HISTORY, VALIDATED = "training.csv", "val_video_top1"
OF_MODEL = (TRAINING, EVALUATION, PARITY, VERIFICATION)
MODEL_FILES = (*OF_MODEL, "model.pth", "model.onnx", "model.xml")
DATASET_FILES = (REPORT, "annotation.json", "clips.json")
AnyRecord = TypeVar("AnyRecord", bound=Record)


@dataclass(frozen=True, kw_only=True)
class FoundDataset:
    """What is known of a data set; `damaged` has a line for a report that is there and cannot be read."""

    folder: Path
    report: DatasetReport | None
    damaged: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FoundModel:
    """What is known of a model; None stands for a record that is not there, or is damaged and has a line for it.

    An `evaluation` has scores; where no video has a label, `unscored` tells of it. `validations` are the accuracies of
    its validations by training.csv, in their order.
    """

    folder: Path
    dataset: FoundDataset
    training: Training | None
    evaluation: Evaluation | None
    unscored: str | None
    parity: Parity | None
    verification: Verification | None
    crossval: CrossValidation | None
    validations: tuple[float, ...]
    damaged: tuple[str, ...]

    @property
    def report(self) -> DatasetReport | None:
        """The report of its data set."""
        return self.dataset.report


def is_model_folder(folder: Path) -> bool:
    """Whether something of a model lies there."""
    return any((folder / name).exists() for name in MODEL_FILES)


def is_summed_up(folder: Path) -> bool:
    """Whether it is the folder of a cross-validation that is done."""
    return folder.name == CROSSVAL and (folder / Path(SUMMARY).name).exists()


def is_swept(folder: Path) -> bool:
    """Whether it is the folder of a sweep that is done."""
    return folder.name.startswith(SWEEP) and (folder / SWEPT).exists()


def is_dataset_folder(folder: Path) -> bool:
    """Whether something of a data set lies there, or a folder of a model."""
    return any((folder / name).exists() for name in DATASET_FILES) or bool(model_folders(folder))


def model_folders(dataset_folder: Path) -> list[Path]:
    """Folders of the models of a data set, by name."""
    if not dataset_folder.is_dir():
        return []
    return sorted(path for path in dataset_folder.iterdir() if path.is_dir() and is_model_folder(path))


def read_dataset(folder: Path) -> FoundDataset:
    """Read the report of a data set."""
    damaged: list[str] = []
    return FoundDataset(folder=folder, report=_read(DatasetReport, folder / REPORT, damaged), damaged=tuple(damaged))


def read_model(folder: Path, dataset: FoundDataset) -> FoundModel:
    """Read the records of a model of this data set."""
    damaged: list[str] = []
    evaluation = _read(Evaluation, folder / EVALUATION, damaged)
    if evaluation and (problem := _impossible(evaluation)):
        damaged.append(f"{folder / EVALUATION}: {problem}; {Evaluation.AGAIN}")
        evaluation = None
    unscored = _unscored(evaluation, folder) if evaluation and evaluation.subset is None else None
    training = _read(Training, folder / TRAINING, damaged)
    if training and not training.labels:
        damaged.append(f"{folder / TRAINING}: labels is empty, expected the classes; {Training.AGAIN}")
        training = None
    return FoundModel(
        folder=folder,
        dataset=dataset,
        training=training,
        evaluation=None if unscored else evaluation,
        unscored=unscored,
        parity=_read(Parity, folder / PARITY, damaged),
        verification=_read(Verification, folder / VERIFICATION, damaged),
        crossval=_read(CrossValidation, folder / SUMMARY, damaged),
        validations=_read_validations(folder / HISTORY, damaged),
        damaged=tuple(damaged),
    )


def _read(kind: type[AnyRecord], path: Path, damaged: list[str]) -> AnyRecord | None:
    if not path.exists():
        return None
    try:
        return kind.read(path)
    except InputError as error:
        damaged.append(str(error))
        return None


def _read_validations(path: Path, damaged: list[str]) -> tuple[float, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return tuple(float(row[VALIDATED]) for row in csv.DictReader(file) if row.get(VALIDATED))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, csv.Error) as error:
        damaged.append(f"{path}: {error}; {Training.AGAIN}")
        return ()


def _impossible(evaluation: Evaluation) -> str | None:
    """What no evaluation writes, and what no interval can be computed of."""
    if evaluation.subset is None:
        return None
    if evaluation.subset not in evaluation.subsets:
        return f"subset is {evaluation.subset:.40}, expected one of {', '.join(evaluation.subsets) or 'those scored'}"
    scores = evaluation.scores
    listed = sum(one.num_videos for one in scores.classes.values())
    if scores.num_videos < 1 or scores.num_videos != listed:
        return f"num_videos is {scores.num_videos}, expected {listed}, those of its classes, and at least 1"
    if not 0 <= scores.video_top1 <= 1:
        return f"video_top1 is {scores.video_top1:g}, expected a fraction"
    if scores.num_videos > scores.num_annotated:
        return f"num_annotated is {scores.num_annotated}, expected {scores.num_videos}, those scored, or more"
    return None


def _unscored(evaluation: Evaluation, folder: Path) -> str:
    answered = ", ".join(f"{number:,} {name}" for name, number in evaluation.unlabelled.items())
    return f"none: the {answered} videos have no label; {folder / 'predictions.parquet'} has what is said of them"
