"""Processes that train together: how many, what each does of a step, and that Lightning starts them all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training
from kinema.input_error import InputError
from kinema.processes import TASK, TORCHRUN
from kinema.training import world as world_module
from kinema.training.resume.regroup import Steps, regroup
from kinema.training.world import Share, World

# what a job of SLURM's has in its environment: Snakemake's executor starts it by `srun -n1`
OF_ONE_TASK = {
    "SLURM_JOB_ID": "7",
    "SLURM_JOB_NAME": "snakemake",
    "SLURM_NTASKS": "1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NNODES": "1",
    "SLURM_NODELIST": "localhost",
}
COUNT = """
import sys
from pathlib import Path
import lightning as L
import torch
import torch.distributed as dist
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training
from kinema.training.trainer import create_trainer
from kinema.training.world import World

class Task(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
    def training_step(self, batch, number):
        (Path(sys.argv[1]) / f"rank-{self.global_rank}-of-{dist.get_world_size()}-{torch.get_num_threads()}").touch()
        return self.layer(batch).sum()
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

world = World.of({"gpu": 1, "tasks": 2}, "cpu")
world.share_threads(6)
training = Training(epochs=1, accelerator="cpu", precision="32-true")
trainer = create_trainer(Settings(training=training), [], world=world)
trainer.fit(Task(), torch.utils.data.DataLoader(torch.ones(4, 1), batch_size=1))
"""


@pytest.fixture
def gpus(monkeypatch):
    """Let PyTorch see so many GPUs."""

    def see(number):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)

    return see


@pytest.mark.parametrize(
    ("seen", "resources", "expected"),
    [
        (0, {}, World()),
        (0, {"gpu": 1, "nodes": 1}, World()),
        (0, {"gpu": 1, "tasks": 2}, World(1, 2)),
        (0, {"gpu": 0, "tasks": 4, "nodes": 2}, World(2, 2)),
        (4, {"gpu": 1}, World()),
        (4, {}, World()),
        (4, {"gpu": 4, "nodes": 1}, World(1, 4)),
        (4, {"gpu": 8, "tasks": 8, "nodes": 2}, World(2, 4)),
    ],
)
def test_resources_decide_how_many_processes_train(gpus, seen, resources, expected):
    gpus(seen)
    assert World.of(resources, "auto") == expected


@pytest.mark.parametrize(
    ("seen", "resources", "message"),
    [
        (0, {"gpu": 4}, r"asks for gpu=4, but PyTorch sees no GPU of CUDA here; ask for gpu=1, or 0"),
        (2, {"gpu": 4}, r"gpu=4 on 1 nodes, but PyTorch sees 2 on this one"),
        (4, {"gpu": 3, "nodes": 2}, r"3 processes on 2 nodes; ask for as many on each"),
    ],
)
def test_gpus_that_are_not_there_are_not_replaced(gpus, seen, resources, message):
    gpus(seen)
    with pytest.raises(InputError, match=message):
        World.of(resources, "auto")


def test_torchrun_says_itself_how_many(monkeypatch):
    for name, value in {TORCHRUN: "x", "WORLD_SIZE": "6", "LOCAL_WORLD_SIZE": "3"}.items():
        monkeypatch.setenv(name, value)
    assert World.of({"nodes": 1}, "cpu") == World(2, 3)
    assert World(2, 3).environment() is None


@pytest.mark.parametrize(
    ("size", "batch_size", "accumulate", "expected"),
    [
        (1, 16, 3, Share(16, 3)),
        (4, 16, 1, Share(4, 1)),
        (4, 16, 4, Share(16, 1)),
        (2, 16, 4, Share(16, 2)),
        (8, 16, 4, Share(8, 1)),
        (3, 16, 3, Share(16, 1)),
        (2, 4, 3, Share(2, 3)),
    ],
)
def test_a_move_has_as_many_clips_on_any_number_of_gpus(size, batch_size, accumulate, expected):
    share = World(1, size).share(Training(batch_size=batch_size, accumulate=accumulate))
    assert share == expected
    assert size * share.batch_size * share.accumulate == batch_size * accumulate


def test_clips_that_cannot_be_shared_evenly_are_refused():
    with pytest.raises(InputError, match=r"is 16, .* which 3 processes cannot share evenly; .* multiple of 3"):
        World(1, 3).share(Training(batch_size=16))


def test_a_resume_point_of_four_processes_counts_in_batches_of_one():
    training = Training(batch_size=2, accumulate=4)
    four, one = (Steps.of(training, World(1, size), num_clips=21) for size in (4, 1))
    assert (four.a_batch, one.a_batch, four.an_epoch, one.an_epoch) == (4, 1, 11, 11)
    assert (four.batches_an_epoch, one.batches_an_epoch) == (3, 11)
    for batches, expected in ((2, 8), (3, 11)):
        loader = {"epoch": 5, "batches": batches}
        counts = {"ready": batches, "started": batches, "processed": batches, "completed": batches - 1}
        totals = {name: value + 5 * 3 for name, value in counts.items()}
        expected_totals = dict(totals)
        loops = {"fit_loop": {"epoch_loop.batch_progress": {"current": counts, "total": totals}}}
        extra = {"loader": loader, "steps_a_batch": 4, "gradients": {}}
        before = four.since_the_start(loader)
        regroup(loops, extra, one)
        progress = loops["fit_loop"]["epoch_loop.batch_progress"]
        assert progress["current"] == {**dict.fromkeys(counts, expected), "completed": expected - 1}
        assert progress["total"]["ready"] == 5 * 11 + expected
        assert extra == {"loader": {"epoch": 5, "batches": expected}, "steps_a_batch": 1, "gradients": {}}
        assert one.since_the_start(extra["loader"]) == before, "files are in order, whoever wrote them"
        regroup(loops, extra, four)
        assert extra["loader"] == loader
        assert progress["total"] == expected_totals


def test_steps_since_the_last_move_are_made_again():
    training = Training(batch_size=2, accumulate=4)
    progress = {"current": dict.fromkeys(("ready", "started", "processed", "completed"), 6), "total": {}}
    extra = {"loader": {"epoch": 0, "batches": 6}, "steps_a_batch": 1, "gradients": {"weight": torch.ones(1)}}
    steps = Steps.of(training, World(1, 4), num_clips=21)
    regroup({"fit_loop": {"epoch_loop.batch_progress": progress}}, extra, steps)
    assert extra == {"loader": {"epoch": 0, "batches": 1}, "steps_a_batch": 4, "gradients": {}}


def test_threads_are_shared_by_the_processes_of_a_machine(monkeypatch):
    found = []
    monkeypatch.setattr(torch, "set_num_threads", found.append)
    monkeypatch.setattr(world_module.os, "environ", {})
    World(2, 4).share_threads(8)
    World(1, 4).share_threads(2)
    World().share_threads(8)
    world_module.os.environ[TASK] = "1"
    World(2, 4).share_threads(8)
    assert found == [2, 1, 8, 8], "a task of SLURM has cores of its own"


@pytest.mark.slow
def test_two_processes_train_where_slurm_started_one(tmp_path):
    """Lightning by itself takes SLURM's word that there is one, and trains it without saying so."""
    (tmp_path / "count.py").write_text(COUNT)
    inherited = {name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS",)}
    root = str(Path(__file__).resolve().parents[2])
    environment = inherited | OF_ONE_TASK | {"PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "count.py", str(tmp_path)]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=300)
    assert sorted(path.name for path in tmp_path.glob("rank-*")) == ["rank-0-of-2-3", "rank-1-of-2-3"]


def test_a_number_of_processes_that_lightning_sees_otherwise_is_an_error(monkeypatch, tmp_path):
    from kinema.training import trainer

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trainer.L.Trainer, "world_size", property(lambda self: 3))
    with pytest.raises(RuntimeError, match="Lightning counts 3 processes, the job has 1"):
        trainer.create_trainer(Settings(training=Training(accelerator="cpu")), [])
