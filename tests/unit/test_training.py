"""Training: it learns, continues where it was killed, and stops at nonsense."""

import logging
import re

import pandas as pd
import pytest
import torch
from corpus import CLIP
from training_runs import run_training

from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Network, Training
from kinema.locks import sole_user
from kinema.models.loading import starts
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.registry import create_model
from kinema.training import run
from kinema.training.network import freeze_batch_norm
from kinema.training.run import TrainingInputs
from kinema.watching import history
from kinema.watching.history import History
from kinema.watching.speed import SPEED

NETWORK = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32)


def settings(**training) -> Settings:
    recipe = {"epochs": 3, "batch_size": 2, "lr": 1e-3, "num_workers": 0, "freeze_batch_norm": True, **training}
    return Settings(clip=CLIP, network=NETWORK, training=Training(**recipe))


@pytest.fixture(scope="module")
def uninterrupted(undisturbed):
    return undisturbed(settings())


def test_a_run_writes_a_model_and_its_curve(uninterrupted, prepared):
    trained, curve = uninterrupted
    assert trained.labels == ["close", "grow", "merge", "open", "shrink", "split"]
    assert trained.settings["training"]["lr"] == 1e-3
    assert curve["epoch"].tolist() == [0, 1, 2]
    assert set(curve) >= {"train_loss", "train_clip_top1", "val_clip_top1", "val_video_top1", "lr", "seconds", *SPEED}
    assert (curve[[*SPEED]] > 0).all(axis=None)


def test_a_killed_run_continues_to_the_same_result(prepared, tmp_path, monkeypatch, uninterrupted):
    class Killed(RuntimeError):
        pass

    def die(self, trainer, module, *args):
        if trainer.current_epoch == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(History, "on_train_batch_end", die)
        with pytest.raises(Killed):
            run_training(prepared, tmp_path, settings())
    assert list((tmp_path / "work").glob("*/resume-*.ckpt"))
    assert not (tmp_path / "model.pth").exists()
    trained, curve = run_training(prepared, tmp_path, settings())
    expected, expected_curve = uninterrupted
    times = ["seconds", *SPEED]
    pd.testing.assert_frame_equal(curve.drop(columns=times), expected_curve.drop(columns=times), rtol=1e-5)
    for name, tensor in trained.model.state_dict().items():
        torch.testing.assert_close(tensor, expected.model.state_dict()[name])
    assert not list((tmp_path / "work").rglob("*.ckpt")), "resume state goes when the model is done"


def test_a_run_killed_between_its_last_epoch_and_its_outputs_only_writes_them(
    prepared, tmp_path, monkeypatch, uninterrupted
):
    with monkeypatch.context() as patch:
        patch.setattr(run, "save_checkpoint", lambda *args, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_training(prepared, tmp_path, settings())
        patch.setattr(run.RecognitionTask, "training_step", lambda *args: 1 / 0)
        patch.setattr(run, "save_checkpoint", save_checkpoint)
        trained, curve = run_training(prepared, tmp_path, settings())
    expected, expected_curve = uninterrupted
    assert curve["epoch"].tolist() == expected_curve["epoch"].tolist()
    assert torch.equal(trained.model.decoder.fc.weight, expected.model.decoder.fc.weight)


def test_the_log_says_how_far_a_training_is(prepared, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(history, "PLAIN_INTERVAL_SECONDS", 0)
    with caplog.at_level(logging.INFO):
        run_training(prepared, tmp_path, settings(epochs=2))
    lines = [record.getMessage() for record in caplog.records if record.name == history.__name__]
    inside = [
        re.fullmatch(r"epoch (\d)/2: step (\d)/3, .* steps/s, (\d+) s left without validation", line) for line in lines
    ]
    assert [match.groups()[:2] for match in inside if match] == [(e, s) for e in "12" for s in "123"]
    assert inside[-2].group(3) == "0", "nothing is left after the last step"
    assert [line.split(":")[0] for line, match in zip(lines, inside, strict=True) if not match] == [
        "epoch 1/2",
        "epoch 2/2",
    ]


@pytest.mark.slow
def test_one_seed_gives_one_model(prepared, tmp_path, uninterrupted):
    expected = uninterrupted[0].model.state_dict()
    again, _ = run_training(prepared, tmp_path / "again", settings(num_workers=1))
    other, _ = run_training(prepared, tmp_path / "other", settings(seed=2))
    assert all(torch.equal(value, expected[name]) for name, value in again.model.state_dict().items())
    assert not torch.equal(other.model.decoder.fc.weight, expected["decoder.fc.weight"])


def test_two_runs_do_not_write_one_work_folder(prepared, tmp_path):
    with (
        sole_user(tmp_path / "work", purpose="here first"),
        pytest.raises(RuntimeError, match="another process is train"),
    ):
        run_training(prepared, tmp_path, settings())


def test_a_changed_experiment_does_not_continue_an_old_one(prepared):
    file = prepared / "annotation.json"
    same = {"clips_path": file, "model_name": "a_vtn", "settings": settings()}
    same |= {"starts": {}, "data": {"training": "1"}, "code": "1"}
    changes = [
        {"settings": settings(lr=2e-3)},
        {"model_name": "b_vtn"},
        {"code": "2"},
        {"data": {"training": "2"}},
        {"starts": {"training.init_from": str(file)}},
    ]
    unchanged = {"data": {"training": "1"}, "clips_path": file.parent}
    assert TrainingInputs(**same).lineage == TrainingInputs(**same | unchanged).lineage
    assert len({TrainingInputs(**same | change).lineage for change in [{}, *changes]}) == 6


def test_a_loss_that_is_not_finite_stops_with_the_videos(prepared, tmp_path, monkeypatch):
    def broken(*args, **options):
        model = create_model(*args, **options)
        torch.nn.init.constant_(model.decoder.fc.bias, float("nan"))
        return model

    monkeypatch.setattr(starts, "create_model", broken)
    with pytest.raises(
        FloatingPointError, match=r"loss is nan at epoch 0, step 0, lr .* videos of the batch: \w+_train"
    ):
        run_training(prepared, tmp_path, settings())
    assert not list(tmp_path.rglob("*.ckpt")), "no run goes on with broken weights"


@pytest.mark.parametrize(("keep", "kept_epoch"), [("best", 1), ("last", 2)])
def test_the_best_epoch_is_kept_unless_the_last_is_asked_for(prepared, tmp_path, monkeypatch, keep, kept_epoch):
    accuracies = iter([0.0, 0.1, 0.9, 0.2])  # the first is of the two batches validated before training
    weights = []

    def validated(self):
        self._validated.clear()
        self.log("val_video_top1", next(accuracies))
        weights.append(self.model.decoder.fc.weight.detach().clone())

    monkeypatch.setattr(run.RecognitionTask, "on_validation_epoch_end", validated)
    trained, _ = run_training(prepared, tmp_path, settings(keep=keep))
    assert torch.equal(trained.model.decoder.fc.weight, weights[1 + kept_epoch])


def test_frozen_batch_norm_keeps_its_statistics_and_learns_its_scale():
    model = create_model("efficientnet_lite0_vtn", num_classes=2, clip=CLIP, network=NETWORK)
    before = {name: buffer.clone() for name, buffer in model.named_buffers() if "running" in name}
    assert before
    model.train()
    freeze_batch_norm(model.encoder)
    loss = model(torch.randint(0, 255, (2, 4, 3, 48, 48), dtype=torch.uint8)).sum()
    loss.backward()
    assert all(torch.equal(dict(model.named_buffers())[name], value) for name, value in before.items())
    assert model.encoder.body.bn1.weight.grad is not None


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [{"validate_every": 2}, {"validate_every": 9}, {"schedule": "plateau"}])
def test_the_best_epoch_is_found_where_not_all_are_validated(prepared, tmp_path, recipe):
    _, curve = run_training(prepared, tmp_path, settings(**recipe))
    every = min(recipe.get("validate_every", 1), 3)
    assert curve["val_video_top1"].notna().tolist() == [(epoch + 1) % every == 0 for epoch in range(3)]


@pytest.mark.slow
def test_averaged_weights_are_kept_where_a_run_was_killed_after_its_last_epoch(prepared, tmp_path, monkeypatch):
    recipe = settings(ema_decay=0.5, keep="last")
    expected, _ = run_training(prepared, tmp_path / "whole", recipe)
    with monkeypatch.context() as patch:
        patch.setattr(run, "save_checkpoint", lambda *args, **options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_training(prepared, tmp_path / "killed", recipe)
    trained, _ = run_training(prepared, tmp_path / "killed", recipe)
    assert torch.equal(trained.model.decoder.fc.weight, expected.model.decoder.fc.weight)
