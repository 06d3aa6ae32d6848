"""A set whose subsets share sources, trained as a newcomer would: each step says that the number will mislead."""

import subprocess
import sys

import pandas as pd
import pytest
import yaml
from project import Project, copy_code
from scenes import scene

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

MODEL = "results/leaky/efficientnet_lite0_vtn"
SMALL = {
    "media": {"short_side": 64},
    "clip": {"length": 4, "stride": 2, "size": 64, "num_val_clips": 1},
    "network": {"embedding": 32, "num_blocks": 1, "num_heads": 2, "feedforward": 32},
    "training": {"epochs": 3, "batch_size": 16, "lr": 2e-3, "num_workers": 0, "keep": "best", "warmup_fraction": 0},
}


@pytest.fixture
def leaky(tmp_path) -> Project:
    """Two classes, each of 6 sources that are cut into 10 clips."""
    project = Project(tmp_path / "project")
    copy_code(project.root)
    for source in range(12):
        for cut in range(10):
            name = f"{('fall', 'jump')[source % 2]}/source{source:02d}_cut{cut:02d}.mp4"
            scene(project.root / "data/leaky/videos" / name, source, start=5 * cut, frames=12)
    (project.root / "small.yaml").write_text(yaml.safe_dump(SMALL))
    return project


def kinema(project, *arguments) -> str:
    command = [sys.executable, "-m", "kinema.cli", *arguments]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True).stdout


def test_a_leaky_set_is_warned_of_at_every_step_and_can_be_mended(leaky):
    told = kinema(leaky, "init-dataset", "data/leaky/videos")
    assert "no group is known, so each video counts as its own: scores are too good" in told
    assert "kinema split data/leaky/annotations.csv" in told

    output = leaky.snakemake(f"{MODEL}/evaluation.json", "--configfile", "small.yaml")
    assert "pairs of videos in two subsets look alike, such as 'source" in output
    page = (leaky.root / "results/leaky/dataset_report.md").read_text()
    assert "## Videos in two subsets that look alike" in page
    came_out = output[output.index("\n  accuracy  ") :]
    assert "chance" in came_out
    assert "the epoch was chosen on these very videos (training.keep: best; 3 validations" in came_out
    assert "of the validation videos look like others that decided the weights: the number may be too high" in came_out
    assert came_out.splitlines()[1] in kinema(leaky, "show", MODEL)

    told = kinema(leaky, "split", "data/leaky/annotations.csv", "--group", "looks")
    assert "12 groups of 120 videos look alike; 0 are like no other" in told
    table = pd.read_csv(leaky.root / "data/leaky/annotations.csv")
    assert (table.groupby(table["video"].str[:8])["subset"].nunique() == 1).all()
    output = leaky.snakemake("results/leaky/dataset_report.md", "--configfile", "small.yaml")
    assert "look alike" not in output
    assert "look alike" not in (leaky.root / "results/leaky/dataset_report.md").read_text()
