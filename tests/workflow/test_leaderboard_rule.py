"""A leaderboard of what is there makes nothing else; one of a list makes what is missing."""

import csv

import pytest
from project import MODEL, NAME, executed

pytestmark = pytest.mark.workflow

BOARD, TINY = "results/tiny/leaderboard.md", "config/datasets/tiny.yaml"
BASELINE = NAME.replace("vtn", "baseline")


def test_a_leaderboard_compares_what_is_there_or_makes_what_is_listed(project):
    made_at = (project.root / MODEL / "model.pth").stat().st_mtime_ns
    project.edit(TINY, "epochs: 1", "epochs: 1\n  lr: 0.5")  # the model is stale
    output = project.snakemake(BOARD)
    assert executed(output) == {"leaderboard"}
    assert f"kinema: results/tiny/leaderboard.md: {NAME} has " in output
    assert NAME in (project.root / BOARD).read_text()
    project.edit(TINY, "epochs: 1\n  lr: 0.5", "epochs: 1")
    assert project.planned(BOARD) == set()
    times = project.root / MODEL / "benchmark.json"
    times.write_text("{}")
    assert project.planned(BOARD) == {"leaderboard"}
    times.unlink()
    project.edit(TINY, "num_shards: 8", f"num_shards: 8\nleaderboard: [{NAME}, {BASELINE}]")
    output = project.snakemake(BOARD)
    assert executed(output) == {"train", "evaluate", "leaderboard"}
    assert f"results/tiny/{BASELINE}/model.pth" in output
    assert (project.root / MODEL / "model.pth").stat().st_mtime_ns == made_at, "it was current again"
    rows = list(csv.DictReader((project.root / "results/tiny/leaderboard.csv").open()))
    assert {row["model"] for row in rows if row["rank"]} == {NAME, BASELINE}
    assert project.planned(BOARD) == set()
    project.edit(TINY, f", {BASELINE}", ", efficientnet_lite0_vtm")
    output = project.snakemake(BOARD, check=False)
    assert "datasets.tiny.leaderboard: model 'efficientnet_lite0_vtm': " in output
    assert "did you mean 'efficientnet_lite0_vtn'?" in output
