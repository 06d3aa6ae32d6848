"""Which results stand in Snakemake's report: one that is not configured any more spoils none of the others."""

from pathlib import Path

import pytest

from kinema.experiment import reported
from kinema.experiment.config import Config

SETTINGS = {"annotations": {"format": "table", "path": "list.csv"}, "videos": "videos"}


@pytest.fixture
def config(tmp_path, monkeypatch) -> Config:
    monkeypatch.chdir(tmp_path)
    Path("videos").mkdir()
    Path("list.csv").write_text("video,label,subset\na,wave,training\n")
    return Config.model_validate({"datasets": {"mine": SETTINGS}})


def make(*paths: str) -> None:
    for path in paths:
        Path("results", path).parent.mkdir(parents=True, exist_ok=True)
        Path("results", path).touch()


def test_results_that_are_not_configured_any_more_are_named_and_left_out(config):
    known = ["mine/report/index.html", "mine/resnet18_vtn/evaluation.json", "mine/resnet18_vtn/report/index.html"]
    make(*known, "gone/report/index.html", "mine/resnet18_vtn@gone/evaluation.json", "mine/leaderboard.html")
    targets, left_out = reported.reported(config)
    expected = ["mine/leaderboard.html", *known]
    assert targets == sorted(f"results/{path}" for path in expected)
    assert [line.split(": ")[:2] for line in left_out] == [
        ["left out of the report", "results/gone/report/index.html"],
        ["left out of the report", "results/mine/resnet18_vtn@gone/evaluation.json"],
    ]
    assert "gone" in left_out[0].split(": ", 2)[2]


def test_where_nothing_is_left_it_says_so(config, monkeypatch, capsys):
    make("gone/report/index.html")
    monkeypatch.setattr(reported, "load_config_files", lambda files: config)
    with pytest.raises(SystemExit, match="nothing to report"):
        reported.main()
    assert "left out of the report: results/gone/report/index.html" in capsys.readouterr().err
