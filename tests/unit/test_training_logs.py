"""Curves that are written while a training runs, and what an interruption leaves of them."""

import time

import pandas as pd
import pytest
import yaml
from corpus import CLIP
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_runs import break_off, run_training

from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Network, Training
from kinema.watching.speed import SPEED

STEPS = 6  # in two epochs
STEP_CURVES = {"step/loss", "step/clip_top1", "step/lr", *(f"step/{name}" for name in SPEED)}
EPOCH_CURVES = {"train_loss", "train_clip_top1", "val_clip_top1", "val_video_top1", *SPEED}


def settings(**training) -> Settings:
    network = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32)
    recipe = {"epochs": 2, "batch_size": 2, "num_workers": 0, "log_every_steps": 1, "checkpoint_minutes": 1e-9}
    return Settings(clip=CLIP, network=network, training=Training(**recipe | training))


def folder_of(root):
    (folder,) = (root / "logs").iterdir()
    return folder


def step_rows(root) -> pd.DataFrame:
    rows = pd.concat(pd.read_csv(path) for path in sorted(folder_of(root).glob("from_step_*/metrics.csv")))
    return rows[rows["step/loss"].notna()]


def curve(root, name: str) -> tuple[pd.Series, int]:
    """Values by step, and the number of points, which is larger where a step came twice."""
    events = EventAccumulator(str(folder_of(root)), purge_orphaned_data=True).Reload()
    points = events.Scalars(name)
    return pd.Series({point.step: point.value for point in points}), len(points)


def break_off_earlier(*args) -> None:
    """A training that fails, in a second of its own, as in its own process.

    TensorBoard reads files of events in the order of their names: by second, then by a number without leading zeros,
    of which 10 comes before 9.
    """
    break_off(*args)
    time.sleep(1 - time.time() % 1)


@pytest.fixture(scope="module")
def whole(prepared, tmp_path_factory):
    root = tmp_path_factory.mktemp("logged")
    _, epochs = run_training(prepared, root, settings())
    return root, epochs


def test_every_step_and_epoch_is_logged(whole):
    root, epochs = whole
    rows = step_rows(root)
    assert rows["step"].tolist() == list(range(STEPS))
    assert (rows[list(STEP_CURVES - {"step/clip_top1"})] > 0).all(axis=None)
    assert (rows["step/images_per_second"] / rows["step/clips_per_second"]).tolist() == pytest.approx([4] * STEPS)
    names = set(EventAccumulator(str(folder_of(root))).Reload().Tags()["scalars"])
    assert names >= STEP_CURVES | EPOCH_CURVES
    losses, _ = curve(root, "step/loss")
    assert losses.tolist() == pytest.approx(rows["step/loss"].tolist())
    for name in ("train_loss", "val_video_top1"):
        assert curve(root, name)[0].tolist() == pytest.approx(epochs[name].tolist())


def test_the_logs_say_which_experiment_they_are_of(whole):
    values = yaml.safe_load((folder_of(whole[0]) / "hparams.yaml").read_text())
    assert Settings.model_validate(values) == settings()


def test_points_are_as_far_apart_as_asked_for(prepared, tmp_path):
    run_training(prepared, tmp_path, settings(log_every_steps=2))
    assert step_rows(tmp_path)["step"].tolist() == [1, 3, 5]


def test_a_resumed_run_goes_on_with_its_curves(prepared, tmp_path, whole):
    # the point after the fourth step is lost: that step is logged twice
    break_off_earlier(4, prepared, tmp_path, settings())
    (state,) = (tmp_path / "work").glob("*/")
    (state / "resume-000000004.ckpt").unlink()
    run_training(prepared, tmp_path, settings())
    expected = step_rows(whole[0])["step/loss"].tolist()
    losses, number = curve(tmp_path, "step/loss")
    assert (number, losses.index.tolist()) == (STEPS, list(range(STEPS)))
    assert losses.tolist() == pytest.approx(expected, rel=1e-5)
    assert [path.parent.name[-1] for path in sorted(folder_of(tmp_path).rglob("metrics.csv"))] == ["0", "3"]
    assert step_rows(tmp_path).drop_duplicates("step", keep="last")["step/loss"].tolist() == pytest.approx(
        expected, rel=1e-5
    )


def test_a_run_that_starts_again_at_the_same_step_replaces_its_curves(prepared, tmp_path, whole):
    break_off_earlier(2, prepared, tmp_path, settings(checkpoint_minutes=10))
    run_training(prepared, tmp_path, settings())
    assert step_rows(tmp_path)["step"].tolist() == list(range(STEPS))
    losses, number = curve(tmp_path, "step/loss")
    assert (number, losses.index.tolist()) == (STEPS, list(range(STEPS)))
