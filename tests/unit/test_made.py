"""What made what: versions beside outputs, and what differs from now."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from kinema import made
from kinema.cli import main
from kinema.job import running

OUTPUT = "results/tiny/net/model.pth"


def run(folder, *names, rule="train", **more):
    """A job that makes these files."""
    folder.mkdir(parents=True, exist_ok=True)
    outputs = {name: folder / name for name in names}
    with running(SimpleNamespace(output=outputs, log=[], rule=rule, resources=more)):
        for path in outputs.values():
            path.touch()


def test_versions_lie_beside_the_outputs(tmp_path):
    run(tmp_path, "model.pth", "training.csv")
    record = json.loads((tmp_path / ".records/model.pth.made.json").read_text())
    assert (record["rule"], record["outputs"]) == ("train", ["model.pth", "training.csv"])
    assert record["versions"] == made.versions()
    assert record["versions"].keys() >= {"python", "kinema", "torch", "torchvision", "timm", "opencv-python", "onnx"}
    assert "ffmpeg" not in record["versions"]


def test_an_output_in_another_folder_is_not_taken_for_its_namesake(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results, work = Path("results/tiny/net"), Path("work/tiny/net/converted")
    for folder in (results, work):
        folder.mkdir(parents=True)
    for path in (results / "parity.json", results / "model.xml", work / "model.xml"):
        path.touch()
    made.write_made([results / "parity.json", work / "model.xml"], rule="convert")
    (record,) = made.made_below(Path("results"))
    assert record["outputs"] == ["results/tiny/net/parity.json", "work/tiny/net/converted/model.xml"]


def test_shards_know_their_ffmpeg(tmp_path):
    run(tmp_path, "0000.parquet", rule="shard", ffmpeg="")
    record = json.loads((tmp_path / ".records/0000.parquet.made.json").read_text())
    assert record["versions"]["ffmpeg"] == made.ffmpeg_of(None)["ffmpeg"]


def test_a_job_that_fails_leaves_no_record_of_what_was_there_before(tmp_path):
    run(tmp_path, "model.pth")
    note = tmp_path / ".records/model.pth.json"
    note.write_text("{}")
    job = SimpleNamespace(output={"model": tmp_path / "model.pth"}, log=[], rule="train", resources={})
    with pytest.raises(ZeroDivisionError), running(job):
        1 / 0  # noqa: B018
    assert not note.exists(), "it is of the model that was there before"


def test_the_command_prints_what_differs_from_now(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prepared").mkdir()
    for number in range(6):
        run(tmp_path / "results/tiny", f"{number:04d}.parquet", rule="shard")
    then = made.versions()
    monkeypatch.setattr(made, "versions", lambda: then | {"torch": "1.0", "timm": "0.1"})
    run(tmp_path / "results/tiny/net", "model.pth", "gone.csv")
    (tmp_path / "results/tiny/net/gone.csv").unlink()
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert main(["made", "results"]) == 0
    lines = capsys.readouterr().out.splitlines()
    shards = "results/tiny/0000.parquet, results/tiny/0001.parquet, results/tiny/0002.parquet and 3 more"
    assert [line for line in lines if not line.startswith(" ")] == [shards, OUTPUT]
    assert "  nothing differs from now" in lines
    assert f"timm 0.1 -> {then['timm']}" in lines[-1]
    assert f"torch 1.0 -> {then['torch']}" in lines[-1]
    assert "torch 1.0" in lines[-2]


def test_a_folder_that_is_not_there_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["made", "results/none"]) == 2
    assert "results/none: no such folder" in capsys.readouterr().err
