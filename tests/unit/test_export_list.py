"""Our own JSON -> lists of FiftyOne and mmaction2, and back."""

import json
from pathlib import Path

import pytest
from importing import converted, entries
from media_corpus import make_video

from kinema.annotations.export_list import export_list
from kinema.annotations.tree import read_tree
from kinema.cli import main

WHOLE = {"a": ("run", "training"), "b": ("jump", "training"), "c": ("run", "validation"), "d": (None, "testing")}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with five videos, one of them in two folders, and its `annotation.json`."""
    monkeypatch.chdir(tmp_path)
    Path("videos/deep").mkdir(parents=True)
    for name in ("a", "b", "deep/c", "d"):
        Path(f"videos/{name}.mp4").write_bytes(b"video")
    return write(WHOLE)


def write(found, **parts) -> Path:
    """An annotation.json of label and subset of each video."""
    database = {
        name: {"subset": subset, "annotations": {"label": label} if label else {}} | parts.get(name, {})
        for name, (label, subset) in found.items()
    }
    out = Path("results/mine/annotation.json")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"labels": ["jump", "run"], "database": database}))
    return out


def test_plain_lists_of_mmaction2_come_back(project, capsys):
    assert main(["export-list", str(project), "--to", "mmaction2", "--out", "lists", "--videos", "videos"]) == 0
    output = capsys.readouterr().out
    assert "1 entries have no label and are left out: 'd'" in output
    assert "wrote lists/train.txt: 2 videos" in output
    assert Path("lists/train.txt").read_text() == "a.mp4 1\nb.mp4 0\n"
    assert Path("lists/val.txt").read_text() == "deep/c.mp4 1\n"
    assert not Path("lists/test.txt").exists()
    paths = ["lists/train.txt", "lists/val.txt"]
    found = converted(Path(), format="mmaction2", path=paths, classes="lists/label_map.txt")
    assert entries(found) == {"a": WHOLE["a"], "b": WHOLE["b"], "deep/c": WHOLE["c"]}
    assert found["labels"] == ["jump", "run"]


def test_names_stand_as_they_are_where_no_folder_is_known(project):
    export_list(project, to="mmaction2", out=Path("lists"), separator=",")
    assert Path("lists/val.txt").read_text() == "c,1\n"


def test_the_folder_is_that_of_the_data_set(project):
    Path("config/datasets").mkdir(parents=True)
    Path("config/config.yaml").write_text("training: {epochs: 1}\n")
    Path("config/datasets/mine.yaml").write_text("annotations: {path: x.csv}\nvideos: videos\n")
    export_list(project, to="mmaction2", out=Path("lists"))
    assert Path("lists/val.txt").read_text() == "deep/c.mp4 1\n"


def test_folders_of_pictures_have_their_number(project):
    for name in "abc":
        Path("pictures", name).mkdir(parents=True)
        for number in range(3):
            Path("pictures", name, f"img_{number}.jpg").write_bytes(b"x")
    lines = export_list(project, to="mmaction2", out=Path("lists"), video_folder=Path("pictures"))
    assert "1 entries have no file in pictures and are left out: 'd'" in lines
    assert Path("lists/train.txt").read_text() == "a 3 1\nb 3 0\n"


def test_whole_videos_are_a_tree_of_links_for_fiftyone(project):
    Path("videos/again").mkdir()
    Path("videos/again/c.mp4").write_bytes(b"other")
    several = {"again/c": WHOLE["c"], "deep/c": WHOLE["c"]}
    annotation = write({name: value for name, value in WHOLE.items() if name != "c"} | several)
    lines = export_list(annotation, to="fiftyone", out=Path("tree"), video_folder=Path("videos"))
    assert "wrote tree/train: 2 links, a FiftyOne VideoClassificationDirectoryTree" in lines
    assert sorted(str(path) for path in Path("tree").rglob("*.mp4")) == [
        "tree/test/_unlabeled/d.mp4",
        "tree/train/jump/b.mp4",
        "tree/train/run/a.mp4",
        "tree/val/run/again__c.mp4",
        "tree/val/run/deep__c.mp4",
    ]
    assert Path("tree/val/run/again__c.mp4").read_bytes() == b"other"
    rows, _ = read_tree(Path("tree/train"))
    assert dict(zip(rows["video"], rows["label"], strict=True)) == {"a": "run", "b": "jump"}


def test_parts_go_to_fiftyone_and_come_back(project):
    make_video(Path("videos/b.mp4"))
    part = {"video": "a", "start": 10, "end": 20, "unit": "frames"}
    parts = {
        "a_10f_20f": part,
        "a_1.5s_3s": part | {"start": 1.5, "end": 3, "unit": "seconds"},
        "b_2f_end": {"video": "b", "start": 2, "end": None, "unit": "frames"},
    }
    labels = dict.fromkeys(parts, ("run", "training")) | {"b_2f_end": ("jump", "training"), "d": WHOLE["d"]}
    annotation = write(labels, **parts)
    export_list(annotation, to="fiftyone", out=Path("out"), video_folder=Path("videos"))
    written = json.loads(Path("out/train/labels.json").read_text())
    assert written["labels"]["a"] == [
        {"label": "run", "support": [11, 20]},
        {"label": "run", "timestamps": [1.5, 3.0]},
    ]
    assert written["classes"] == ["jump", "run"]
    assert json.loads(Path("out/test/labels.json").read_text())["labels"] == {"d": None}
    found = converted(Path(), format="fiftyone", path=["out/train/labels.json", "out/test/labels.json"])
    last = written["labels"]["b"][0]["support"][1]
    assert last > 2
    assert entries(found) == {
        "a_10f_20f": ("run", "training"),
        "a_1.5s_3s": ("run", "training"),
        f"b_2f_{last}f": ("jump", "training"),
        "d": (None, "testing"),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": "fiftyone"}, "of links to the files: name their folder by --videos FOLDER"),
        (
            {"to": "mmaction2", "video_folder": Path("lost")},
            "--videos lost: no such folder; give the folder of the vid",
        ),
        ({"to": "mmaction2", "separator": "e"}, "'deep/c.mp4' holds 'e', which separates path and label"),
        (
            {"to": "mmaction2", "video_folder": Path("empty")},
            "nothing to write; 4 entries have no file in empty and are",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(project, options, message):
    Path("empty").mkdir()
    options.setdefault("video_folder", Path("videos") if "separator" in options else None)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        export_list(project, out=Path("out"), **options)


def test_parts_are_no_line_of_a_plain_list(project):
    annotation = write(
        {"a_1s_2s": ("run", "training")}, a_1s_2s={"video": "a", "start": 1, "end": 2, "unit": "seconds"}
    )
    with pytest.raises(ValueError, match=r"1 of 1 entries are parts of files, such as 'a_1s_2s', .* --to fiftyone can"):
        export_list(annotation, to="mmaction2", out=Path("out"))
    Path("out").mkdir()
    Path("out/x").touch()
    with pytest.raises(FileExistsError, match=r"out exists already; remove it, or give another --out"):
        export_list(annotation, to="fiftyone", out=Path("out"))
    with pytest.raises(FileNotFoundError, match=r"lost\.json: no such file; give results/DATASET/annotation\.json"):
        export_list(Path("lost.json"), to="fiftyone", out=Path("out"))
