"""Snakemake's notes beside the outputs, and marks of targets that are not whole."""

import json
import os
from pathlib import Path

import pytest
from snakemake.io import IOFile
from snakemake.persistence.file import FilePersistence
from training_runs import fails

from kinema.snakemake_folder import (
    INCOMPLETE,
    NOTES,
    failures,
    forget_records,
    has_failed,
    keep_records,
    mark_incomplete,
    note_path,
    record_path,
    restore_records,
)

NOTE = {"record_format_version": 6, "rule": "train", "params": ["1"]}
OUTPUTS = [
    f"results/tiny/{'a' * 200}/model.pth",  # a name that Snakemake cuts into parts
    "results/tiny/net/model.pth",
    "results/tiny/clips.parquet",
    "prepared/tiny/packed-64px-q4/plan.json",
    "prepared/tiny/packed-64px-q4/shards/0000.parquet",
    "work/tiny/net/converted/model.xml",
]
RULES = [
    ["results/{dataset}/{model}/model.pth", "results/{dataset}/{model}/training.csv"],
    ["results/{dataset}/{model}/model.xml", "results/{dataset}/{model}/model.bin"],
    ["prepared/{corpus,[^/]+}/shards/{shard,\\d{4}}.parquet", "prepared/{corpus,[^/]+}/shards/{shard,\\d{4}}.arrow"],
    ["results/{dataset}/{dataset}.csv", "results/{dataset}/other.csv"],
    ["data/demo/list.csv", "data/demo/videos"],
]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A folder with outputs of which Snakemake has notes."""
    monkeypatch.chdir(tmp_path)
    for output in OUTPUTS:
        make(output)
        note = note_path(output)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(NOTE | {"input": [output]}))
    return tmp_path


def make(*paths: str) -> None:
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()


def lose_notes() -> None:
    for output in OUTPUTS:
        note_path(output).unlink()


@pytest.mark.parametrize("output", OUTPUTS)
def test_notes_are_where_snakemake_looks(output):
    note_path(output).unlink()
    persistence = FilePersistence()
    persistence._write_record(output, persistence.metadata(IOFile(output)) or _record())
    assert json.loads(note_path(output).read_text())["rule"] == "train"
    persistence._mark_incomplete(output, None)
    assert note_path(output, INCOMPLETE).is_file()


def _record():
    from snakemake.persistence import MetadataRecord

    return MetadataRecord(**NOTE)


def test_notes_that_are_lost_come_back():
    keep_records()
    assert all(json.loads(record_path(output).read_text())["input"] == [output] for output in OUTPUTS)
    assert restore_records() == 0, "none is lost"
    lose_notes()
    assert restore_records() == len(OUTPUTS)
    assert all(json.loads(note_path(output).read_text())["input"] == [output] for output in OUTPUTS)


def test_a_note_that_snakemake_has_is_the_newer_one():
    keep_records()
    note_path(OUTPUTS[1]).write_text(json.dumps(NOTE | {"params": ["2"]}))
    assert restore_records() == 0
    keep_records()
    assert json.loads(record_path(OUTPUTS[1]).read_text())["params"] == ["2"]


def test_notes_of_what_is_gone_or_damaged_stay_away():
    keep_records()
    lose_notes()
    Path(OUTPUTS[1]).unlink()
    record_path(OUTPUTS[2]).write_text('{"record_fo')
    forget_records([OUTPUTS[3]])
    make(str(record_path(OUTPUTS[4]).with_name("0000.parquet.made.json")))
    assert restore_records() == len(OUTPUTS) - 3
    assert not any(note_path(output).exists() for output in OUTPUTS[1:4])


def test_a_folder_that_cannot_be_written_to_is_no_error(monkeypatch):
    monkeypatch.setattr("shutil.copyfile", lambda *paths: fails(PermissionError())())
    keep_records()
    assert not record_path(OUTPUTS[1]).exists()


@pytest.mark.parametrize(
    ("target", "there", "missing"),
    [
        ("results/tiny/net/model.xml", ["results/tiny/net/model.xml"], ["results/tiny/net/model.bin"]),
        ("results/tiny/net/model.xml", ["results/tiny/net/model.xml", "results/tiny/net/model.bin"], None),
        ("results/tiny/net/model.xml", [], None),
        ("results/tiny/net/model.pth", [], ["results/tiny/net/training.csv"]),
        ("results/tiny/tiny.csv", ["results/tiny/tiny.csv"], ["results/tiny/other.csv"]),
        ("results/tiny/huge.csv", ["results/tiny/huge.csv"], None),
        ("data/demo/list.csv", ["data/demo/list.csv"], ["data/demo/videos"]),
        ("prepared/a/shards/0001.arrow", ["prepared/a/shards/0001.arrow"], ["prepared/a/shards/0001.parquet"]),
        ("--cores", [], None),
    ],
)
def test_a_target_without_its_companions_is_incomplete(target, there, missing):
    make(*there)
    assert mark_incomplete([target], RULES) == ({target: missing} if missing else {})
    assert note_path(target, INCOMPLETE).exists() == bool(missing)


@pytest.mark.parametrize("word", ["a" * 5000, f"results/tiny/{'a' * 5000}/model.xml"])
def test_a_word_too_long_for_a_file_is_no_target(word):
    assert mark_incomplete([word], RULES) == {}


def test_a_mark_goes_when_the_companion_is_back_and_one_of_snakemake_stays():
    target = "results/tiny/net/model.xml"
    make(target)
    mark_incomplete([target], RULES)
    make("results/tiny/net/model.bin")
    assert not mark_incomplete([target], RULES)
    assert not note_path(target, INCOMPLETE).exists()
    note_path(target, INCOMPLETE).write_text('{"external_jobid": null}')
    mark_incomplete([target], RULES)
    assert note_path(target, INCOMPLETE).exists()


def test_without_the_folder_of_snakemake_nothing_happens(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    keep_records()
    assert restore_records() == 0
    assert not NOTES.exists()


def ended(path: Path, when: float, **more) -> None:
    """Write a note of a job that ended then."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(NOTE | {"endtime": when} | more))


def test_of_two_notes_the_one_that_ends_with_the_output_counts():
    output = Path(OUTPUTS[1])
    for made_at, kept in ((1000.0, "brought from elsewhere"), (2000.0, "made here later")):
        os.utime(output, (made_at, made_at))
        ended(record_path(output), 1000.0, rule="brought from elsewhere")
        ended(note_path(output), 2000.0, rule="made here later")
        keep_records()
        restore_records()
        assert {json.loads(path.read_text())["rule"] for path in (note_path(output), record_path(output))} == {kept}


def test_an_output_that_a_killed_snakemake_was_making_keeps_no_note():
    mark = note_path(OUTPUTS[1], INCOMPLETE)
    mark.parent.mkdir(parents=True)
    mark.touch()
    keep_records()
    assert not record_path(OUTPUTS[1]).exists()
    assert record_path(OUTPUTS[2]).exists()


def test_a_job_that_failed_is_counted_until_it_succeeds():
    output, counted = OUTPUTS[1], []
    assert failures(output) == "failures: 0"
    assert not has_failed(output)
    keep_records()
    for broken in (True, True, False):
        counted.append(failures(output))
        ended(note_path(output), 1.0, params=[repr(failures(output))])  # what Snakemake does at the end of a job
        Path(output).unlink(missing_ok=True)
        if not broken:
            make(output)
        assert has_failed(output) == broken
        if broken:
            folder = Path(output).parent.rename("aside")
            assert not has_failed(output), "whose folder is gone was removed by somebody"
            folder.rename(Path(output).parent)
    assert counted == ["failures: 0", "failures: 1", "failures: 2"]
    assert failures(output) == "failures: 2", "as noted: nothing to be done"


def test_other_params_may_speak_of_failures():
    ended(note_path(OUTPUTS[1]), 1.0, params=["'data/failures: all of 2020'", "'failures: 3'", "None", "7"])
    assert failures(OUTPUTS[1]) == "failures: 3"


def test_an_output_that_somebody_removed_has_not_failed():
    keep_records()
    Path(OUTPUTS[1]).unlink()
    assert failures(OUTPUTS[1]) == "failures: 0"
    ended(note_path(OUTPUTS[1]), 5.0)
    assert failures(OUTPUTS[1]) == "failures: 1"
    keep_records(absent=True)
    assert failures(OUTPUTS[1]) == "failures: 0", "after --touch it counts as current"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"record_format_version": null}'])
def test_a_damaged_note_is_none(damage):
    keep_records()
    lose_notes()
    record_path(OUTPUTS[1]).write_text(damage)
    assert restore_records() == len(OUTPUTS) - 1
    note_path(OUTPUTS[1]).write_text(damage)
    assert failures(OUTPUTS[1]) == "failures: 0"
