"""Resume points that are damaged, of something else or somewhere else."""

import json
import logging
import os
import re

import pytest
import torch
from everyday import mostly_slow
from training_runs import assert_same, break_off, run_training, settings

from kinema.training import run
from kinema.training.resume.folder import resume_points
from kinema.training.task import RecognitionTask

pytestmark = pytest.mark.slow


def other(change):
    """A damage to a file: another one that can be read."""

    def damage(path):
        torch.save(change(torch.load(path, weights_only=True)), path)

    return damage


def with_other_shape(content):
    name = next(iter(content["state_dict"]))
    return content | {"state_dict": content["state_dict"] | {name: torch.ones(3)}}


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, 3000),
    "a list": other(lambda content: [1, 2]),
    "without a counter": other(lambda content: {key: content[key] for key in content if key != "global_step"}),
    "only weights": other(lambda content: {"state_dict": content["state_dict"]}),
    "without our entries": other(lambda content: {key: content[key] for key in content if key != "kinema"}),
    "other shapes": other(with_other_shape),
    "no tensors": other(lambda content: content | {"state_dict": {"a": 1}}),
}


@pytest.fixture(scope="module")
def uninterrupted(undisturbed):
    return undisturbed(settings())


@pytest.mark.parametrize(
    ("damage", "message"), [("cut", "cannot be read"), ("a list", "no epoch"), ("other shapes", "misshapen")]
)
def test_a_damaged_best_epoch_gives_way_to_the_last_one(
    prepared, tmp_path, monkeypatch, caplog, undisturbed, damage, message
):
    expected = undisturbed(settings(keep="last"))
    with monkeypatch.context() as patch:
        patch.setattr(run, "save_checkpoint", lambda *args, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_training(prepared, tmp_path, settings())
    (best,) = tmp_path.glob("work/*/best.ckpt")
    DAMAGES[damage](best)
    assert_same(run_training(prepared, tmp_path, settings()), expected)
    assert re.search(f"best.ckpt: .*{message}", caplog.text)
    assert json.loads((tmp_path / "training.json").read_text())["kept_epoch"]["epoch"] == 2


def test_a_project_that_is_moved_keeps_its_best_epoch(prepared, tmp_path, monkeypatch):
    def validated(self):
        self._validated.clear()
        self.log("val_video_top1", 0.0 if self.trainer.sanity_checking else [0.9, 0.1, 0.2][self.current_epoch])

    monkeypatch.setattr(RecognitionTask, "on_validation_epoch_end", validated)
    expected = run_training(prepared, tmp_path / "whole", settings())
    break_off(4, prepared, tmp_path / "old", settings())
    (tmp_path / "old").rename(tmp_path / "new")
    assert_same(run_training(prepared, tmp_path / "new", settings()), expected)


def test_one_experiment_leaves_the_resume_points_of_another(prepared, tmp_path):
    break_off(4, prepared, tmp_path, settings())
    points = set(tmp_path.glob("work/*/*.ckpt"))
    for rate in (0.5, 0.6):
        run_training(prepared, tmp_path, settings(epochs=1, lr=rate))
    assert set(tmp_path.glob("work/*/*.ckpt")) == points
    assert len(list(tmp_path.glob("work/*/finished"))) == 1, "of several, the newest"


@pytest.mark.parametrize("kind", mostly_slow(DAMAGES, everyday=["empty", "other shapes"]))
def test_a_point_that_is_not_ours_or_damaged_falls_back_to_the_one_before(
    prepared, tmp_path, caplog, uninterrupted, kind
):
    break_off(5, prepared, tmp_path, settings())
    (state,) = (tmp_path / "work").glob("*/")
    newest, before = resume_points(state)
    DAMAGES[kind](newest)
    with caplog.at_level(logging.INFO):
        assert_same(run_training(prepared, tmp_path, settings()), uninterrupted)
    assert f"continuing from {before}" in caplog.text
    (warning,) = [record.message for record in caplog.records if "set aside" in record.message]
    assert str(newest) in warning
    assert "\n" not in warning
    assert not list(state.glob("*.ckpt*")), "nothing is left of a finished training"


def test_a_point_that_cannot_be_restored_is_named(prepared, tmp_path):
    break_off(5, prepared, tmp_path, settings())
    (newest, _) = resume_points(next((tmp_path / "work").glob("*/")))
    other(lambda content: content | {"optimizer_states": [{"state": {}, "param_groups": []}]})(newest)
    with pytest.raises(RuntimeError, match=r"resume-000000005.ckpt: training cannot go on from here: .*Remove this"):
        run_training(prepared, tmp_path, settings())
