"""Training that was stopped anywhere, by anything, goes on as if it had not been."""

import errno
import functools
import json
import logging
import multiprocessing
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import LambdaCallback
from lightning.pytorch.plugins.precision import MixedPrecision
from training_runs import assert_same, at_step, break_off, fails, run_training, settings

from kinema.records.training import Training as TrainingRecord
from kinema.training import trainer as training_trainer
from kinema.training.resume.folder import resume_points
from kinema.training.run import TrainingInputs
from kinema.training.task import RecognitionTask

STEPS = 9  # 5 or 6 training videos in batches of 2, 3 epochs
CHILD = """
import json
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_resume import at, signalled
from training_runs import run_training, settings
from kinema.training.world import World
if sys.argv[4] != "never":
    at(sys.argv[4], signalled(int(sys.argv[5])))
world = World(per_node=int(sys.argv[7]))
run_training(Path(sys.argv[2]), Path(sys.argv[3]), settings(**json.loads(sys.argv[6])), world=world)
"""
further = functools.partial(pytest.param, marks=pytest.mark.slow)
# what is said of the place of a point
PLACES = {
    None: "before the first resume point",
    "resume-000000004.ckpt": "at epoch 2, step 1",
    "resume-000000005.ckpt": "at epoch 2, step 2",
    "resume-000000006.ckpt": "at epoch 2, step 3",
}
# what a task does, and which time of it
MOMENTS = {
    "sanity check": ("validation_step", lambda trainer: trainer.sanity_checking),
    "validation": ("validation_step", lambda trainer: trainer.current_epoch == 1),
    "last validation": ("validation_step", lambda trainer: trainer.current_epoch == 2),
    "between epochs": ("on_train_epoch_start", lambda trainer: trainer.current_epoch == 1),
}


def at(moment: str, happens, patch=setattr) -> None:
    """Let something happen in a step, by its number, or at one of the MOMENTS."""
    if moment.isdecimal():
        at_step(int(moment), happens, patch)
        return
    name, is_now = MOMENTS[moment]
    original = getattr(RecognitionTask, name)

    def patched(self, *args):
        if is_now(self.trainer):
            happens()
        return original(self, *args)

    patch(RecognitionTask, name, patched)


def signalled(number: int):
    """What sends a signal to this process, and to those that train with it."""
    return lambda: os.killpg(os.getpgrp(), number) if os.environ.get("LOCAL_RANK", "0") == "0" else None


def stop_in_subprocess(
    prepared, folder, *, moment: str, number: int, processes: int = 1, **recipe
) -> subprocess.CompletedProcess:
    """A run in a process group of its own that gets a signal at this moment; `never` lets it end by itself."""
    folder.mkdir(exist_ok=True)
    (folder / "child.py").write_text(CHILD)
    arguments = [folder / "child.py", Path(__file__).parent, prepared, folder, moment, int(number), json.dumps(recipe)]
    arguments.append(processes)
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=200, start_new_session=True
    )


@pytest.fixture(autouse=True)
def listening():
    """Ctrl-C reaches these tests where a shell started them in the background, too, which has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before or signal.SIG_DFL)


@pytest.fixture(scope="module")
def uninterrupted(undisturbed):
    return undisturbed(settings())


@pytest.mark.slow
def test_a_run_killed_at_any_step_reaches_the_same_curve_and_weights(prepared, tmp_path, uninterrupted):
    step = random.SystemRandom().randrange(1, STEPS)
    print(f"killed in step {step}")  # shown if it fails
    done = stop_in_subprocess(prepared, tmp_path, moment=str(step), number=signal.SIGKILL)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(list((tmp_path / "work").glob("*/resume-*.ckpt"))) == min(step, 2)
    assert_same(run_training(prepared, tmp_path, settings()), uninterrupted)


@pytest.mark.parametrize(
    ("moment", "number", "workers", "point"),
    [
        further("sanity check", signal.SIGTERM, 2, None),
        further("4", signal.SIGTERM, 2, "resume-000000005.ckpt"),
        further("4", signal.SIGINT, 0, "resume-000000005.ckpt"),
        further("validation", signal.SIGTERM, 0, "resume-000000006.ckpt"),
        further("validation", signal.SIGINT, 2, "resume-000000006.ckpt"),
        further("between epochs", signal.SIGTERM, 2, "resume-000000004.ckpt"),
    ],
)
def test_a_signal_to_all_processes_saves_and_ends(prepared, tmp_path, uninterrupted, moment, number, workers, point):
    recipe = {"num_workers": workers, "checkpoint_minutes": 10}
    done = stop_in_subprocess(prepared, tmp_path, moment=moment, number=number, **recipe)
    assert done.returncode == 1, done.stderr
    place = PLACES[point]
    said = f"interrupted {place} ({number.name}); run the same command again"
    assert f"Interrupted: {said}" in done.stderr
    assert (tmp_path / "work/interrupted.txt").read_text().startswith(said)
    assert "memory" not in done.stderr
    assert not (tmp_path / "model.pth").exists()
    points = sorted((tmp_path / "work").glob("*/resume-*.ckpt"))
    assert [path.name for path in points[-1:]] == [point][: point is not None]
    assert_same(run_training(prepared, tmp_path, settings(**recipe)), uninterrupted)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["validation", further("last validation")])
@pytest.mark.parametrize(
    "recipe",
    [
        {"accumulate": 2, "freeze_batch_norm": False},
        {"schedule": "plateau", "plateau_patience": 0, "lr": 0.1, "keep": "last"},
        {"ema_decay": 0.7, "freeze_encoder_epochs": 2},
    ],
    ids=["accumulate", "plateau", "averaged and frozen"],
)
def test_a_validation_that_was_cut_short_starts_again(prepared, tmp_path, monkeypatch, undisturbed, recipe, moment):
    recipe = settings(**recipe, checkpoint_minutes=10)
    expected = undisturbed(recipe)
    with monkeypatch.context() as patch:
        at(moment, lambda: os.kill(os.getpid(), signal.SIGTERM), patch.setattr)
        with pytest.raises(RuntimeError, match=r"interrupted at epoch ., step 3 \(SIGTERM\)"):
            run_training(prepared, tmp_path, recipe)
    (state,) = (tmp_path / "work").glob("*/")
    assert resume_points(state)[0].name == f"resume-{6 if moment == 'validation' else 9:09d}.ckpt", "no step is lost"
    assert_same(run_training(prepared, tmp_path, recipe), expected)


def test_a_second_ctrl_c_ends_at_once(prepared, tmp_path, monkeypatch):
    def twice():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)

    at_step(4, twice, monkeypatch.setattr)
    with pytest.raises(RuntimeError, match=r"interrupted at epoch 2, step 1 \(SIGINT\); run the same command again"):
        run_training(prepared, tmp_path, settings())
    assert not (tmp_path / "model.pth").exists()


@pytest.mark.slow
def test_sigterm_ends_all_processes_of_a_training_and_it_goes_on_with_one(prepared, tmp_path, monkeypatch):
    """The same experiment on any number of processes; gradients of two steps are added up, which two make at once."""
    recipe = {"batch_size": 1, "accumulate": 2, "checkpoint_minutes": 10, "lr": 1e-2}
    done = stop_in_subprocess(prepared, tmp_path, moment="4", number=signal.SIGTERM, processes=2, **recipe)
    assert done.returncode != 0
    assert "interrupted at epoch 2, step 4 (SIGTERM); run the same command again" in done.stderr, done.stderr
    assert not (tmp_path / "model.pth").exists()
    (state,) = (tmp_path / "work").glob("*/")
    assert resume_points(state)[0].name == "resume-000000009.ckpt", "5 steps and 4"
    places = []
    step = RecognitionTask.training_step

    def training_step(self, batch, number):
        places.append((self.current_epoch, number))
        return step(self, batch, number)

    monkeypatch.setattr(RecognitionTask, "training_step", training_step)
    _, curve = run_training(prepared, tmp_path, settings(**recipe))
    assert places == [(1, 4), *((2, number) for number in range(5))], "4 steps of epoch 2 were 2 batches of two"
    assert curve["epoch"].tolist() == [0, 1, 2]
    record = TrainingRecord.read(tmp_path / "training.json")
    assert (record.processes.number, record.processes.batch_size, record.processes.accumulate) == (1, 1, 2)


def test_lost_outputs_of_a_finished_training_are_put_back(prepared, tmp_path, monkeypatch, caplog):
    expected = run_training(prepared, tmp_path, settings())
    for name in ("model.pth", "training.csv", "training.json"):
        (tmp_path / name).unlink()
    with monkeypatch.context() as patch:
        patch.setattr(RecognitionTask, "training_step", fails(ZeroDivisionError()))
        with caplog.at_level(logging.INFO):
            assert_same(run_training(prepared, tmp_path, settings(num_workers=1)), expected)
        assert "finished before" in caplog.text
        assert (tmp_path / "training.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("step", [further(1), 3, further(6)])
@pytest.mark.parametrize(
    "recipe",
    [
        {"accumulate": 2, "num_workers": 1},  # gradients wait; batches are made ahead
        {"sampling": "balanced", "freeze_batch_norm": False, "optimizer": "sgd"},
        {"schedule": "plateau", "plateau_patience": 0, "lr": 0.1, "keep": "last"},
        {"ema_decay": 0.7, "freeze_encoder_epochs": 2, "validate_every": 2},
    ],
    ids=["accumulate", "balanced", "plateau", "averaged and frozen"],
)
def test_a_run_that_failed_inside_an_epoch_goes_on_there(prepared, tmp_path, monkeypatch, undisturbed, recipe, step):
    recipe = settings(**recipe)
    expected = undisturbed(recipe)
    break_off(step, prepared, tmp_path, recipe)
    seen = []
    at_step_ = RecognitionTask.on_train_batch_start
    monkeypatch.setattr(
        RecognitionTask,
        "on_train_batch_start",
        lambda self, batch, number: (seen.append(self.trainer.fit_loop.total_batch_idx), at_step_(self, batch, number)),
    )
    assert_same(run_training(prepared, tmp_path, recipe), expected)
    assert seen[0] == step, "no step is made again"


@pytest.mark.slow
def test_a_resumed_run_has_the_scale_of_its_gradients(prepared, tmp_path, monkeypatch):
    """16-mixed is for GPUs; here its scaler works on the CPU, and grows every other step, so that a new one shows."""
    scales = {"whole": [], "cut": []}

    def trainer(name, create=L.Trainer, **options):
        scaler = torch.amp.GradScaler("cpu", init_scale=16.0, growth_interval=2)
        plugins = [*options.pop("plugins"), MixedPrecision("16-mixed", "cpu", scaler)]
        made = create(**options | {"precision": None, "accelerator": "cpu"}, plugins=plugins)
        note = LambdaCallback(on_train_batch_end=lambda *args: scales[name].append(scaler.get_scale()))
        made.callbacks.insert(0, note)
        return made

    monkeypatch.setattr(training_trainer.L, "Trainer", functools.partial(trainer, "whole"))
    expected = run_training(prepared, tmp_path / "whole", settings())
    monkeypatch.setattr(training_trainer.L, "Trainer", functools.partial(trainer, "cut"))
    break_off(4, prepared, tmp_path / "cut", settings())
    assert_same(run_training(prepared, tmp_path / "cut", settings()), expected)
    assert scales["cut"] == scales["whole"]
    assert scales["whole"][-1] > scales["whole"][4]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried"),
            "out of memory: lower training.batch_size .*goes on from",
        ),
        (MemoryError(), "out of memory: lower training.batch_size .*goes on from .*resume-000000001.ckpt"),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."), "a loader process died.*num_workers"),
        (RuntimeError("DataLoader worker ended before the memory that it sent was fetched"), "a loader process died"),
        (OSError(errno.ENOSPC, "No space left on device"), "no space left in .*work.*goes on from"),
    ],
)
def test_what_the_machine_runs_out_of_is_named(prepared, tmp_path, monkeypatch, error, message):
    at_step(1, fails(error), monkeypatch.setattr)
    with pytest.raises(RuntimeError, match=message):
        run_training(prepared, tmp_path, settings(epochs=1))


def test_a_loader_process_that_dies_is_named(prepared, tmp_path, monkeypatch):
    def kill_workers():
        for process in multiprocessing.active_children():
            process.kill()

    at_step(0, kill_workers, monkeypatch.setattr)
    expected = r"a loader process died.*lower training.num_workers.*(starts anew|goes on from)"
    with pytest.raises(RuntimeError, match=expected):
        run_training(prepared, tmp_path, settings(epochs=1, batch_size=1, num_workers=1))


def test_a_full_disk_leaves_the_points_that_are_there(prepared, tmp_path, monkeypatch):
    save = torch.save

    def full(content, path):
        save(content, path)
        if "resume-000000003" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    message = r"resume-000000003.ckpt cannot be written: no space left in .*goes on from .*resume-000000002.ckpt"
    with pytest.raises(RuntimeError, match=message):
        run_training(prepared, tmp_path, settings())
    (state,) = (tmp_path / "work").glob("*/")
    assert {path.name for path in state.iterdir()} >= {"resume-000000001.ckpt", "resume-000000002.ckpt"}
    assert not [path for path in state.iterdir() if ".part" in path.name]


def test_what_helps_after_a_crash_does_not_start_anew():
    options = {"clips_path": Path("clips.parquet"), "model_name": "a_vtn", "starts": {}, "data": {}, "code": "1"}
    changes = (
        {},
        {"num_workers": 4},
        {"checkpoint_minutes": 1},
        {"log_every_steps": 3},
        {"accelerator": "cpu"},
        {"local_copy": "/"},
    )
    found = {TrainingInputs(settings=settings(**change), **options).lineage for change in changes}
    assert len(found) == 1
