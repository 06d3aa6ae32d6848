"""`kinema plan` tells of a project what Snakemake then does; with new videos see test_staleness."""

import shutil

import pytest
from project import MODEL, Project, stages

pytestmark = pytest.mark.workflow

TARGET = f"{MODEL}/model.xml"
AFTER_TRAINING = {"evaluate", "export", "convert", "verify"}


def test_each_change_is_told_with_what_follows(project):
    assert project.plan(TARGET).startswith("nothing to do: what was asked for is current, with 17 jobs behind it")

    told = stages(project.plan(TARGET, "--config", "training={lr: 0.005}"))
    assert told.keys() == {"train", *AFTER_TRAINING}
    assert told["train"].why == "training.lr: 0.0001 -> 0.005"
    assert told["evaluate"].why == "after train"
    assert all(row.time != "?" for row in told.values()), "each rule has a benchmark file of the first run"

    output = project.plan(TARGET, "--config", "training={lr: 0.005}", "clip={length: 6}")
    told = stages(output)
    assert told["index"].why == "clip.length: 4 -> 6"
    assert told["train"].why == "clip.length: 4 -> 6; training.lr: 0.0001 -> 0.005"
    assert "kept as they are: annotations, dataset_report, plan, shard (8)" in output

    project.edit("kinema/training/optim.py", "return ", "return 0 or ")
    assert stages(project.plan(TARGET))["train"].why == "code of training.optim"

    (project.root / MODEL / "model.bin").unlink()
    assert stages(project.plan(TARGET))["verify"].why == "model.bin missing"


def test_what_snakemake_would_do_is_what_is_told(project):
    (project.root / MODEL / "evaluation.json").unlink()
    arguments = (f"{MODEL}/evaluation.json", "--config", "training={seed: 8}")
    assert stages(project.plan(*arguments)).keys() == project.planned(*arguments)


def test_a_folder_and_what_stands_behind_two_dashes_are_taken(project, tmp_path, monkeypatch):
    (tmp_path / "seed.yaml").write_text("training: {seed: 8}\n")
    told = project.plan("--configfile", str(tmp_path / "seed.yaml"), "--", TARGET)
    assert stages(told)["train"].why == "training.seed: 1 -> 8"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(project.root / "kinema", elsewhere / "kinema")
    snakefile = ["--snakefile", str(project.root / "Snakefile"), "-d", str(project.root)]
    there = Project(elsewhere).plan(*snakefile, "--configfile", str(tmp_path / "seed.yaml"), "--", TARGET)
    assert there == told


def test_mistakes_are_told_in_one_line(project):
    arguments = [f"{MODEL}/model.xlm"]
    told = f"kinema: {arguments[0]}: no rule makes this; did you mean '{TARGET}'?\n"
    assert project.plan(*arguments, check=False) == told
    told = "kinema: command line: training.lr: input should be greater than 0; found '-1' (str).\n"
    assert project.plan(TARGET, "--config", "training={lr: -1}", check=False) == told
    assert "unrecognized arguments: --nosuch" in project.plan(TARGET, "--nosuch", check=False)


def test_warnings_of_the_configuration_are_told_too(project):
    output = project.plan(TARGET, "--config", "overrides=[{dataset: nothing*, training: {lr: 1}}]")
    assert output.startswith("nothing to do")
    assert "overrides.0.dataset: 'nothing*' matches no data set" in output
