"""The page of a data set needs no model, and hangs in Snakemake's report with the other pictures."""

import pytest
from project import MODEL, executed

pytestmark = pytest.mark.workflow

PAGE, TINY = "results/tiny/report/index.html", "config/datasets/tiny.yaml"


def test_the_page_of_a_data_set_is_made_of_what_was_prepared(project):
    output = project.snakemake(PAGE)
    assert executed(output) == {"data_page"}
    assert f"kinema: {PAGE}: 6 of 6 listed videos can be used" in output
    text = (project.root / PAGE).read_text()
    assert "6 of 6 listed videos can be used" in text
    assert text.count("as the network is fed them") == 4
    assert project.planned(PAGE) == set()
    report = "build/report.html"
    (project.root / "build").mkdir()
    assert "Report created" in project.snakemake("--report", report, "--", PAGE, f"{MODEL}/evaluation.json")
    page = (project.root / report).read_text()
    for caption in ("The data set tiny before any training", "called the videos of each class", "a row an epoch"):
        assert caption in page
    project.edit(TINY, "epochs: 1", "epochs: 2")
    assert project.planned(PAGE) == set(), "it shows no training"
    project.edit(TINY, "num_shards: 8", "num_shards: 8\naugmentation: {horizontal_flip: 0.0}")
    assert project.planned(PAGE) == {"data_page"}


def test_the_page_is_there_where_too_many_videos_are_lost_for_a_training(project):
    for video in project.videos()[1:]:
        video.unlink()
    project.snakemake(PAGE)
    assert "Videos that cannot be used: 5 (5 missing, 0 failed)." in (project.root / PAGE).read_text()
    assert "more than max_failed_fraction" in project.snakemake("results/tiny/clips.parquet", check=False)
