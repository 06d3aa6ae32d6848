"""Rule train on several processes: one model, one log and one curve come of it."""

import contextlib
import json
import os
import random
import socket
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from project import MODEL

from kinema.experiment.files import load_config, read_yaml
from kinema.experiment.resolve import resolve

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("frozen", ["", "\n  freeze_encoder_epochs: 1"], ids=["all trained", "encoder frozen at first"])
def test_two_processes_train_one_model(project, frozen):
    project.edit("config/datasets/tiny.yaml", "epochs: 1", f"epochs: 2\n  log_every_steps: 1{frozen}")
    project.edit("config/datasets/tiny.yaml", "batch_size: 4", "batch_size: 2")
    project.snakemake(f"{MODEL}/evaluation.json", "--set-resources", "train:gpu=0", "train:tasks=2", timeout=1500)
    curve = pd.read_csv(project.root / MODEL / "training.csv")
    assert curve["epoch"].tolist() == [0, 1]
    assert curve["val_video_top1"].isin([0, 0.5, 1]).all(), "of two videos, each counted once"
    processes = json.loads((project.root / MODEL / "training.json").read_text())["processes"]
    assert (processes["number"], processes["batch_size"]) == (2, 1)
    assert "train" not in project.planned(f"{MODEL}/evaluation.json"), "their number makes nothing stale"
    logs = project.root / MODEL.replace("results", "logs")
    assert (logs / "train.log").read_text().count("epoch 2/2: train_loss") == 1
    curves = logs.glob("curves/*/from_step_000000000/metrics.csv")  # also that of the training in the fixture
    steps = pd.read_csv(max(curves, key=lambda path: path.stat().st_mtime)).dropna(subset="step/loss")
    assert steps["step"].tolist() == [0, 1, 2, 3], "4 training clips: two steps an epoch for each of the two"


def test_torchrun_trains_one_model_on_two_nodes(finished, tmp_path):
    """Two nodes of one process each, here both on this machine."""
    path = finished.root / "config/config.yaml"
    config = load_config(read_yaml(path), files=[path], root=finished.root)
    chosen = resolve(config, "tiny", MODEL.split("/")[-1])
    settings = merge_training(chosen.settings, epochs=2, batch_size=2)
    job = {
        "input": {"clips": "results/tiny/clips.parquet"},
        "output": {name: str(tmp_path / name) for name in ("model", "history", "record")},
        "params": {
            "model": chosen.model_name,
            "settings": settings.model_dump_json(),
            "starts": "{}",
            "data": "{}",
            "work": str(tmp_path / "work"),
            "logs": str(tmp_path / "logs"),
            "features": str(tmp_path / "features"),
            "encoder_code": "",
            "code": "",
        },
        "log": [str(tmp_path / "train.log")],
        "threads": 1,
    }
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(job))
    node = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
    node += ["--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{free_port()}", "--rdzv-id=tiny"]
    command = [*node, finished.root / "workflow/scripts/train.py", tmp_path / "job.yaml"]
    nodes = [
        subprocess.Popen(command, cwd=finished.root, env=os.environ | {"PYTHONPATH": str(finished.root)}) for _ in "01"
    ]
    try:
        assert [process.wait(timeout=900) for process in nodes] == [0, 0]
    finally:
        for process in nodes:
            process.kill()
    assert pd.read_csv(tmp_path / "history")["epoch"].tolist() == [0, 1]
    assert (tmp_path / "train.log").read_text().count("epoch 2/2: train_loss") == 1
    processes = json.loads((tmp_path / "record").read_text())["processes"]
    assert (processes["nodes"], processes["number"], processes["batch_size"]) == (2, 2, 1)


def merge_training(settings, **training):
    return settings.model_copy(update={"training": settings.training.model_copy(update=training)})


def free_port() -> int:
    """One below those that the system gives to whoever asks: it is bound again only once PyTorch is imported."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port
