"""Files that a training finds where it goes on -> those that are whole and its own; others are set aside."""

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import lightning as L
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

from kinema.models.state import check_plain_tensors, check_same_tensors, read_torch_file
from kinema.words import EPOCH, explained

log = logging.getLogger(__name__)
KEY = "kinema"  # of what we add to Lightning's checkpoint


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
