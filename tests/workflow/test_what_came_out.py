"""The end of a run says what came out, once, and `kinema show` says the same."""

import subprocess
import sys

import pytest
from project import MODEL, executed

pytestmark = pytest.mark.workflow


def shown(project) -> str:
    """What `kinema show` prints of the tiny model."""
    command = [sys.executable, "-m", "kinema.cli", "show", f"{MODEL}/model.xml"]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=True).stdout


def test_a_run_ends_with_what_came_out(finished):
    text = shown(finished)
    assert text.splitlines()[1].startswith("  accuracy  ")
    assert "not above chance" in text, "two videos cannot tell anything"
    assert "verified: the export equals the model" in text
    assert "top-5" not in text
    assert finished.first_run.count(text) == 1
    assert finished.first_run.count("  accuracy  ") == 1
    assert finished.first_run.index(text) > finished.first_run.rindex("Finished jobid")


def test_what_makes_nothing_says_nothing(project):
    (project.root / MODEL / "confusion.png").unlink()
    assert "evaluate" in executed(output := project.snakemake("-n", f"{MODEL}/confusion.png"))
    assert "  accuracy  " not in output
    assert "  accuracy  " not in project.snakemake("--touch", "--forcerun", "verify", "--", f"{MODEL}/model.xml")


def test_of_a_model_that_is_only_trained_it_says_what_is_missing(project):
    model = MODEL.replace("vtn", "baseline")
    output = project.snakemake(f"{model}/model.pth", "--quiet", "progress", "rules")
    assert f"\n{model}\n  training  " in output
    assert "  missing   evaluation.json, parity.json, verification.json, model.xml:\n" in output
    assert f" snakemake --cores all {model}/model.xml\n" in output
    assert MODEL not in output.replace(model, "")
