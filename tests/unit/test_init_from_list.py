"""Lists that people have -> a data set that is ready to run: what `kinema init-dataset` takes them for."""

import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from media_corpus import make_video
from test_importers_lists import ACTIVITYNET, CHARADES
from test_importers_tools import CVAT_VIDEO, EAF, FIFTYONE, VIA3, choice, datumaro, item, task, timeline

from kinema.annotations.convert import convert
from kinema.annotations.recognise import WORDS, recognise
from kinema.cli import main
from kinema.experiment.files import load_config_files
from kinema.experiment.resolve import annotation_files


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project as the working directory, with ten videos in `film/videos`."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("training: {epochs: 1}\n")
    monkeypatch.chdir(tmp_path)
    Path("film/videos").mkdir(parents=True)
    for number in range(10):
        Path(f"film/videos/v{number}.mp4").write_bytes(b"video")
    return tmp_path


def listed(name: str) -> dict[str, dict]:
    """Entries of the written data set, read with the written configuration."""
    config = load_config_files([Path("config/config.yaml")])
    files = [Path(file) for file in annotation_files(config, name)]
    convert(files, settings=config.datasets[name].annotations, out=Path("list.json"))
    return json.loads(Path("list.json").read_text())["database"]


CONTENTS = {
    "table": ("a.csv", "video,label\nx,y\n"),
    "kinetics": ("a.csv", "label,youtube_id,time_start,time_end,split\n"),
    "json": ("a.json", {"labels": ["x"], "database": {}}),
    "cvat": ("a.xml", CVAT_VIDEO),
    "label_studio": ("a.json", [task(1, [choice("x")])]),
    "fiftyone": ("a.json", FIFTYONE),
    "datumaro": ("a.json", datumaro(item("a", 0))),
    "elan": ("a.eaf", EAF.replace("{notes}", "")),
    "via": ("a.json", VIA3),
    "mmaction2": ("a.txt", "x/y.mp4 3\nx/z 12 3\n"),
    "huggingface": ("a.csv", "file_name,label\n"),
    "activitynet": ("a.json", ACTIVITYNET),
    "charades": ("a.csv", CHARADES),
    "something_something": ("a.json", [{"id": "1", "label": "x", "template": "y", "placeholders": []}]),
}
OTHERS = [
    ("label_studio", "a.json", [{"id": 1, "video": "a.mp4", "choice": "x", "annotator": 1, "annotation_id": 2}]),
    ("via", "a.json", {"x": {"filename": "a.mp4", "size": 1, "regions": [], "file_attributes": {}}}),
    ("activitynet", "a.json", {"x": {"annotations": []}}),
    ("mmaction2", "a.csv", "a.mp4,0\nb.mp4,1\n"),
    ("huggingface", "a.jsonl", '{"file_name": "a.mp4", "label": 1}\n'),
    ("something_something", "a.csv", "100218;Holding something\n"),
    ("something_something", "a.json", [{"id": "1"}]),
    (None, "a.json", {"images": [], "annotations": []}),
    (None, "a.json", [1, 2]),
    (None, "a.csv", "name;class\nx;y\n"),
    (None, "a.txt", "one\ntwo\n"),
    (None, "a.xml", "<annotation><folder/></annotation>"),
]


@pytest.mark.parametrize(("format", "name", "content"), [*((key, *value) for key, value in CONTENTS.items()), *OTHERS])
def test_a_list_is_recognised_by_its_content(tmp_path, format, name, content):
    (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
    assert recognise(tmp_path / name) == format


def test_every_format_that_is_recognised_has_words():
    assert set(CONTENTS) == set(WORDS)


@pytest.mark.parametrize("place", ["film", "film/annotations/train.datum"])
def test_the_binary_form_of_datumaro_is_told_what_to_do(project, capsys, place):
    Path("film/annotations").mkdir()
    Path("film/annotations/train.datum").write_bytes(b"signature:datumaro_binary" + bytes(range(256)))
    assert main(["init-dataset", place]) == 2
    expected = "this is Datumaro's binary form; export it in Datumaro's JSON form, `datumaro`"
    assert f"film/annotations/train.datum: {expected}" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["export.zip", "export.xml", "export.json"])
@pytest.mark.parametrize("format", [[], ["--format", "cvat"], ["--format", "label_studio"]])
def test_an_export_that_is_still_packed_is_told_what_to_do(project, capsys, format, name):
    with zipfile.ZipFile(f"film/{name}", "w") as archive:
        archive.writestr("annotations.xml", CVAT_VIDEO)
    assert main(["init-dataset", f"film/{name}", "--videos", "film/videos", *format]) == 2
    assert f"film/{name}: this is a zip archive; unpack it" in capsys.readouterr().err


def export(count: int, **data) -> list:
    """Ten videos of two classes, as Label Studio exports them."""
    names = ("push", "wave")
    return [
        task(n, [choice(names[n % 2])], data={"video": f"/data/upload/2/0123abc{n}-v{n}.mp4"} | data)
        for n in range(count)
    ]


def test_subsets_of_a_list_without_any_are_drawn_into_a_table(project, capsys):
    Path("film/export.json").write_text(json.dumps(export(10)))
    assert main(["init-dataset", "film/export.json", "--group", r"v[0-4]"]) == 0
    output = capsys.readouterr().out
    assert "took film/export.json for an export of Label Studio; --format names another format" in output
    assert "wrote data/film/annotations.csv: 10 videos of 2 classes; 8 training, 2 validation" in output
    found = listed("film")
    assert found["v1"]["annotations"] == {"label": "wave"}
    assert found["v1"]["group"] == "v1"
    assert load_config_files([Path("config/config.yaml")]).datasets["film"].videos == "film/videos"


def test_a_list_that_says_its_subsets_stays_the_list(project, capsys):
    for name, tasks in (("train", export(6)), ("val", export(10)[6:])):
        Path(f"film/{name}.json").write_text(json.dumps(tasks))
    assert main(["init-dataset", "film/train.json", "film/val.json", "--name", "x", "--field", "action"]) == 0
    output = capsys.readouterr().out
    assert "film/train.json and 1 more: 10 videos of 2 classes; 6 training, 4 validation" in output
    assert not Path("data/x").exists()
    section = load_config_files([Path("config/config.yaml")]).datasets["x"].annotations
    assert (section.format, section.paths, section.field) == (
        "label_studio",
        ["film/train.json", "film/val.json"],
        "action",
    )
    assert [entry["subset"] for entry in listed("x").values()].count("validation") == 4


def test_parts_of_a_list_are_drawn_by_their_files(project, capsys):
    labels = {
        f"v{n}": [{"label": name, "support": [1 + k, 10 + k]} for k, name in ((0, "a"), (20, "b"))] for n in range(9)
    }
    Path("film/labels.json").write_text(json.dumps({"classes": None, "labels": labels | {"lost": labels["v0"]}}))
    assert main(["init-dataset", "film"]) == 0  # FiftyOne's own folder of a data set
    output = capsys.readouterr().out
    assert "took film/labels.json for labels of FiftyOne" in output
    assert "1 of 10 videos are not in " in output
    rows = pd.read_csv("data/film/annotations.csv")
    assert rows.groupby("video")["subset"].nunique().max() == 1
    found = listed("film")
    assert (found["v3_20f_30f"]["start"], found["v3_20f_30f"]["unit"]) == (20, "frames")


def test_parts_that_end_after_their_video_are_told(project, capsys):
    make_video(Path("film/videos/v0.mp4"))
    tasks = [task(n, [timeline(1, 250, "ab"[n % 2])], data={"video": f"v{n}.mp4"}) for n in range(4)]
    Path("film/train.json").write_text(json.dumps(tasks))
    assert main(["init-dataset", "film/train.json", "--fps", "10"]) == 0
    assert "1 of 4 videos end before their last part does: 'v0.mp4' (25.0 of " in capsys.readouterr().out


def test_metadata_of_the_hub_lies_among_the_videos(project, capsys):
    for subset in ("train", "test"):
        Path("hub", subset).mkdir(parents=True)
        Path("hub", subset, "metadata.csv").write_text(f"file_name,label\n{subset}1.mp4,a\n{subset}2.mp4,b\n")
        for number in (1, 2):
            Path("hub", subset, f"{subset}{number}.mp4").write_bytes(b"video")
    assert main(["init-dataset", "hub"]) == 0
    assert (
        "took hub/test/metadata.csv and 1 more for metadata of a data set of the Hugging Face Hub"
        in capsys.readouterr().out
    )
    assert {name: entry["subset"] for name, entry in listed("hub").items()} == {
        "train/train1": "training",
        "train/train2": "training",
        "test/test1": "testing",
        "test/test2": "testing",
    }


def test_the_tree_of_fiftyone_has_a_folder_of_videos_without_a_class(project, capsys):
    for label in ("run", "jump", "_unlabeled"):
        Path("tree", label).mkdir(parents=True)
        for number in range(4):
            Path("tree", label, f"{label}{number}.mp4").write_bytes(b"video")
    assert main(["init-dataset", "tree"]) == 0
    assert (
        "4 videos lie in _unlabeled, as FiftyOne writes those without a class, and are left out"
        in capsys.readouterr().out
    )
    assert len(listed("tree")) == 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["film/other.json"],
            "film/other.json: not a list that is known by its content (it begins with '{\"images\": []}'; a table",
        ),
        (["film/export.json", "film/x.txt"], "lists of several formats: "),
        (["film/export.json", "film"], "film: no file; give one folder of videos, or lists alone"),
        (
            ["film/export.json", "--videos", "lost"],
            "--videos lost: no such folder; give the folder of the videos of film/e",
        ),
        (["export.json"], "export.json: there is no folder of videos beside it; name it by --videos FOLDER"),
        (
            ["film/export.json", "--videos", "config"],
            "film/export.json: none of its 10 videos is in config, such as 'v0.mp4'",
        ),
        (
            ["film/export.json", "--prefix", "v_"],
            "--format label_studio: `prefix` is for activitynet; label_studio has none",
        ),
        (["film/videos", "--fps", "3"], "film/videos: --fps is for lists, and this is a folder of videos"),
        (["film/export.json", "--field", "x"], "film/export.json: no video with a label; "),
        (["film/bad.json"], "film/bad.json line 1: no JSON"),
    ],
)
def test_what_cannot_become_a_data_set_is_one_line(project, capsys, arguments, message):
    for path in ("film/export.json", "export.json"):
        Path(path).write_text(json.dumps(export(10)))
    Path("film/x.txt").write_text("v1.mp4 0\nv2.mp4 1\n")
    Path("film/other.json").write_text('{"images": []}')
    Path("film/bad.json").write_text("{")
    assert main(["init-dataset", *arguments]) == 2
    assert message in capsys.readouterr().err
