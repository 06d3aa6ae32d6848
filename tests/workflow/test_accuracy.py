"""The numbers kinema promises, by the commands a user types: the demo, its honesty, and real clips."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project import REPOSITORY, Project, copy_code

from kinema.records.evaluation import Evaluation

pytestmark = [pytest.mark.slow, pytest.mark.workflow]
VTN, BASELINE = "results/demo/efficientnet_lite0_vtn", "results/demo/efficientnet_lite0_baseline"


def read(path) -> dict:
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Project:
    """A clean checkout in which the demo has been made; its output and minutes are noted on it."""
    root = tmp_path_factory.mktemp("demo")
    copy_code(root)
    project, started_at = Project(root), time.monotonic()
    project.first_run = project.snakemake(timeout=2400)
    print(f"the demo took {time.monotonic() - started_at:.0f} s")
    return project


def test_the_demo_ends_with_a_verified_accurate_model(demo):
    assert (demo.root / VTN / "model.xml").is_file()
    assert Evaluation.read(demo.root / VTN / "evaluation.json").scores.video_top1 >= 0.95
    assert read(demo.root / VTN / "verification.json")["openvino_video_top1"] >= 0.95
    assert "Nothing to be done" in demo.snakemake()


def test_no_single_frame_tells_the_demo_classes_apart(demo, tmp_path):
    # half of the demo's epochs: those in which the frames of a clip together tell all of its classes apart
    half = tmp_path / "half.yaml"
    half.write_text("datasets: {demo: {training: {epochs: 5}}}\n")
    demo.snakemake(f"{BASELINE}/evaluation.json", "--configfile", str(half), timeout=1800)
    scores = Evaluation.read(demo.root / BASELINE / "evaluation.json").scores
    assert scores.num_videos == 60
    # well above 1/6: it does see which pair of classes a video belongs to; of a video and its twin it gets at most one
    assert 0.33 < scores.video_top1 <= 0.60


@pytest.mark.real
def test_real_clips_train_to_a_useful_model_within_the_budget(shared, tmp_path):
    root = tmp_path / "project"
    copy_code(root)
    config = (REPOSITORY / "tests/configs/ut_interaction.yaml").read_text()
    (tmp_path / "real.yaml").write_text(config.replace("../shared", str(shared.resolve())))
    project, started_at = Project(root), time.monotonic()
    model = "results/ut_interaction/efficientnet_lite0_vtn"
    project.snakemake(f"{model}/model.xml", "--configfile", str(tmp_path / "real.yaml"), timeout=2400)
    print(f"from raw clips to model.xml in {time.monotonic() - started_at:.0f} s")
    evaluation = Evaluation.read(root / model / "evaluation.json")
    assert (evaluation.subset, evaluation.scores.num_videos) == ("validation", 31)
    assert evaluation.scores.video_top1 >= 0.82
    report = read(root / "results/ut_interaction/dataset_report.json")
    assert (report["listed"], report["ok"]) == (120, 120)
    assert report["leaks"] == {"content": [], "group": [], "source": []}
    check_predictions_of_raw_videos(project, shared, model, evaluation.scores)


def check_predictions_of_raw_videos(project, shared, model, scores):
    """`kinema predict` is right about as many raw videos as the evaluation about their stored frames, but for one."""
    folder = shared / "real/ut_interaction"
    rows = list(csv.DictReader((folder / "annotations.csv").open()))
    labels = {Path(row["video"]).stem: row["label"] for row in rows if row["subset"] == "validation"}
    assert len(labels) == scores.num_videos
    paths = [str(path) for path in sorted((folder / "videos").rglob("*")) if path.stem in labels]
    command = [sys.executable, "-m", "kinema.cli", "predict", *paths, "--model", model, "--clips", "3", "--output", "-"]
    environment = os.environ | {"PYTHONPATH": str(project.root)}
    done = subprocess.run(command, cwd=project.root, env=environment, capture_output=True, text=True, check=True)
    answers = {Path(row["video"]).stem: row for row in map(json.loads, done.stdout.splitlines())}
    assert {row["taken_at_fps"] for row in answers.values()} == {None}, "they have the rate of the training"
    num_right = sum(answers[name]["label"] == label for name, label in labels.items())
    assert abs(num_right - scores.video_top1 * scores.num_videos) <= 1.001
