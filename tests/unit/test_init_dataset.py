"""A folder per class -> a data set that is ready to run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from media_corpus import make_video

from kinema.annotations.convert import convert
from kinema.annotations.init import default_name, init_dataset, num_shards
from kinema.annotations.leaks import divided
from kinema.annotations.split import split_by_group
from kinema.cli import main
from kinema.experiment.files import load_config_files
from kinema.experiment.resolve import annotation_files
from kinema.media.plan import plan_shards


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project as the working directory."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("training: {epochs: 1}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plant(root: str, *files: str) -> Path:
    for file in files:
        path = Path(root) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"video")
    return Path(root)


def numbered(label: str, count: int) -> list[str]:
    return [f"{label}/{label}_{number:02d}.mp4" for number in range(count)]


def listed(name: str) -> dict[str, dict]:
    """Entries of the written data set, read with the written configuration."""
    config = load_config_files([Path("config/config.yaml")])
    files = [Path(file) for file in annotation_files(config, name)]
    convert(files, settings=config.datasets[name].annotations, out=Path("annotation.json"))
    return json.loads(Path("annotation.json").read_text())["database"]


def found_files(name: str) -> dict[str, str | None]:
    """The file that the plan finds for every entry of the written data set, relative to its videos."""
    listed(name)
    videos = Path(load_config_files([Path("config/config.yaml")]).datasets[name].videos)
    plan_shards([Path("annotation.json")], video_folder=videos, num_shards=1, out=Path("plan.json"))
    rows = [json.loads(line) for line in Path("manifests/0000.jsonl").read_text().splitlines()]
    return {row["id"]: row["path"] and str(Path(row["path"]).relative_to(videos)) for row in rows}


def test_folders_of_pictures_are_videos(project, capsys):
    """As the reference keeps them; what lies in one, or in no class folder, is told."""
    root = plant("data/gym/frames_data", *numbered("run", 4), "run/run_03/cover.jpg", "stray/image_00001.jpg")
    for folder in ("jump/v.1", "jump/v.2", "jump/v.3", "jump/v.3/flow", "run/run_00"):
        plant(str(root), f"{folder}/image_00001.jpg", f"{folder}/image_00002.jpg")
    plant(str(root), "jump/both/a_1.jpg", "jump/both/b_1.jpg")
    assert main(["init-dataset", "data/gym/frames_data"]) == 0
    output = capsys.readouterr().out
    assert "7 videos of 2 classes" in output
    assert "1 videos lie in no class folder and are left out: 'stray'" in output
    assert "1 videos lie in the folder of another one's pictures and are left out: 'jump/v.3/flow'" in output
    assert "1 videos differ from another one in the extension only and are left out: 'run/run_00'" in output
    found = found_files("gym")
    assert {found[name] for name in ("v.1", "v.2", "v.3")} == {"jump/v.1", "jump/v.2", "jump/v.3"}
    assert found["run/run_00"] == "run/run_00.mp4"


def test_a_tree_becomes_a_data_set_that_loads(project, capsys):
    plant("data/gym/videos", *numbered("run", 20), *numbered("jump", 10), "jump/more/deep.webm", "run/notes.txt")
    assert main(["init-dataset", "data/gym/videos"]) == 0
    output = capsys.readouterr().out
    assert "wrote data/gym/annotations.csv: 31 videos of 2 classes; 25 training, 6 validation" in output
    assert output.splitlines()[-1] == "next: kinema plan results/gym/efficientnet_lite0_vtn_two_stream/model.xml"
    entries = listed("gym")
    kept = [(entry["annotations"]["label"], entry["subset"]) for entry in entries.values()]
    assert (kept.count(("run", "validation")), kept.count(("jump", "validation"))) == (4, 2)
    assert entries["deep"]["annotations"] == {"label": "jump"}
    config = load_config_files([Path("config/config.yaml")])
    assert (config.datasets["gym"].videos, config.datasets["gym"].num_shards) == ("data/gym/videos", 4)


def test_the_split_is_that_of_the_seed(project):
    plant("videos", *numbered("run", 20), *numbered("jump", 20))
    subsets = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        init_dataset(Path("videos"), name=name, seed=seed, test_fraction=0.1)
        subsets.append({video: entry["subset"] for video, entry in listed(name).items()})
    assert subsets[0] == subsets[1] != subsets[2]
    assert sorted(subsets[0].values()).count("testing") == 4


def test_what_is_there_is_not_overwritten(project, capsys):
    plant("gym", *numbered("run", 4), *numbered("jump", 4))
    init_dataset(Path("gym"))
    table = Path("data/gym/annotations.csv")
    table.write_text("mine")
    assert main(["init-dataset", "gym"]) == 2
    assert "data/gym/annotations.csv and config/datasets/gym.yaml exists already; --force" in capsys.readouterr().err
    assert table.read_text() == "mine"
    init_dataset(Path("gym"), force=True)
    assert len(listed("gym")) == 8


def test_odd_names_are_found_again(project):
    files = [
        'run/a, "b" 🏃.mp4',
        "run/-rf.mp4",
        "run/ leading.mp4",
        "run/trailing .mp4",
        "run/NA.mp4",
        "run/twice.mp4.mp4",
        "run/new\nline.mp4",
        "run/[$x];'.MOV",
        "jump high/same.mp4",
        "run/same.mp4",
        "jump high/x.avi",
        "jump high/deeper/x.avi",
    ]
    plant("odd", *files)
    init_dataset(Path("odd"))
    found = found_files("odd")
    assert sorted(map(str, found.values())) == sorted(files)
    assert found["run/same"] == "run/same.mp4"
    assert {entry["annotations"]["label"] for entry in listed("odd").values()} == {"run", "jump high"}


def test_what_is_left_out_is_told_in_a_line(project):
    plant("t", *numbered("run", 3), *numbered("jump", 3), "loose.mp4", "run/._run_01.mp4", "run/run_01.avi")
    Path("t/empty").mkdir()
    Path(b"t/run/\xff.mp4".decode("utf-8", "surrogateescape")).touch()
    notes = init_dataset(Path("t"))
    assert "1 videos lie in no class folder and are left out: 'loose.mp4'" in notes
    assert "1 videos differ from another one in the extension only and are left out: 'run/run_01.mp4'" in notes
    assert "1 hidden files are left out: 'run/._run_01.mp4'" in notes
    assert any(r"run/\udcff.mp4" in note and "no UTF-8" in note for note in notes)
    assert "1 class folders without a video: 'empty'" in notes
    assert len(listed("t")) == 6


def test_every_file_that_is_a_video_is_taken_and_what_is_none_is_told(project):
    plant("t", *numbered("run", 3), *numbered("jump", 3), "run/old.MTS", "run/old.3gp", "jump/a.txt", "jump/b.TXT")
    plant("t", "jump/c.jpg", "run/index.ts", "run/README", "run/.DS_Store", "run/run_00.gif")
    for name in ("run/card.MTS", "jump/phone.3gp", "jump/stream.ts", "run/cctv.dav", "jump/bare", "jump/bare.2"):
        make_video(Path("t") / name, container="mpegts")
    notes = init_dataset(Path("t"))
    found = found_files("t")
    assert found["card"] == "run/card.MTS"
    assert found["stream"] == "jump/stream.ts"
    assert found["run/cctv.dav"] == "run/cctv.dav"
    assert (found["jump/bare"], found["jump/bare.2"]) == ("jump/bare", "jump/bare.2")
    assert len(found) == 13  # the .3gp without a video in it is one of them: as an .mp4, it fails later and is reported
    assert "3 files are no video inside and are left out: 'run/README', 'run/index.ts', 'run/old.MTS'" in notes
    assert "3 files have an extension of no video and are left out: 2 .txt, 1 .jpg" in notes
    assert "1 videos differ from another one in the extension only and are left out: 'run/run_00.gif'" in notes


def test_a_probe_that_fails_in_an_odd_way_ends_nothing(project, monkeypatch):
    plant("t", *numbered("run", 3), *numbered("jump", 3), "run/odd.ts")
    monkeypatch.setattr("kinema.annotations.probing.probe", lambda path, **options: path.no_such_attribute)
    assert "1 files are no video inside and are left out: 'run/odd.ts'" in init_dataset(Path("t"))


def test_folders_named_like_subsets_are_the_split(project):
    plant("s", "train/run/a.mp4", "train/jump/b.mp4", "Val/run/c.mp4", "Val/jump/deep/d.mp4", "test/e.mp4")
    init_dataset(Path("s"))
    found = {name: (entry["subset"], entry["annotations"].get("label")) for name, entry in listed("s").items()}
    assert found == {
        "a": ("training", "run"),
        "b": ("training", "jump"),
        "c": ("validation", "run"),
        "d": ("validation", "jump"),
        "e": ("testing", None),
    }


def test_a_subset_that_the_folders_lack_is_drawn(project):
    plant("s", *(f"train/{file}" for label in ("run", "jump") for file in numbered(label, 10)), "test/run/t.mp4")
    init_dataset(Path("s"), test_fraction=0.4)
    subsets = [entry["subset"] for entry in listed("s").values()]
    assert {name: subsets.count(name) for name in subsets} == {"training": 16, "validation": 4, "testing": 1}
    Path("s/test").rename("s/val")
    init_dataset(Path("s"), test_fraction=0.4, force=True)
    subsets = [entry["subset"] for entry in listed("s").values()]
    assert {name: subsets.count(name) for name in subsets} == {"training": 12, "validation": 1, "testing": 8}


def test_groups_of_the_folders_in_two_subsets_are_told(project):
    plant("s", *(f"{subset}/{c}/v_{c}_g01_c0{n}.avi" for c in "AB" for n, subset in enumerate(("train", "val"))))
    # names that need their path have groups too
    plant("s", "train/A/v_A_g02_c01.avi", "val/B/v_A_g02_c01.avi")
    assert (
        "3 groups lie in more than one subset, such as 'v_A_g01': scores will be too good; "
        "`kinema split data/s/annotations.csv` draws subsets by whole groups"
    ) in init_dataset(Path("s"))


def grouped(name: str) -> dict[str, str]:
    """The group of every video of the written table, an empty text where it is alone."""
    rows = pd.read_csv(f"data/{name}/annotations.csv", dtype="str", keep_default_na=False)
    return dict(zip(rows["video"], rows["group"], strict=True))


@pytest.mark.parametrize("pattern", ["anna|ben", "/([^/]+)/[^/]+$", "(anna)|(ben)"])
def test_a_pattern_is_searched_in_folders_where_the_name_does_not_have_it(project, pattern):
    files = [f"{label}/{who}/{label}{n}.mp4" for label in ("wave", "push") for who in ("anna", "ben") for n in "12"]
    plant("t", *files, "wave/ben/anna_9.mp4")
    notes = init_dataset(Path("t"), group=pattern)
    found = grouped("t")
    # what the name says comes first, unless the pattern is one of folders
    assert found.pop("anna_9") == ("ben" if "/" in pattern else "anna")
    assert found == {
        "wave/anna/wave1.mp4": "anna",
        "wave/anna/wave2.mp4": "anna",
        "wave/ben/wave1.mp4": "ben",
        "wave/ben/wave2.mp4": "ben",
        "push/anna/push1.mp4": "anna",
        "push/anna/push2.mp4": "anna",
        "push/ben/push1.mp4": "ben",
        "push/ben/push2.mp4": "ben",
    }
    assert "2 groups of 9 videos are read by the pattern from names and folders" in notes


def test_what_a_pattern_does_not_find_or_tell_apart_is_told(project):
    plant("t", *numbered("run", 4), *numbered("jump", 4), "run/other.mp4")
    notes = init_dataset(Path("t"), group=r"\w+_\d+")
    assert "the pattern is not in 1 paths, whose videos count as alone: 'run/other'" in notes
    assert "--group '\\w+_\\d+' gives every video a group of its own, so nothing is kept together" in notes


def test_groups_of_a_table(project):
    plant("t", *numbered("run", 5), *numbered("jump", 5), "run/deep/same.mp4", "jump/same.mp4")
    rows = "run_00.mp4,anna\nrun/run_01,anna\n./jump/jump_00.avi,anna\nrun_02,\njump/same.mp4,ben\nlost.mp4,ben\n"
    Path("g.csv").write_text("group,video\n" + "".join(",".join(row.split(",")[::-1]) + "\n" for row in rows.split()))
    notes = init_dataset(Path("t"), groups_path=Path("g.csv"))
    found = grouped("t")
    assert {name: group for name, group in found.items() if group} == {
        **dict.fromkeys(("run_00", "run_01", "jump_00"), "anna"),
        "jump/same.mp4": "ben",
    }
    assert "2 groups of 4 videos are read from g.csv" in notes
    assert "1 rows of g.csv match no video: 'lost.mp4'" in notes
    assert any(
        note.startswith("8 videos have no group in g.csv and count as alone: 'jump/jump_01.mp4',") for note in notes
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("same,anna\n", r"g\.csv row 2: 'same' may be each of jump/same\.mp4, run/same\.mp4; write its folder, too"),
        (
            "run/same,anna\nrun/same.mp4,ben\n",
            r"g\.csv row 3: 'run/same\.mp4' has the group 'ben' here and 'anna' in a",
        ),
        (",anna\n", r"g\.csv row 2: no video name"),
        ("x,anna\ny,ben\n", r"g\.csv: none of its 2 rows names a video of the list, such as 'jump/jump_00\.mp4'"),
    ],
)
def test_groups_of_a_table_that_is_of_no_use(project, rows, message):
    plant("t", *numbered("run", 3), *numbered("jump", 3), "run/same.mp4", "jump/same.mp4")
    Path("g.csv").write_text("video,group\n" + rows)
    with pytest.raises(ValueError, match=message):
        init_dataset(Path("t"), groups_path=Path("g.csv"))
    with pytest.raises(FileNotFoundError, match=r"--groups lost\.csv: no such file; expected a table with the columns"):
        init_dataset(Path("t"), groups_path=Path("lost.csv"))


def test_a_leaky_set_is_warned_of_and_split_by_its_sources(project, capsys):
    """12 sources, cut into 10 clips each."""
    plant("leaky", *(f"{'ab'[n % 2]}/source{n:02d}_cut{cut:02d}.mp4" for n in range(12) for cut in range(10)))
    assert main(["init-dataset", "leaky"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no group is known")]
    assert "scores are too good where several videos show one person, scene or recording" in line
    assert (
        "run `kinema split data/leaky/annotations.csv` with `--group REGEX`, `--groups FILE` or `--group looks`" in line
    )
    rows = pd.read_csv("data/leaky/annotations.csv")
    assert len(divided(rows["video"].str[:8], rows["subset"])) > 6  # it leaks indeed
    assert main(["init-dataset", "leaky", "--group", r"source\d+", "--force"]) == 0
    output = capsys.readouterr().out
    assert "12 groups of 120 videos are read by the pattern" in output
    assert "too good" not in output
    rows = pd.read_csv("data/leaky/annotations.csv")
    assert not divided(rows["video"].str[:8], rows["subset"])
    assert rows.groupby("label")["subset"].value_counts()[:, "validation"].tolist() == [10, 10]


@pytest.mark.real
def test_real_clips_are_split_by_the_groups_in_their_names(project, shared):
    Path("clips").symlink_to(shared / "real/ut_interaction/videos")
    notes = init_dataset(Path("clips"), group=r"(seq\d+)")
    assert "20 groups of 120 videos are read by the pattern from names and folders" in notes
    rows = pd.read_csv("data/clips/annotations.csv")
    assert (rows.groupby("group")["subset"].nunique() == 1).all()
    assert rows.groupby("label")["subset"].value_counts()[:, "validation"].between(3, 5).all()
    assert None not in found_files("clips").values()


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        (["run/a.mp4", "run/b.mp4"], {}, r"t: one class, 'run'; expected <class folder>/<video>"),
        (["a.mp4"], {}, r"t: no video in a class folder; expected"),
        (
            ["run/a.txt"],
            {},
            r"t: no video in a class folder; expected(.|\n)*an extension of no video.*1 .txt",
        ),
        (["run/a.mp4", "jump/b.mp4"], {}, r"no validation videos: each class has one video, or one group, only"),
        (["val/run/a.mp4", "val/jump/b.mp4"], {}, r"the folders at the top are of validation only"),
        (["run/a.mp4", "jump/b.mp4"], {"val_fraction": 1.0}, r"leave no training videos"),
        (["run/a.mp4", "jump/b.mp4"], {"name": "a/b"}, r"'a/b' cannot name a data set"),
        (["run/a.mp4", "jump/b.mp4"], {"group": "("}, r"--group '\(': not a regular expression"),
        (
            ["run/a.mp4", "jump/b.mp4"],
            {"group": "seq"},
            r"--group 'seq': found in no name and no folder, such as 'jump/b'",
        ),
        (
            ["run/a.mp4", "jump/b.mp4"],
            {"group": "a", "groups_path": Path("g.csv")},
            r"--group and --groups are two ways",
        ),
    ],
)
def test_a_tree_or_an_option_that_is_of_no_use(project, files, options, message):
    plant("t", *files)
    with pytest.raises(ValueError, match=message):
        init_dataset(Path("t"), **options)
    assert not Path("data").exists()


def test_it_must_run_in_a_project_and_on_a_folder(project, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"lost: no such folder"):
        init_dataset(Path("lost"))
    plant("t", *numbered("run", 2), *numbered("jump", 2))
    monkeypatch.chdir("t")
    with pytest.raises(FileNotFoundError, match=r"no config/config\.yaml in .*; run this in the folder that holds"):
        init_dataset(Path())


@pytest.mark.parametrize(
    ("folder", "name"),
    [("data/gym/videos", "gym"), ("/a/My clips (new)", "My_clips_new"), ("x/-rf", "rf"), ("x/ucf-101", "ucf-101")],
)
def test_a_folder_names_its_data_set(folder, name):
    assert default_name(Path(folder)) == name


@pytest.mark.parametrize(
    ("videos", "shards"), [(1, 4), (2000, 4), (2001, 8), (13_320, 32), (246_534, 512), (650_000, 1024)]
)
def test_shards_suit_the_number_of_videos(videos, shards):
    assert num_shards(videos) == shards


def split(labels, groups, **fractions):
    return split_by_group(pd.Series(labels), pd.Series(groups, dtype="string"), fractions=fractions, seed=3)


def test_groups_that_every_class_has_are_kept_whole_and_classes_in_balance():
    labels, groups = np.tile(np.array(list("abc")), 40), np.repeat([f"p{n}" for n in range(20)], 6)
    found = split(labels, groups, testing=0.1, validation=0.2)
    assert found.groupby(groups).nunique().eq(1).all()
    assert found.groupby(labels).value_counts().unstack().to_numpy().tolist() == [[4, 28, 8]] * 3


def test_a_class_keeps_a_training_video_and_gets_a_validation_video_where_it_can():
    # a: one video; b: two; c: two large groups; d: one group
    labels = ["a", *"bb", *"c" * 10, *"d" * 4]
    groups = [None, None, None, *["p"] * 6, *["q"] * 4, *["r"] * 4]
    counts = split(labels, groups, validation=0.2).groupby(labels).value_counts().unstack(fill_value=0)
    assert counts.loc["a"].tolist() == [1, 0]
    assert counts.loc["b"].tolist() == [1, 1]
    assert counts.loc["c"].tolist() == [6, 4]
    assert counts.loc["d"].tolist() == [4, 0]
