"""Batches too small for batch-norm statistics end no training."""

import logging

import pytest
from corpus import CLIP
from training_runs import assert_same, break_off, run_training, settings

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.registry import create_model
from kinema.training.network import _needs_two_clips
from kinema.training.task import RecognitionTask

FRAME = CLIP.model_copy(update={"length": 1, "size": 32})  # maps of one frame and one place


def of_one_frame(**training):
    return settings(freeze_batch_norm=False, **training).model_copy(update={"clip": FRAME})


@pytest.fixture
def steps(monkeypatch):
    """Clips of every training step."""
    sizes = []
    step = RecognitionTask.training_step

    def training_step(self, batch, number):
        sizes.append(len(batch["label"]))
        return step(self, batch, number)

    monkeypatch.setattr(RecognitionTask, "training_step", training_step)
    return sizes


def test_a_clip_that_would_be_alone_is_left_out(prepared, tmp_path, steps, caplog):
    recipe = of_one_frame(epochs=2)
    expected = run_training(prepared, tmp_path / "whole", recipe)
    assert steps == [2, 2] * 2, "5 videos"
    assert [record.levelname for record in caplog.records if "leaves out one clip" in record.message] == ["WARNING"]
    break_off(1, prepared, tmp_path / "cut", recipe)
    assert_same(run_training(prepared, tmp_path / "cut", recipe), expected)


@pytest.mark.parametrize("recipe", [settings(epochs=1), settings(epochs=1, freeze_batch_norm=False)])
def test_elsewhere_no_clip_is_left_out(prepared, tmp_path, steps, caplog, recipe):
    run_training(prepared, tmp_path, recipe)
    assert steps == [2, 2, 1]
    assert "leaves out" not in caplog.text


def test_batches_of_one_clip_are_refused(prepared, tmp_path):
    message = r"batch_size is 1 .*'test_efficientnet_vtn' see one number of a single clip.*training.freeze_batch_norm"
    with pytest.raises(ValueError, match=message):
        run_training(prepared, tmp_path, of_one_frame(batch_size=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "clip", "options", "expected"),
    [
        ("densenet201_3d", Clip(length=16, size=32), {}, True),
        ("densenet201_3d", Clip(length=16, size=32), {"freeze_batch_norm": True}, False),
        ("densenet201_3d", Clip(length=16, size=32), {"encoder_lr_factor": 0}, False),
        ("densenet201_3d", Clip(length=16, size=96), {}, False),
        ("resnet18_lstm", Clip(length=4, size=64), {}, False),
    ],
)
def test_where_two_clips_are_needed(name, clip, options, expected, caplog):
    model = create_model(name, num_classes=3, clip=clip, network=Network(encoder_weights="none"))
    before = {key: value.clone() for key, value in model.state_dict().items() if "num_batches" in key}
    assert before
    with caplog.at_level(logging.WARNING):
        assert _needs_two_clips(model, settings(**{"freeze_batch_norm": False} | options).training) == expected
    assert all(value == model.state_dict()[key] for key, value in before.items())
