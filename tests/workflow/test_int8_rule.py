"""INT8 models are made on demand; where no recipe passes, the run fails with one line and the record stays."""

import json
import shutil

import pytest
from project import LIVELY, MODEL, Project, executed

from kinema.inference import load

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
PAGE, TINY = "report/index.html", "config/datasets/tiny.yaml"


def test_where_there_is_no_int8_model_one_line_says_why(project):
    target, record = f"{MODEL}/int8/model.xml", f"{MODEL}/int8/quantization.json"
    shipped = (project.root / MODEL / "model.xml").read_bytes()
    project.edit(TINY, "num_shards: 8", "num_shards: 8\ndeployment: {int8: {recipes: [float_recurrent]}}")
    output = project.snakemake(target, check=False)
    line = f"{MODEL}/int8: no INT8 model: none of the recipes float_recurrent is for this network; {record} says more"
    assert f"InputError: {line}" in output
    assert executed(output) == {"int8"}
    assert json.loads((project.root / record).read_text())["recipes"][0]["outcome"] == "unfit"
    assert not (project.root / target).exists()
    assert (project.root / MODEL / "model.xml").read_bytes() == shipped
    assert executed(project.snakemake(f"{MODEL}/{PAGE}")) == {"model_page"}
    assert "int8: none: none of the recipes float_recurrent" in (project.root / MODEL / PAGE).read_text()
    project.edit(TINY, "float_recurrent", "float_recurent")
    output = project.snakemake(target, check=False)
    assert "tiny.yaml: datasets.tiny.deployment.int8.recipes.0: " in output
    assert "found 'float_recurent'" in output


def test_an_int8_model_is_made_and_used(lively, tmp_path):
    project = Project(tmp_path / "project")
    shutil.copytree(lively.root, project.root, copy_function=shutil.copy2)
    target, setting = f"{LIVELY}/int8/model.xml", "calibration_clips: 300"
    assert executed(lively.first_run) >= {"int8", "int8_streaming"}
    assert project.planned(target) == set()
    model = load(project.root / LIVELY / "int8")
    assert model.predict(project.videos()[0]).label in model.description.labels
    assert "int8: recipe " in lively.first_run, "at the end of a run"
    page = f"{LIVELY}/{PAGE}"
    project.snakemake(page)
    assert "int8: recipe " in (project.root / page).read_text()
    assert project.planned(page) == set()
    (project.root / LIVELY / "int8/streaming/decoder.bin").unlink()
    assert executed(project.snakemake(page)) == {"model_page"}
    assert "int8/streaming: the files beside quantization.json are not" in (project.root / page).read_text()
    assert executed(project.snakemake(page, f"{LIVELY}/int8/streaming/encoder.xml")) == {"int8_streaming", "model_page"}
    assert project.planned(page, f"{LIVELY}/int8/streaming/encoder.xml") == set()
    project.edit(TINY, "num_shards: 8", f"num_shards: 8\ndeployment: {{int8: {{{setting}}}}}")
    assert project.planned(target) == set(), "as by default"
    project.edit(TINY, setting, "calibration_clips: 3")
    assert project.planned(target) == {"int8"}
