"""The folder of a run, `work/.../<lineage>-<epochs>/`: which of its files are whole and its own, and what stays.

    resume-<batches>.ckpt   resume points
    best.ckpt               the best epoch so far
    finished/               links to the outputs, once the training is done

These links are all that is kept then; where more epochs could follow (`kinema.training.resume.runs`), so is the last
resume point, with the best epoch if that counts.

When a workflow dies while its training goes on, as happens on clusters, Snakemake takes the outputs for incomplete: it
removes them and starts the job again. Hard links cost no space as long as the outputs are there.
"""

import logging
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning as L
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from kinema.experiment.model_sections import Training
from kinema.models.loading.tensors import check_plain_tensors, check_same_tensors, read_torch_file
from kinema.training.resume.runs import FINISHED, num_epochs, obstacle, other_runs, resume_points
from kinema.words import EPOCH, explained

log = logging.getLogger(__name__)
KEY = "kinema"  # of what we add to Lightning's checkpoint
BEST = "best.ckpt"


class Extra(BaseModel):
    """What we add."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    random: dict[str, Any]
    gradients: dict[str, Tensor]
    loader: dict[str, int]
    seconds: float
    steps_a_batch: int = Field(ge=1)


class Point(BaseModel):
    """What a resume point has, and the best epoch's file too."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    state_dict: dict[str, Tensor]
    loops: dict[str, Any]
    callbacks: dict[str, Any]
    optimizer_states: list[dict[str, Any]]
    lr_schedulers: list[dict[str, Any]]
    epoch: int
    global_step: int = Field(ge=0)
    extra: Extra = Field(alias=KEY)


def newest_point(folder: Path, task: L.LightningModule) -> Path | None:
    """The newest resume point that `task` can go on from; others get another name and a warning. None: start anew."""
    return next((path for path in resume_points(folder) if is_whole(path, task)), None)


def take_over(folder: Path, task: L.LightningModule, training: Training) -> Path | None:
    """The furthest resume point of a run with another number of epochs that this one can go on from, now in `folder`.

    None where there is none, or only such as would have been trained otherwise by this run, or further than it goes.
    """
    for other in other_runs(folder):
        if obstacle(training, num_epochs(other)):
            continue
        for path in resume_points(other):
            point = _whole(path, task)
            if point and point.epoch < training.epochs:
                folder.mkdir(parents=True, exist_ok=True)
                # the point last: where it is, the best epoch before it is, too
                for name in (BEST, path.name):
                    if (other / name).is_file():
                        link(other / name, folder / name)
                return folder / path.name
    return None


def is_whole(path: Path, task: L.LightningModule) -> bool:
    """Whether a file is one of this training; else it is set aside, with a warning that another takes its place."""
    return _whole(path, task) is not None


def _whole(path: Path, task: L.LightningModule) -> Point | None:
    try:
        return read_point(path, task)
    except ValueError as error:
        aside = path.with_name(f"{path.name}.aside")
        text = "%s; it is damaged or of another training and set aside as %s; the epoch or point before it is taken"
        log.warning(text, error, aside.name)
        with suppress(FileNotFoundError):  # another process of this training may have been first
            path.replace(aside)
        return None


def read_point(path: Path, task: L.LightningModule) -> Point:
    """The content of a resume point or epoch of this task; ValueError in one line for any other file."""
    content = read_torch_file(path, expected=EPOCH)
    try:
        point = Point.model_validate(content)
        check_plain_tensors(point.state_dict)
    except ValidationError as error:
        raise ValueError(f"{path}: no epoch of a training: {explained(error.errors())}") from None
    except ValueError as error:
        raise ValueError(f"{path}: no epoch of a training: {error}") from None
    check_same_tensors(point.state_dict, task.state_dict(), where=str(path))
    return point


def keep_outputs(folder: Path, outputs: Sequence[Path], training: Training) -> None:
    """Keep links to the outputs in `folder`, in place of what was finished and kept before.

    Of the resume points the last one stays where more epochs could follow. Those of other experiments stay, but not
    those of the same one with fewer epochs.
    """
    shorter = [other for other in other_runs(folder) if num_epochs(other) < training.epochs]
    finished = [path.parent for path in folder.parent.glob(f"*/{FINISHED}") if path.parent != folder]
    for other in {*shorter, *finished}:
        shutil.rmtree(other, ignore_errors=True)  # what cannot be removed must not fail a finished training
    part = folder / f"{FINISHED}.part"
    for old in (part, folder / FINISHED):
        shutil.rmtree(old, ignore_errors=True)
    part.mkdir(parents=True)
    for path in outputs:
        link(path, part / path.name)
    part.replace(folder / FINISHED)
    kept = set() if obstacle(training, training.epochs) else _needed_to_go_on(folder, training)
    for path in folder.glob("*.ckpt*"):
        if path not in kept:
            with suppress(OSError):
                path.unlink()


def _needed_to_go_on(folder: Path, training: Training) -> set[Path]:
    return {*resume_points(folder)[:1], *([folder / BEST] if training.keep == "best" else [])}


def is_finished(folder: Path, outputs: Sequence[Path]) -> bool:
    """Whether these outputs were made before, and kept."""
    return all((folder / FINISHED / path.name).is_file() for path in outputs)


def restore_outputs(folder: Path, outputs: Sequence[Path]) -> None:
    """Put the outputs back."""
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        link(folder / FINISHED / path.name, path)


def link(source_path: Path, target_path: Path) -> None:
    """Put a second name of a file in the place of another file, or a copy; at once, as several processes may do it."""
    part = target_path.with_name(f"{target_path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(source_path, part)
    except OSError:  # a file system without hard links, or another one
        shutil.copy2(source_path, part)
    part.replace(target_path)
    part.unlink(missing_ok=True)  # it stays where both were names of one file
