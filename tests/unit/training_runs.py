"""A training of a small network on the small corpus, as the rule makes it, and what may happen in one."""

from collections.abc import Mapping

import pandas as pd

from kinema.clips.parts import parts_digests
from kinema.clips.table import parts_path
from kinema.config import Settings
from kinema.models.checkpoint import Checkpoint, load_checkpoint
from kinema.params import training_parts
from kinema.training.run import train
from kinema.training.task import RecognitionTask
from kinema.watching.training import TrainingWatch


def run_training(
    prepared, folder, recipe: Settings, model: str = "test_efficientnet_vtn", starts: Mapping[str, str] | None = None
) -> tuple[Checkpoint, pd.DataFrame]:
    """The model that is written to `folder`, and its curve."""
    folder.mkdir(exist_ok=True)
    train(
        clips=prepared / "clips.parquet",
        model=model,
        settings=recipe,
        out=folder / "model.pth",
        starts=starts or {},
        data=parts_digests(parts_path(prepared / "clips.parquet"), training_parts(recipe.training)),
        work=folder / "work",
        code="1",
        threads=1,
        watch=watch_in(folder),
    )
    return load_checkpoint(folder / "model.pth"), pd.read_csv(folder / "training.csv")


def watch_in(folder) -> TrainingWatch:
    """What looks on, and writes to `folder`."""
    return TrainingWatch(history=folder / "training.csv", record=folder / "training.json", logs=folder / "logs")


def at_step(number: int, happens, patch=setattr) -> None:
    """Let something happen in the training step of this number, counted from 0 over all epochs."""
    step = RecognitionTask.training_step

    def training_step(self, batch, batch_idx):
        if self.trainer.fit_loop.total_batch_idx == number:
            happens()
        return step(self, batch, batch_idx)

    patch(RecognitionTask, "training_step", training_step)


def fails(error: Exception):
    """What raises an error."""

    def happens():
        raise error

    return happens
