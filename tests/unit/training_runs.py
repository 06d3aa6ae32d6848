"""A training of a small network on the small corpus, as the rule makes it, and what may happen in one."""

from collections.abc import Mapping

import pandas as pd
import pytest
import torch
from corpus import CLIP

from kinema.clips.parts import parts_digests
from kinema.clips.table import parts_path
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Network, Training
from kinema.experiment.params import training_parts
from kinema.models.loading.checkpoint import Checkpoint, load_checkpoint
from kinema.training.run import TrainingInputs, TrainingOutputs, train
from kinema.training.task import RecognitionTask
from kinema.training.world import ALONE, World
from kinema.watching.speed import SPEED
from kinema.watching.training import TrainingWatch

ALWAYS = 1e-9  # minutes between resume points: one after every step
NETWORK = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32, dropout=0.3)


def settings(**training) -> Settings:
    """A recipe of three epochs with a resume point after every step, unless `training` says otherwise."""
    recipe = {"epochs": 3, "batch_size": 2, "lr": 1e-3, "num_workers": 0, "freeze_batch_norm": True}
    return Settings(clip=CLIP, network=NETWORK, training=Training(**recipe | {"checkpoint_minutes": ALWAYS} | training))


def run_training(
    prepared,
    folder,
    recipe: Settings,
    model: str = "test_efficientnet_vtn",
    starts: Mapping[str, str] | None = None,
    world: World = ALONE,
) -> tuple[Checkpoint, pd.DataFrame]:
    """The model that is written to `folder`, and its curve."""
    folder.mkdir(exist_ok=True)
    inputs = TrainingInputs(
        clips_path=prepared / "clips.parquet",
        model_name=model,
        settings=recipe,
        starts=starts or {},
        data=parts_digests(parts_path(prepared / "clips.parquet"), training_parts(recipe.training)),
        code="1",
        world=world,
    )
    outputs = outputs_in(folder)
    train(inputs, outputs, watch=TrainingWatch(outputs), threads=1)
    return result_in(folder)


def result_in(folder) -> tuple[Checkpoint, pd.DataFrame]:
    """The model and the curve of the training whose outputs lie there."""
    return load_checkpoint(folder / "model.pth"), pd.read_csv(folder / "training.csv")


def outputs_in(folder) -> TrainingOutputs:
    """All in one folder."""
    return TrainingOutputs(
        model_path=folder / "model.pth",
        history_path=folder / "training.csv",
        record_path=folder / "training.json",
        work_folder=folder / "work",
        curves_folder=folder / "logs",
    )


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


def break_off(step: int, prepared, folder, recipe: Settings) -> None:
    """A training that fails in the step of this number."""
    with pytest.MonkeyPatch.context() as patch:
        at_step(step, fails(ZeroDivisionError()), patch.setattr)
        with pytest.raises(ZeroDivisionError):
            run_training(prepared, folder, recipe)


def assert_same(result, expected) -> None:
    """Two trainings gave the same curve and weights."""
    (trained, curve), (expected_model, expected_curve) = result, expected
    times = ["seconds", *SPEED]
    pd.testing.assert_frame_equal(curve.drop(columns=times), expected_curve.drop(columns=times), rtol=1e-5)
    for name, tensor in trained.model.state_dict().items():
        torch.testing.assert_close(tensor, expected_model.model.state_dict()[name], rtol=1e-5, atol=1e-5)
