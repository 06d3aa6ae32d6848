"""Only stale stages are rebuilt: what a change re-runs, and what it leaves alone."""

import os
import re

import pytest
from project import MODEL, executed, shards_executed

TARGET = f"{MODEL}/model.xml"
AFTER_TRAINING = {"evaluate", "export", "convert", "verify"}
AFTER_INDEX = {"index", "train", *AFTER_TRAINING}


@pytest.mark.parametrize(
    ("file", "old", "new", "stale"),
    [
        ("config/datasets/tiny.yaml", "epochs: 1", "epochs: 1\n  lr: 0.5", {"train", *AFTER_TRAINING}),
        ("config/config.yaml", "\nvariants:", "\ndeployment: {opset: 21}\nvariants:", {"export", "convert", "verify"}),
        (
            "config/config.yaml",
            "\nvariants:",
            "\nevaluation: {batch_size: 3}\nvariants:",
            {"evaluate", "verify"},
        ),
        (
            "config/config.yaml",
            "\nvariants:",
            "\nevaluation: {subset: validation}\nvariants:",
            {"evaluate", "verify"},
        ),
        ("config/config.yaml", "\nvariants:", "\ndeployment: {max_accuracy_drop: 0.5}\nvariants:", {"verify"}),
        (
            "config/config.yaml",
            "\nvariants:",
            "\ndeployment: {parity_tolerance: 0.01}\nvariants:",
            {"convert", "verify"},
        ),
        ("config/config.yaml", "\nvariants:", "\ndeployment: {parity_clips: 2}\nvariants:", {"convert", "verify"}),
        ("config/config.yaml", "seed: 1", "seed: 1  # a comment", set()),
        ("config/datasets/tiny.yaml", "num_workers: 0", "num_workers: 1\n  log_every_steps: 3", set()),
        ("config/config.yaml", "  seed: 1\n", "", set()),
        (
            "kinema/evaluation/evaluate.py",
            '"num_clips": len(scores.labels)',
            '"num_clips": 0',
            {"evaluate", "verify"},
        ),
        ("kinema/evaluation/score.py", "num_workers: int = 1", "num_workers: int = 2", {"evaluate", "verify"}),
        ("kinema/deployment/agreement.py", "NEAR_TIE = 0.05", "NEAR_TIE = 0.04", {"verify"}),
        ("kinema/deployment/parts.py", "torch.zeros(2, spec", "torch.zeros(3, spec", {"export", "convert", "verify"}),
        (
            "kinema/training/optim.py",
            "momentum=settings.momentum",
            "momentum=0.8 * settings.momentum",
            {"train", *AFTER_TRAINING},
        ),
        ("kinema/models/vtn.py", "NORM_EPSILON = 1e-3", "NORM_EPSILON = 2e-3", {"train", *AFTER_TRAINING}),
        ("kinema/models/baseline.py", ".mean(1)", ".sum(1)", set()),
        ("kinema/models/names.py", '"resnet18": "resnet18"', '"resnet18": "resnet18", "mine": "resnet18"', set()),
        (
            "kinema/clips/coverage.py",
            '.fillna(0).astype("int64")',
            '.fillna(1).astype("int64")',
            {"dataset_report", *AFTER_INDEX},
        ),
        ("kinema/clips/report_markdown.py", '"## To mind', '"## To note', {"dataset_report", *AFTER_INDEX}),
        ("kinema/training/task.py", "def training_step", "# a comment\n    def training_step", set()),
        ("kinema/media/shard.py", '"""Bring a shard up to date', '"""Make a shard', set()),
        ("workflow/scripts/train.py", "with job_log", "# a comment\n    with job_log", set()),
    ],
)
def test_a_change_re_runs_what_it_affects(project, file, old, new, stale):
    project.edit(file, old, new)
    assert project.planned(TARGET) == stale


def test_time_stamps_alone_re_run_nothing(project):
    # as in a fresh clone: every file of the code, the configuration and the list looks new
    for folder in ("workflow", "kinema", "config", "envs", "profiles"):
        for path in (project.root / folder).rglob("*.*"):
            os.utime(path)
    os.utime(project.root / "data/tiny/list.csv")
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_three_new_videos_re_run_their_shards_only(project):
    for path in (project.root / "data").glob("open_*.mp4"):
        path.rename(project.root / "data/tiny/videos" / path.name)
    table = project.root / "data/tiny/list.csv"
    table.write_text(table.read_text() + (project.root / "data/tiny/more.csv").read_text())
    output = project.snakemake(TARGET)
    assert executed(output) >= {"annotations", "plan", "shard", "index", "train", "verify"}
    shards = shards_executed(output)
    assert 1 <= len(shards) <= 3
    decoded = 0
    for shard in shards:
        decoded += int(re.search(r"(\d+) decoded", project.shard_log(shard))[1])
    assert decoded == 3
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_shuffled_rows_re_run_only_the_list(project):
    table = project.root / "data/tiny/list.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *rows[::-1]]) + "\n")
    assert executed(project.snakemake(TARGET)) <= {"annotations", "plan"}
    assert "Nothing to be done" in project.snakemake(TARGET)


def test_another_label_re_runs_the_index_and_no_shard(project):
    project.edit("data/tiny/list.csv", "grow_train_000,grow", "grow_train_000,shrink")
    output = project.snakemake("results/tiny/clips.parquet")
    assert executed(output) == {"annotations", "plan", "index", "dataset_report"}
    assert project.planned(TARGET) == {"train", *AFTER_TRAINING}


def test_a_deleted_shard_is_made_again_when_it_is_needed(project):
    for path in (project.root / "prepared/tiny").rglob("0003.*"):
        path.unlink()
    # what is finished stays so; what needs the frames makes them first
    assert "Nothing to be done" in project.snakemake(TARGET)
    assert {"shard", "train"} <= project.planned("results/tiny/efficientnet_lite0_baseline/model.pth")
