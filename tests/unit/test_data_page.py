"""The page of a data set: what the report says, whatever became of the videos."""

import json
import re

import pytest
from corpus import CLIP, entry, write_corpus
from media_corpus import make_video

from kinema.clips.coverage import read_coverage
from kinema.clips.report import write_report
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Media
from kinema.records.dataset_report import DatasetReport
from kinema.report.data import data_of, with_sizes
from kinema.report.data_page import write_data_page

SETTINGS = Settings.model_validate({"clip": CLIP.model_dump()})


def reported(root, tables, name="mine"):
    """dataset_report.json of annotation.json and these tables."""
    write_report(
        dataset=name,
        annotation_path=root / "annotation.json",
        table_paths=tables,
        out=root / "dataset_report.json",
        page_path=root / "dataset_report.md",
    )
    return DatasetReport.read(root / "dataset_report.json")


def page_of(root, tables, modality="rgb") -> str:
    write_data_page(
        report_path=root / "dataset_report.json",
        annotation_path=root / "annotation.json",
        table_paths=tables,
        settings=SETTINGS,
        modality=modality,
        out=root / "report/index.html",
    )
    return (root / "report/index.html").read_text()


def read(root, tables):
    _, videos = read_coverage(root / "annotation.json", tables)
    return data_of(DatasetReport.read(root / "dataset_report.json"), with_sizes(videos), clip=CLIP)


def shards(root):
    return [root / "0000.parquet", root / "0001.parquet"]


def test_the_page_of_a_prepared_corpus(prepared, tmp_path):
    (tmp_path / "annotation.json").write_text((prepared / "annotation.json").read_text())
    report = reported(tmp_path, shards(prepared))
    page = page_of(tmp_path, shards(prepared))
    assert page.count("as the network is fed them") == 5, "the training clips"
    assert f"{report.ok} of {report.listed} listed videos can be used" in page
    assert 'href="../dataset_report.md"' in page
    assert "kinema plan results/mine/efficientnet_lite0_vtn_two_stream/model.xml" in page
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert len(page) < 500_000


def test_lost_videos_leaks_and_untrained_classes_are_told(tmp_path):
    database = {
        "a": entry("training", "walk"),
        "b": entry("validation", "walk"),
        "c": entry("training", "run"),
        "d": entry("testing", "run"),
    }
    failed = {"status": "failed", "reason": "damaged", "detail": "no frame"}
    became = {
        "a": {"content": "same"},
        "b": {"content": "same", "num_frames": 3},
        "c": failed,
        "d": {"status": "missing"},
    }
    write_corpus(tmp_path, database, became)
    reported(tmp_path, shards(tmp_path))
    data = read(tmp_path, shards(tmp_path))
    assert data.verdict.startswith("2 of 4 listed videos can be used")
    assert [remark.text for remark in data.remarks if remark.is_warning] == [
        "The same file content in two subsets: 1. Scores will be too good.",
        "Classes without a usable training video: 1 (run).",
        "Videos that cannot be used: 2 (1 missing, 1 failed).",
    ]
    assert [remark.text for remark in data.remarks if not remark.is_warning] == [
        "Training videos a class: 1 each.",
        "Videos were not compared by their looks: not asked for.",
        "1 of 2 videos have fewer frames than the 8 that a clip spans: it repeats them.",
    ]
    assert data.reasons == [("damaged", 1, [1, 0, 0]), ("missing", 1, [0, 0, 1])]
    assert data.dropped.rows == [
        ["c", "training", "run", "damaged", "no frame"],
        ["d", "testing", "run", "missing", ""],
    ]
    assert data.leaks.rows == [["The same file content", "", "training: a; validation: b"]]
    assert [(label, usable) for label, _, usable in data.classes] == [("walk", [1, 1, 0]), ("run", [0, 0, 0])]


def test_a_data_set_of_which_nothing_is_left_has_a_page(tmp_path):
    write_corpus(
        tmp_path, {"a": entry("training"), "b": entry("validation")}, {video: {"status": "missing"} for video in "ab"}
    )
    reported(tmp_path, shards(tmp_path))
    page = page_of(tmp_path, shards(tmp_path))
    assert "None of the 2 listed videos can be used." in page
    assert "No training video with a label can be used, so there is nothing to show." in page
    assert "No video can be used." in page


def test_a_page_of_many_classes_shows_both_ends_and_a_table_of_all(tmp_path):
    labels = [f"class {number:03}" for number in range(50)]
    database = {
        f"{label} {copy}": entry("training", label) for number, label in enumerate(labels) for copy in range(1 + number)
    }
    write_corpus(tmp_path, database, {}, labels=labels)
    reported(tmp_path, shards(tmp_path))
    data = read(tmp_path, shards(tmp_path))
    (_, most), (_, fewest) = data.class_bars
    assert [bar.label for bar in most] == labels[:-11:-1]
    assert [bar.label for bar in fewest] == labels[:10]
    assert (most[0].number, most[0].parts[0].percent, fewest[0].parts[0].percent) == (50, 100, 2)
    assert [label for label, *_ in data.classes] == labels


@pytest.mark.parametrize("change", [{"modality": "flow"}, {"storage": "frames"}], ids=lambda change: next(iter(change)))
def test_flow_and_folders_of_frames_have_a_page(corpus, change):
    media = Media(short_side=48, **change)
    for seed, name in enumerate("abc"):
        make_video(corpus.videos / f"{name}.mp4", frames=12 + seed, seed=seed)
    corpus.write("abc", media)
    plain = {"subset": "training", "annotations": {"label": "wave"}}
    database = {"labels": ["wave"], "database": dict.fromkeys("abc", plain)}
    (corpus.root / "annotation.json").write_text(json.dumps(database))
    reported(corpus.root, [corpus.table])
    page = page_of(corpus.root, [corpus.table], media.modality)
    assert page.count("as the network is fed them") == 3
    assert ("brightness changed" in page) == (media.modality == "rgb")
