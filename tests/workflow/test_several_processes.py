"""Rule train on several processes: one model, one log and one curve come of it."""

import json

import pandas as pd
import pytest
from project import MODEL


@pytest.mark.parametrize("frozen", ["", "\n  freeze_encoder_epochs: 1"], ids=["all trained", "encoder frozen at first"])
def test_two_processes_train_one_model(project, frozen):
    project.edit("config/datasets/tiny.yaml", "epochs: 1", f"epochs: 2\n  devices: 2\n  log_every_steps: 1{frozen}")
    project.edit("config/datasets/tiny.yaml", "batch_size: 4", "batch_size: 1")
    project.snakemake(f"{MODEL}/evaluation.json", "--resources", "gpu=2", timeout=500)
    curve = pd.read_csv(project.root / MODEL / "training.csv")
    assert curve["epoch"].tolist() == [0, 1]
    assert curve["val_video_top1"].between(0, 1).all()
    assert json.loads((project.root / MODEL / "training.json").read_text())["settings"]["training"]["devices"] == 2
    logs = project.root / MODEL.replace("results", "logs")
    assert (logs / "train.log").read_text().count("epoch 2/2") == 1
    curves = logs.glob("curves/*/from_step_000000000/metrics.csv")  # also that of the training in the fixture
    # 4 training clips: two steps an epoch for each of the two
    assert pd.read_csv(max(curves, key=lambda path: path.stat().st_mtime)).dropna(subset="step/loss")[
        "step"
    ].tolist() == [0, 1, 2, 3]
