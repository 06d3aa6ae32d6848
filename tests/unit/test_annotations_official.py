"""The official lists of Kinetics, Mini-Kinetics, UCF-101 and HMDB-51, and the reference's JSON -> the one dialect."""

import json
from pathlib import Path

import pytest

from kinema.annotations.convert import convert
from kinema.annotations.sources import list_files
from kinema.experiment.data_sections import Annotations

TRAIN = "label,youtube_id,time_start,time_end,split\n"


def converted(out, **settings):
    chosen = Annotations(**settings)
    convert([Path(file) for file in list_files(chosen)], settings=chosen, out=out / "annotation.json")
    return json.loads((out / "annotation.json").read_text())


def subsets(dialect):
    """Number of entries of every subset."""
    names = [entry["subset"] for entry in dialect["database"].values()]
    return {name: names.count(name) for name in sorted(set(names))}


@pytest.fixture
def kinetics(tmp_path):
    """The dialect of Kinetics lists given as text, the first one being train.csv."""

    def convert_lists(*texts, format="kinetics"):
        files = [tmp_path / name for name in ("train.csv", "val.csv", "test.csv")][: len(texts)]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        return converted(tmp_path, format=format, path=[str(file) for file in files])

    return convert_lists


@pytest.mark.real
def test_real_kinetics_lists(shared, tmp_path, caplog):
    lists = ["mini_kinetics_200/train_k200", "kinetics/kinetics-400_val", "kinetics/kinetics-400_test"]
    found = converted(tmp_path, format="kinetics", path=[str(shared / f"annotations/{name}.csv") for name in lists])
    assert subsets(found) == {"testing": 38685, "training": 80000, "validation": 19906}
    assert len(found["labels"]) == 200
    assert not [record for record in caplog.records if "listed" in record.message]


@pytest.mark.real
def test_a_clip_of_two_real_kinetics_lists_leaves_training(shared, tmp_path, caplog):
    # Kinetics-600 drew anew: 317 clips that train in one release validate or test in the other. The six videos that its
    # validation list has twice are different clips of them, so none is lost
    lists = ["mini_kinetics_200/train_k200", "kinetics/kinetics-600_val", "kinetics/kinetics-600_test"]
    found = converted(tmp_path, format="kinetics", path=[str(shared / f"annotations/{name}.csv") for name in lists])
    assert subsets(found) == {"testing": 72924, "training": 80000 - 317, "validation": 30000}
    assert "317 clips are listed for two subsets" in caplog.text


@pytest.mark.slow
@pytest.mark.real
def test_mini_kinetics_from_lists_of_ids_is_that_from_its_own_lists(shared, tmp_path):
    folder = shared / "annotations/mini_kinetics_200"
    own = converted(
        tmp_path, format="mini_kinetics", path=[str(folder / "train_k200.csv"), str(folder / "val_k200.csv")]
    )
    ids = [str(folder / "train_ytid_list.txt"), str(folder / "val_ytid_list.txt")]
    lists = [str(folder / "train_k200.csv"), str(shared / "annotations/kinetics/kinetics-400_val.csv")]
    assert converted(tmp_path, format="mini_kinetics", path=ids + lists) == own
    assert subsets(own) == {"training": 80000, "validation": 5000}


@pytest.mark.real
@pytest.mark.parametrize(("split", "train", "val"), [(1, 9537, 3783), (2, 9586, 3734), (3, 9624, 3696)])
def test_real_ucf101_lists_with_either_line_ending(shared, tmp_path, split, train, val):
    found = converted(tmp_path, format="ucf101", path=str(shared / "annotations/ucf101_lf"), split=split)
    assert subsets(found) == {"training": train, "validation": val}
    assert (len(found["labels"]), found["labels"][0], found["labels"][-1]) == (101, "ApplyEyeMakeup", "YoYo")
    assert found["database"]["v_HandStandPushups_g01_c01"]["annotations"] == {"label": "HandstandPushups"}
    assert converted(tmp_path, format="ucf101", path=str(shared / "annotations/ucf101_crlf"), split=split) == found


@pytest.mark.real
@pytest.mark.parametrize("split", [1, 2, 3])
def test_real_hmdb51_lists(shared, tmp_path, split):
    found = converted(tmp_path, format="hmdb51", path=str(shared / "annotations/hmdb51"), split=split)
    assert subsets(found) == {"training": 3570, "validation": 1530}
    assert len(found["labels"]) == 51
    assert found["labels"] == sorted(found["labels"])
    per_label = [entry["annotations"]["label"] for entry in found["database"].values()]
    assert {per_label.count(label) for label in found["labels"]} == {100}


def test_odd_labels_and_ids_of_kinetics(kinetics):
    found = kinetics(
        TRAIN + '"massaging, person\'s head",-0aBcDeFgHi,7,17,train\n'
        '"so called ""planking"" (sport)",a-b_c,1234567,1234577,train\n'
        "spaced , x ,1.0,2.,train\n",
        "label,youtube_id,time_start,time_end,split,is_cc\nspaced,y,0,10,validate,1\n",
        "youtube_id,time_start,time_end,split\nz,0,10,test\n",
    )
    assert found["labels"] == ["massaging, person's head", 'so called "planking" (sport)', "spaced"]
    assert list(found["database"]) == [
        "-0aBcDeFgHi_000007_000017",
        "a-b_c_1234567_1234577",
        "x_000001_000002",
        "y_000000_000010",
        "z_000000_000010",
    ]
    assert found["database"]["z_000000_000010"] == {"subset": "testing", "annotations": {}}


def test_what_kinetics_lists_twice_is_counted_once(kinetics, caplog):
    found = kinetics(
        TRAIN + "run,a,0,10,train\nrun,b,0,10,train\njump,b,0,10,train\nrun,a,0,10,train\nrun,a,0,10,train\n",
        TRAIN + "run,c,0,10,val\nrun,d,0,10,val\n",
        TRAIN + "run,d,0,10,train\n,c,0,10,test\n",
    )["database"]
    assert {name[0]: (entry["subset"], entry["annotations"].get("label")) for name, entry in found.items()} == {
        "a": ("training", "run"),
        "b": ("training", "jump"),
        "c": ("testing", None),
        "d": ("validation", "run"),
    }
    assert "2 rows are listed more than once" in caplog.text
    (line,) = [text for text in caplog.messages if "second label" in text]
    assert line.startswith("1 clips have a second label; the last one counts; such as b_000000_000010 'run' (")
    assert "train.csv line 3), 'jump' (" in line
    assert line.endswith("train.csv line 4)")
    assert "2 clips are listed for two subsets" in caplog.text


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("x,abc,0,10", r"train\.csv line 3: expected 5 cells as in the header, found 4; the line is 'x,abc,0,10'"),
        ("a, b,abc,0,10,train", r"train\.csv line 3: expected 5 cells .*, found 6; the line is 'a, b,abc,0,10,train'"),
        (
            "x,a bc,0,10,train",
            r"train\.csv line 3: youtube_id 'a bc' is not letters.*; the line is 'x,a bc,0,10,train'",
        ),
        ("x,#NAME?,0,10,train", r"line 3: youtube_id '#NAME\?'"),
        ("x,,0,10,train", r"line 3: youtube_id ''"),
        ("x,abc,0.5,10,train", r"line 3: time_start '0\.5' is not a whole number of seconds"),
        ("x,abc,,10,train", r"line 3: time_start '' is not a whole number of seconds"),
        ("x,abc,-1,10,train", r"line 3: time_start '-1' is not"),
        ("x,abc,0,1e3,train", r"line 3: time_end '1e3' is not"),
        ("x,abc,10,10,train", r"line 3: time_end 10 <= time_start 10"),
        ("x,abc,0,10,training set", r"line 3: split 'training set'; expected train, val"),
        ("x,abc,0,10,", r"line 3: split ''; expected train, val"),
        (",abc,0,10,train", r"line 3: no label; only test rows may lack one; the line is ',abc,0,10,train'"),
        ('"x,abc,0,10,train', r"train\.csv line 3: expected 5 cells"),
    ],
)
def test_a_malformed_line_of_kinetics_is_named(kinetics, row, message):
    with pytest.raises(ValueError, match=message):
        kinetics(f"{TRAIN}run,good,0,10,train\n{row}\nrun,good2,0,10,train\n")


def test_a_list_of_kinetics_without_a_column_is_named(kinetics):
    with pytest.raises(ValueError, match=r"train\.csv: no column youtube_id, time_start; found label, id, start"):
        kinetics("label,id,start,time_end,split\n")
    with pytest.raises(ValueError, match=r"no entry has the subset training"):
        kinetics(TRAIN + "run,a,0,10,val\n")


def test_ids_that_no_list_has_are_counted(tmp_path, caplog):
    (tmp_path / "k400.csv").write_text(
        TRAIN + "run,a,0,10,train\njump,b,0,10,train\nrun,c,0,10,val\nwave,d,0,10,train\n"
    )
    ids = tmp_path / "ids.txt"
    paths = {"format": "mini_kinetics", "path": [str(tmp_path / "k400.csv"), str(ids)]}
    ids.write_text("c\r\nlost\r\na\r\n\r\nb\r\n")
    found = converted(tmp_path, **paths)
    assert list(found["database"]) == ["a_000000_000010", "b_000000_000010", "c_000000_000010"]
    assert found["labels"] == ["run", "jump"]
    assert "1 of 4 ids are in no list, such as lost" in caplog.text
    ids.write_text("x\ny\n")
    with pytest.raises(ValueError, match=r"ids\.txt: not one of the 2 ids is in the lists"):
        converted(tmp_path, **paths)
    ids.write_text("a\nrun,a,0\n")
    with pytest.raises(ValueError, match=r"ids\.txt line 2: 'run,a,0' is not a YouTube id"):
        converted(tmp_path, **paths)


UCF = {
    "classInd.txt": "1 Run\n2 Jump\n",
    "trainlist01.txt": "Run/v_run_g02_c01.avi 1\nJump/v_Jump_g02_c01.avi 2\n",
    "testlist01.txt": "Run/v_run_g01_c01.avi\n",
}


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("trainlist01.txt", "Run/v.avi 2\n", r"trainlist01\.txt line 1: the class number 2 is not that of 'Run' in"),
        ("trainlist01.txt", "\nRan/v.avi 1\n", r"trainlist01\.txt line 2: the folder 'Ran' is no class of"),
        ("trainlist01.txt", "Run/v.avi 1\nv.avi 1\n", r"line 2: expected `<class folder>/<video file>`.*is 'v\.avi 1'"),
        ("testlist01.txt", "Run/v.txt\n", r"testlist01\.txt line 1: expected `<class folder>/<video file>`"),
        (
            "testlist01.txt",
            "Run/v_run_g02_c01.avi\n",
            r"line 1: video 'v_run_g02_c01' is listed twice, in .*trainlist01\.txt line \d and here; the line is",
        ),
        ("classInd.txt", "1 Run\nJump\n", r"classInd\.txt line 2: expected `<number> <class>`; the line is 'Jump'"),
        ("classInd.txt", "1 Run\n1 Jump\n", r"classInd\.txt line 2: number 1 is listed twice"),
        ("classInd.txt", "1 Run\n2 Run\n", r"classInd\.txt line 2: class 'Run' is listed twice"),
    ],
)
def test_a_malformed_line_of_ucf101_is_named(tmp_path, file, text, message):
    for name, content in (UCF | {file: text}).items():
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        converted(tmp_path, format="ucf101", path=str(tmp_path), split=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.avi 3 \n", r"run_test_split1\.txt line 1: use 3; expected 0, 1 or 2; the line is 'a\.avi 3 '"),
        ("a.avi 1 \na.avi\n", r"run_test_split1\.txt line 2: expected `<video file> <0, 1 or 2>`"),
        ("a.avi 1 \na.avi 2 \n", r"run_test_split1\.txt line 2: video 'a' is listed twice, in line 1 and here"),
    ],
)
def test_a_malformed_line_of_hmdb51_is_named(tmp_path, text, message):
    (tmp_path / "run_test_split1.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        converted(tmp_path, format="hmdb51", path=str(tmp_path), split=1)


def test_other_files_in_the_folder_of_hmdb51_invent_nothing(tmp_path):
    for name in (
        "hmdb51_1.json",
        "class_list.txt",
        "_test_split1.txt",
        "wave_test_split1.txt.bak",
        "run_test_split4.txt",
    ):
        (tmp_path / name).write_text("nonsense")
    (tmp_path / "run_test_split1.txt").write_text("a b.c.avi 1 \nd.avi 2 \ne.avi 0 \n")
    (tmp_path / "jump_test_split1.txt").write_text("f.avi 1 \n")
    assert converted(tmp_path, format="hmdb51", path=str(tmp_path), split=1) == {
        "labels": ["jump", "run"],
        "database": {
            "f": {"subset": "training", "annotations": {"label": "jump"}},
            "a b.c": {"subset": "training", "annotations": {"label": "run"}},
            "d": {"subset": "validation", "annotations": {"label": "run"}},
        },
    }


def of_json(tmp_path, content):
    (tmp_path / "list.json").write_text(json.dumps(content))
    return converted(tmp_path, format="json", path=str(tmp_path / "list.json"))


def test_what_the_reference_adds_to_its_json_is_left_aside(tmp_path):
    entry = {"subset": "training", "annotations": {"label": "run", "num": 3}, "fps": 25.0, "n_frames": 99, "group": "g"}
    other = {"subset": "training", "annotations": {"label": "jump"}}
    found = of_json(tmp_path, {"labels": ["jump", "run"], "database": {"a": entry, "b": other}, "version": 1})
    expected = {"subset": "training", "annotations": {"label": "run"}, "group": "g"}
    assert found == {"labels": ["jump", "run"], "database": {"a": expected, "b": other}}


def test_our_own_json_keeps_which_file_is_meant(tmp_path):
    table = "video,label,subset,start,end\nclip.mp4,x,train,,\nclip.avi,y,train,,\nlong.MTS,x,train,1,2\n"
    (tmp_path / "list.csv").write_text(table)
    found = converted(tmp_path, path=str(tmp_path / "list.csv"))
    assert found["database"]["long_1s_2s"]["extension"] == ".MTS"
    (tmp_path / "annotation.json").rename(tmp_path / "list.json")
    assert converted(tmp_path, format="json", path=str(tmp_path / "list.json")) == found


def test_events_of_an_untrimmed_video_become_entries(tmp_path):
    events = [{"event": "run", "start": 0, "stop": "1.5"}, {"event": "jump", "start": 1.5, "stop": 2}]
    content = {"labels": ["jump", "run"], "database": {"v": {"subset": "training", "annotations": {"events": events}}}}
    found = of_json(tmp_path, content)
    assert found["database"]["v_0s_1.5s"] == {
        "subset": "training",
        "annotations": {"label": "run"},
        "video": "v",
        "start": 0,
        "end": 1.5,
        "unit": "seconds",
    }
    assert of_json(tmp_path, found) == found, "ours is accepted too"
    content["database"]["v"]["annotations"]["timestamps"] = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    found = of_json(tmp_path, content)["database"]
    assert {name: (entry["start"], entry["end"], entry["unit"]) for name, entry in found.items()} == {
        "v_0f_3f": (0, 3, "frames"),
        "v_3f_4f": (3, 4, "frames"),
    }


def test_a_video_without_an_event_is_counted(tmp_path, caplog):
    content = entries()
    content["labels"].append("jump")
    content["database"]["w"] = {"subset": "validation", "annotations": {"events": []}}
    content["database"]["x"] = {"subset": "training", "annotations": {"label": "jump"}}
    assert list(of_json(tmp_path, content)["database"]) == ["v", "x"]
    assert "1 videos have no event, such as 'w'" in caplog.text


def entries(**changes):
    return {"labels": ["run"], "database": {"v": {"subset": "training", "annotations": {"label": "run"}} | changes}}


def test_a_video_that_stands_twice_in_a_json_is_named(tmp_path):
    entry = '"v": {"subset": "training", "annotations": {"label": "run"}}'
    (tmp_path / "list.json").write_text(f'{{"labels": ["run"], "database": {{{entry}, {entry}}}}}')
    with pytest.raises(ValueError, match=r"list\.json: .*'v' stands twice in one object"):
        convert([tmp_path / "list.json"], settings=Annotations(format="json", path="x"), out=tmp_path / "a.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], r"list\.json: not an annotation file"),
        ({"labels": ["run"]}, r"list\.json: not an annotation file \(KeyError\('database'\)\); expected \{\"labels\""),
        ({"labels": "run", "database": {}}, r"list\.json: `labels` is not a list of texts"),
        ({"labels": ["run", "run"], "database": {}}, r"list\.json: a label stands in `labels` twice"),
        (entries(subset="trian"), r"list\.json: 'v': subset 'trian'; expected training, validation or testing"),
        (entries(annotations={"label": "ran"}), r"list\.json: 'v': label 'ran' is not in `labels`"),
        (entries(annotations={}), r"list\.json: 'v': no label; only testing entries may lack one"),
        (entries(video="w", start="1", end=2, unit="seconds"), r"'v': start '1' and end 2; expected numbers"),
        (entries(video="w", start=3, end=2, unit="seconds"), r"'v': start 3 and end 2; .* 0 <= start < end"),
        (entries(video="w", start=float("inf"), unit="seconds"), r"'v': start inf and end None; expected numbers"),
        (entries(video="w", start=0, end=1.5, unit="frames"), r"'v': .*end 1.5; frames are whole numbers"),
        (entries(video="w", start=0, end=1e-9, unit="seconds"), r"'v': .*: it holds no frame"),
        (entries(video=7), r"'v': video 7; expected a text"),
        (entries(group=5), r"'v': group 5; expected a text"),
        (entries(annotations={"label": ["run"]}), r"'v': label \['run'\]; expected a text"),
        (entries(video="w", start=1, end=2), r"'v': unit None; expected seconds or frames"),
        (entries(annotations=[1]), r"list\.json: 'v': annotations \[1\]; expected an object"),
        (
            entries(annotations={"events": [{"event": "run", "start": 2}]}),
            r"'v': event .*; expected \{\"event\": label",
        ),
        (
            entries(annotations={"events": [{"event": "x", "start": 1, "stop": 2}]}),
            r"'v': event 'x' is not in `labels`",
        ),
        (
            entries(annotations={"events": [{"event": "run", "start": 2, "stop": 2}]}),
            r"holds no frame: .*from 2 to 2 sec",
        ),
        (entries(annotations={"events": [{"event": "run", "start": 1, "stop": 2}] * 2}), r"'v_1s_2s': listed twice$"),
        (
            entries(annotations={"events": [{"event": name, "start": 1, "stop": 2} for name in ("run", "jump")]})
            | {"labels": ["run", "jump"]},
            r"'v_1s_2s': listed twice, as 'run' and as 'jump'$",
        ),
    ],
)
def test_a_json_that_is_not_as_it_should_be(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        of_json(tmp_path, content)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "ucf101", "path": "lists", "split": 2}, r"'lists' lacks trainlist02\.txt, testlist02\.txt"),
        ({"format": "hmdb51", "path": "lists", "split": 2}, r"'lists' lacks run_test_split2\.txt"),
        ({"format": "hmdb51", "path": "empty", "split": 1}, r"'empty' holds no file such as wave_test_split1\.txt"),
        ({"format": "hmdb51", "path": "lost", "split": 1}, r"'lost' does not exist \(looked for in "),
        ({"format": "ucf101", "path": "lists/classInd.txt", "split": 1}, r"'lists/classInd\.txt' is no folder"),
        ({"format": "kinetics", "path": ["lists/classInd.txt", "lists"]}, r"'lists' is no file"),
        ({"format": "kinetics", "path": ["lists/classInd.txt", "val.csv"]}, r"'val\.csv' does not exist"),
    ],
)
def test_a_lost_file_is_named_before_anything_is_read(tmp_path, monkeypatch, settings, message):
    monkeypatch.chdir(tmp_path)
    for name in ("lists", "empty"):
        Path(name).mkdir()
    for name in ("classInd.txt", "run_test_split1.txt", "jump_test_split2.txt"):
        Path("lists", name).touch()
    with pytest.raises(FileNotFoundError, match=message):
        list_files(Annotations(**settings))
