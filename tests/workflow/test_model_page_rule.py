"""The page of a model: made of what is there, with its export or without, and made anew alone."""

import shutil

import pytest
from project import MODEL, executed

pytestmark = pytest.mark.workflow

PAGE = f"{MODEL}/report/index.html"


def test_a_page_is_made_of_what_is_there_and_is_made_anew_alone(project):
    page = project.root / PAGE
    output = project.snakemake(PAGE)
    assert executed(output) == {"model_page"}
    assert f"see {PAGE} and " in output
    assert "both gates passed" in page.read_text()
    assert (project.root / MODEL / "report/model_card.md").read_text().startswith("---\nlibrary_name: kinema\n")
    assert project.planned(PAGE) == set()
    project.edit("kinema/report/renamed.py", "MOSTLY = 0.5", "MOSTLY = 0.6")
    project.edit("kinema/report/templates/model.css", "2.6rem", "2.7rem")
    assert project.planned(PAGE, f"{MODEL}/model.xml", "results/tiny/leaderboard.md") == {"model_page", "leaderboard"}
    for name in ("parity.json", "verification.json", "model.xml", "model.bin"):
        (project.root / MODEL / name).unlink()
    assert executed(project.snakemake(PAGE)) == {"model_page"}
    assert "no verified model.xml" in page.read_text()
    assert project.planned(PAGE) == set()
    together = (PAGE, f"{MODEL}/modelapi/model.xml")
    assert executed(project.snakemake(*together)) == {"convert", "modelapi", "model_page"}
    assert project.planned(*together) == set(), "what was made before the page in the same run is known to it"
    assert executed(project.snakemake(PAGE, f"{MODEL}/model.xml")) == {"verify", "model_page"}
    assert "both gates passed" in page.read_text()
    assert project.planned(PAGE, f"{MODEL}/model.xml") == set()
    assert executed(project.snakemake(PAGE)) == {"model_page"}, "what it waits for is asked for no more"
    shutil.rmtree(project.root / "work")
    assert project.planned(PAGE) == set(), "what lay there was not made in vain"
    (project.root / MODEL / "model.bin").write_bytes(b"another")
    assert executed(project.snakemake(PAGE)) == {"model_page"}
    assert "no verified model.xml" in page.read_text()


def test_a_gate_that_failed_stands_on_the_page(project):
    project.edit("config/datasets/tiny.yaml", "num_shards: 8", "num_shards: 8\ndeployment: {parity_tolerance: 1.0e-12}")
    output = project.snakemake(f"{MODEL}/model.xml", check=False)
    assert "convert" in executed(output)
    assert executed(project.snakemake(PAGE)) == {"model_page"}
    text = (project.root / PAGE).read_text()
    assert f"gate 1 or the conversion failed: logs/{MODEL.removeprefix('results/')}/convert.log says why" in text
    project.edit("config/datasets/tiny.yaml", "{parity_tolerance: 1.0e-12}", "{parity_tolerance: 0.1}")
    assert executed(project.snakemake(f"{MODEL}/model.xml", PAGE)) == {"convert", "verify", "model_page"}
    assert "both gates passed" in (project.root / PAGE).read_text()
