"""Another number of epochs: a training goes on where that gives what a longer one would have, else it is told."""

import logging
import re
import signal

import pytest
import torch
from training_runs import assert_same, at_step, break_off, run_training, settings

from kinema.experiment.model_sections import Training
from kinema.training.resume.runs import note_interruption, obstacle, resume_points, run_folder
from kinema.training.resume.tell import interruptions, told
from kinema.training.task import RecognitionTask

STEADY = {"schedule": "constant", "warmup_fraction": 0.0}
RECIPES = {
    "constant": STEADY,
    "step": {"schedule": "step", "warmup_fraction": 0.0, "lr_milestones": (1, 3), "accumulate": 2, "keep": "last"},
    "plateau": {"schedule": "plateau", "plateau_patience": 0, "lr": 0.1, "optimizer": "sgd"},
    "averaged": STEADY | {"ema_decay": 0.7, "freeze_encoder_epochs": 3, "freeze_batch_norm": False},
}


def assert_equal(result, expected) -> None:
    """The same curve, and the very same weights."""
    assert_same(result, expected)
    for name, tensor in result[0].model.state_dict().items():
        assert torch.equal(tensor, expected[0].model.state_dict()[name]), name


def starts_at(monkeypatch) -> list[int]:
    """Numbers of the steps that are made, counted over all epochs."""
    seen: list[int] = []
    step = RecognitionTask.training_step

    def training_step(self, batch, batch_idx):
        seen.append(self.trainer.fit_loop.total_batch_idx)
        return step(self, batch, batch_idx)

    monkeypatch.setattr(RecognitionTask, "training_step", training_step)
    return seen


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["plateau", "averaged", *(pytest.param(name, marks=pytest.mark.slow) for name in ("constant", "step"))]
)
def test_a_finished_training_goes_on_to_what_more_epochs_would_have_given(
    prepared, tmp_path, monkeypatch, undisturbed, name
):
    recipe = RECIPES[name]
    expected = undisturbed(settings(**recipe | {"epochs": 4}))
    run_training(prepared, tmp_path, settings(**recipe | {"epochs": 2}))
    seen = starts_at(monkeypatch)
    assert_equal(run_training(prepared, tmp_path, settings(**recipe | {"epochs": 4})), expected)
    assert seen == list(range(6, 12)), "no step is made again"


@pytest.mark.slow
@pytest.mark.parametrize("epochs", [4, 2])
def test_an_interrupted_training_goes_on_in_mid_epoch(prepared, tmp_path, monkeypatch, undisturbed, epochs):
    recipe = RECIPES["averaged"]
    expected = undisturbed(settings(**recipe | {"epochs": epochs}))
    break_off(5, prepared, tmp_path, settings(**recipe | {"epochs": 3}))
    seen = starts_at(monkeypatch)
    assert_equal(run_training(prepared, tmp_path, settings(**recipe | {"epochs": epochs})), expected)
    assert seen[0] == 5


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["best", pytest.param("last", marks=pytest.mark.slow)])
def test_the_best_epoch_may_be_of_the_time_before(prepared, tmp_path, monkeypatch, keep):
    def validated(self):
        self._validated.clear()
        self.log("val_video_top1", 0.0 if self.trainer.sanity_checking else [0.1, 0.9, 0.2, 0.3][self.current_epoch])

    monkeypatch.setattr(RecognitionTask, "on_validation_epoch_end", validated)
    recipe = STEADY | {"keep": keep}
    expected = run_training(prepared, tmp_path / "whole", settings(**recipe, epochs=4))
    for epochs in (3, 4):
        result = run_training(prepared, tmp_path / "cut", settings(**recipe, epochs=epochs))
    assert_equal(result, expected)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        (
            {"schedule": "onecycle"},
            "with training.schedule: onecycle each learning rate depends on the number of epochs",
        ),
        pytest.param(
            {"schedule": "constant", "warmup_fraction": 0.5},
            "training.warmup_fraction: 0.5 is a part of all steps, so the warm-up differs",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["onecycle", "warm-up"],
)
def test_where_the_steps_would_differ_it_begins_anew_and_says_so(
    prepared, tmp_path, caplog, undisturbed, recipe, reason
):
    expected = undisturbed(settings(**recipe, epochs=2))
    run_training(prepared, tmp_path, settings(**recipe, epochs=1))
    assert not list(tmp_path.rglob("*.ckpt")), "what nobody can go on from is not kept"
    assert_equal(run_training(prepared, tmp_path, settings(**recipe, epochs=2)), expected)
    start = "training.epochs is 2 now, 1 before: the training begins anew, since "
    (line,) = [record.message for record in caplog.records if record.message.startswith(start)]
    assert line == (
        f"{start}{reason}. To keep what is trained, set it back to 1; to train on from its model.pth, name that in a "
        "variant, as training.init_from."
    )


@pytest.mark.slow
def test_fewer_epochs_than_are_trained_begin_anew_and_are_told(prepared, tmp_path, caplog, undisturbed):
    expected = undisturbed(settings(**STEADY, epochs=1))
    run_training(prepared, tmp_path, settings(**STEADY, epochs=2))
    assert_equal(run_training(prepared, tmp_path, settings(**STEADY, epochs=1)), expected)
    assert "1 now, 2 before: the training begins anew, since that run is further already" in caplog.text


def test_another_experiment_begins_anew_without_a_word(prepared, tmp_path, caplog):
    run_training(prepared, tmp_path, settings(**STEADY, epochs=1))
    with caplog.at_level(logging.INFO):
        run_training(prepared, tmp_path, settings(**STEADY, epochs=2, seed=5))
    assert "training.epochs" not in caplog.text
    assert "continuing" not in caplog.text


@pytest.mark.slow
def test_of_a_finished_run_one_resume_point_stays_and_of_shorter_ones_nothing(prepared, tmp_path):
    break_off(2, prepared, tmp_path, settings(**STEADY, epochs=2))
    run_training(prepared, tmp_path, settings(**STEADY, epochs=3))
    (folder,) = (tmp_path / "work").glob("*-*")
    assert folder.name.endswith("-3")
    assert sorted(path.name for path in folder.iterdir()) == ["best.ckpt", "finished", "resume-000000009.ckpt"]
    assert not [path for path in tmp_path.rglob("*") if "part" in path.name]
    run_training(prepared, tmp_path, settings(**STEADY, epochs=3, keep="last"))
    (folder,) = (tmp_path / "work").glob("*-*")
    assert sorted(path.name for path in folder.iterdir()) == ["finished", "resume-000000009.ckpt"]


@pytest.mark.slow
def test_a_damaged_last_point_of_a_shorter_run_is_told_and_it_begins_anew(prepared, tmp_path, caplog, undisturbed):
    expected = undisturbed(settings(**STEADY, epochs=2))
    run_training(prepared, tmp_path, settings(**STEADY, epochs=1))
    (folder,) = (tmp_path / "work").glob("*-*")
    resume_points(folder)[0].write_bytes(b"")
    assert_equal(run_training(prepared, tmp_path, settings(**STEADY, epochs=2)), expected)
    assert "set aside as" in caplog.text
    assert "begins anew, since that run is further already, or left no resume point" in caplog.text


@pytest.mark.parametrize(
    ("changes", "epochs", "is_one"),
    [
        ({}, 10, True),
        ({"schedule": "cosine"}, 10, True),
        ({"schedule": "constant", "warmup_fraction": 0.0}, 10, False),
        ({"schedule": "step"}, 10, True),
        ({"schedule": "step", "warmup_fraction": 0.0}, 10, False),
        ({"schedule": "plateau"}, 10, False),
        ({"schedule": "plateau", "validate_every": 10}, 10, False),
        ({"schedule": "plateau", "validate_every": 20}, 10, True),
    ],
)
def test_what_keeps_a_training_from_going_on(changes, epochs, is_one):
    assert (obstacle(Training(epochs=30, **changes), epochs) is not None) is is_one


def made(folder, *names):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).mkdir() if name == "finished" else (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("others", "recipe", "expected"),
    [
        ({}, STEADY, None),
        ({30: ["finished"]}, STEADY, None),
        ({30: ["resume-000000001.ckpt"], 20: ["finished"]}, STEADY, None),
        ({20: ["finished", "resume-000000009.ckpt"]}, STEADY, "30 now, 20 before: the training goes on from"),
        ({40: ["resume-000000009.ckpt"]}, STEADY, "30 now, 40 before: the training goes on from"),
        ({40: ["finished", "resume-000000009.ckpt"]}, STEADY, "30 now, 40 before: .* anew, since that run is further"),
        ({20: ["finished"]}, STEADY, "30 now, 20 before: .* anew, since that run .* left no resume point"),
        ({20: ["finished"]}, {}, "30 now, 20 before: .* anew, since with training.schedule: onecycle"),
        ({20: ["best.ckpt"]}, STEADY, None),
    ],
)
def test_what_is_told_before_anything_runs(tmp_path, others, recipe, expected):
    for epochs, names in others.items():
        made(tmp_path / f"abc-{epochs}", *names)
    made(tmp_path / "abcd-20", "finished")
    made(tmp_path / "abc-converted", "finished")
    training = Training(epochs=30, **recipe)
    found = told(run_folder(tmp_path, "abc", training), training)
    if expected is None:
        assert found is None
    else:
        assert re.match(f"training.epochs is {expected}", str(found))


def test_the_last_words_of_interrupted_trainings(prepared, tmp_path, monkeypatch):
    work = tmp_path / "work"
    note_interruption(work / "tiny/net", "interrupted at epoch 3, step 120 (SIGINT); run the same command again")
    (line,) = interruptions(work, since=0)
    assert line == "kinema: tiny/net: interrupted at epoch 3, step 120 (SIGINT); run the same command again"
    assert not list(interruptions(work, since=(work / "tiny/net/interrupted.txt").stat().st_mtime + 1))
    at_step(2, lambda: signal.raise_signal(signal.SIGTERM), monkeypatch.setattr)
    with pytest.raises(RuntimeError, match=r"interrupted at epoch 1, step 3"):
        run_training(prepared, tmp_path, settings())
    assert (work / "interrupted.txt").is_file()
    monkeypatch.undo()
    run_training(prepared, tmp_path, settings())
    assert not (work / "interrupted.txt").exists()
