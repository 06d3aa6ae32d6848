"""The folder of a run, `work/.../<fingerprint>/`: which of its files are whole and its own, and what stays in the end.

    resume-<batches>.ckpt   resume points
    best.ckpt               the best epoch so far
    finished/               links to the outputs, once the training is done: all that is kept then

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

from kinema.models.loading.tensors import check_plain_tensors, check_same_tensors, read_torch_file
from kinema.words import EPOCH, explained

log = logging.getLogger(__name__)
KEY = "kinema"  # of what we add to Lightning's checkpoint
BEST = "best.ckpt"
FINISHED = "finished"


class Extra(BaseModel):
    """What we add."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    random: dict[str, Any]
    gradients: dict[str, Tensor]
    loader: dict[str, int]
    seconds: float


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


def resume_points(folder: Path) -> list[Path]:
    """Files of a run's resume points, the newest first."""
    return sorted(folder.glob("resume-*.ckpt"), reverse=True)


def newest_point(folder: Path, task: L.LightningModule) -> Path | None:
    """The newest resume point that `task` can go on from; others get another name and a warning. None: start anew."""
    return next((path for path in resume_points(folder) if is_whole(path, task)), None)


def is_whole(path: Path, task: L.LightningModule) -> bool:
    """Whether a file is one of this training; else it is set aside, with a warning that another takes its place."""
    try:
        read_point(path, task)
    except ValueError as error:
        aside = path.with_name(f"{path.name}.aside")
        text = "%s; it is damaged or of another training and set aside as %s; the epoch or point before it is taken"
        log.warning(text, error, aside.name)
        with suppress(FileNotFoundError):  # another process of this training may have been first
            path.replace(aside)
        return False
    return True


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


def keep_outputs(folder: Path, outputs: Sequence[Path]) -> None:
    """Keep links to the outputs in `folder`, in place of its resume points and of what was finished and kept before.

    Resume points of other experiments stay.
    """
    for other in folder.parent.glob(f"*/{FINISHED}"):
        shutil.rmtree(other.parent, ignore_errors=True)  # what cannot be removed must not fail a finished training
    part = folder / f"{FINISHED}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in outputs:
        _link(path, part / path.name)
    part.replace(folder / FINISHED)
    for point in folder.glob("*.ckpt*"):
        with suppress(OSError):
            point.unlink()


def is_finished(folder: Path, outputs: Sequence[Path]) -> bool:
    """Whether these outputs were made before, and kept."""
    return all((folder / FINISHED / path.name).is_file() for path in outputs)


def restore_outputs(folder: Path, outputs: Sequence[Path]) -> None:
    """Put the outputs back."""
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        _link(folder / FINISHED / path.name, path)


def _link(source_path: Path, target_path: Path) -> None:
    try:
        os.link(source_path, target_path)
    except OSError:  # a file system without hard links, or another one
        shutil.copy2(source_path, target_path)
