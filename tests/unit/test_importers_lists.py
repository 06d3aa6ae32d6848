"""Lists of data sets and of other toolkits -> the one dialect: mmaction2, Hugging Face, ActivityNet, Charades, ..."""

from pathlib import Path

import pytest
from importing import entries, imported

from kinema.annotations.formats.class_names import ClassNames
from kinema.annotations.formats.imported import named_subset
from kinema.annotations.formats.media_names import path_of, short_names
from kinema.annotations.recognise import recognise
from kinema.experiment.data_sections import Annotations

TRAIN, VAL, TEST = "training", "validation", "testing"


@pytest.mark.parametrize(
    "text",
    [
        "day 1/a.mp4 1\nb.avi 0\nc.mp4 10\n",  # mmaction2, PaddleVideo
        "day 1/a.mp4,1\nb.avi, 0\nc.mp4,10\n",  # SlowFast
        "day 1/a.mp4\t1\r\nb.avi\t0\r\n\r\nc.mp4\t10\r\n",
    ],
)
def test_plain_lists_of_videos_and_numbers(tmp_path, text):
    found = imported(tmp_path, {"kinetics_train_list.txt": text}, format="mmaction2")
    assert entries(found) == {"day 1/a": ("1", TRAIN), "b": ("0", TRAIN), "c": ("10", TRAIN)}
    assert found["labels"] == ["0", "1", "10"]


def test_plain_lists_of_folders_have_a_number_of_frames_which_is_left_aside(tmp_path):
    files = {
        "train.txt": "wave/clip_1 120 0\nwave/clip 2 98 1\n",
        "val.txt": "clip_3.mp4 push hard\nclip_4.mp4,push hard\nclip_5 wave\n",
        "map.txt": "wave\npush hard\nunused\n",
        "test.txt": "clip_6.mp4\n",
    }
    paths = ["train.txt", "val.txt", "test.txt"]
    found = imported(tmp_path, files, format="mmaction2", path=paths, classes="map.txt")
    assert entries(found) == {
        "wave/clip_1": ("wave", TRAIN),
        "wave/clip 2": ("push hard", TRAIN),
        "clip_3": ("push hard", VAL),
        "clip_4": ("push hard", VAL),
        "clip_5": ("wave", VAL),
        "clip_6": (None, TEST),
    }
    assert found["labels"] == ["wave", "push hard", "unused"]  # a number means the same everywhere


def test_lists_of_parts_of_folders_have_an_offset(tmp_path):
    """As mmaction2 reads with `with_offset`: the first picture of a part is the one behind so many."""
    text = "day-1/long 12 163 3\nday-1/long 213 122 4\nday-2/long 0 295 3\n"
    found = imported(tmp_path, {"train.txt": text}, format="mmaction2")
    assert found["labels"] == ["3", "4"]
    keys = ("video", "start", "end", "unit")
    assert {name: tuple(entry[key] for key in keys) for name, entry in found["database"].items()} == {
        "day-1/long_12f_175f": ("day-1/long", 12, 175, "frames"),
        "day-1/long_213f_335f": ("day-1/long", 213, 335, "frames"),
        "day-2/long_0f_295f": ("day-2/long", 0, 295, "frames"),
    }
    assert recognise(tmp_path / "train.txt") == "mmaction2"


@pytest.mark.parametrize(
    ("text", "videos"),
    [
        ("clip 01 120 3\nclip 02 110 4\n", ["clip 01", "clip 02"]),  # names with a blank
        ("walk 1 120 3\nwalk 2 110 3\nrun 1 90 4\nrun 2 95 4\n", ["run 1", "run 2", "walk 1", "walk 2"]),
        ("frames/a 120 3\nframes/b 100 4\n", ["frames/a", "frames/b"]),
    ],
)
def test_three_numbers_are_no_parts_where_they_may_be_something_else(tmp_path, text, videos):
    found = imported(tmp_path, {"train.txt": text}, format="mmaction2")
    entries = found["database"].values()
    assert sorted(entry.get("video", name) for name, entry in found["database"].items()) == videos
    assert not any("start" in entry for entry in entries)


def test_three_numbers_behind_videos_are_classes(tmp_path):
    text = "clips/a.mp4 1 20 3\nclips/a.mp4 30 20 3\nclips/b.mp4 2 30 4\n"
    with pytest.raises(ValueError, match=r"line 1: several classes \(1 20 3\) of one video"):
        imported(tmp_path, {"train.txt": text}, format="mmaction2")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "just-a-name",
            r"train\.txt line 2: expected `path label`, `path,label`, `path num_.*; the line is 'just-a-name'",
        ),
        ("a.mp4 1 0", r"train\.txt line 2: several classes \(1 0\) of one video; a model gives one"),
        ("frames/a 163 1 3 5", r"train\.txt line 2: several classes \(1 3 5\) of one video; a model gives one"),
        ("a.mp4\t1\t0", r"train\.txt line 2: several classes \(1 0\) of one video; a model gives one"),
        ("a.mp4 7", r"train\.txt line 2: class 7; .*map\.txt has 2, the first being 0"),
        ("x.mp4 1", r"train\.txt line 2: 'x' has the label 'b' here and 'a' in .*train\.txt line 1; keep one"),
    ],
)
def test_a_line_that_is_none_of_a_plain_list_is_named(tmp_path, line, message):
    files = {"train.txt": f"x.mp4 0\n{line}\n", "map.txt": "a\nb\n"}
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, files, format="mmaction2", path="train.txt", classes="map.txt")


def test_a_list_that_says_no_subset_asks_for_it(tmp_path, caplog):
    files = {"list.txt": "a.mp4 0\nb.mp4 1\nb.mp4 1\n"}
    with pytest.raises(
        ValueError, match=r"list\.txt: the list does not say what is for training.*`kinema init-dataset LIST"
    ):
        imported(tmp_path, files, format="mmaction2")
    assert len(imported(tmp_path, files, format="mmaction2", subsets=[TRAIN])["database"]) == 2
    assert (
        "1 videos or parts are listed more than once, with the same label; one of each is kept, such as" in caplog.text
    )
    files["more.txt"] = "b.mp4 1\n"
    with pytest.raises(
        ValueError, match=r"more\.txt line 1: 'b' has the subset 'validation' here and 'training' in .*list"
    ):
        imported(tmp_path, files, format="mmaction2", subsets=[TRAIN, VAL])


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        ("kinetics400_train_list_videos.txt", TRAIN),
        ("something-something-v2-validation.json", VAL),
        ("x/val/metadata.csv", VAL),
        ("Charades_v1_test.csv", TEST),
        ("train_and_val.txt", None),
        ("trains.txt", None),
    ],
)
def test_the_name_of_a_file_tells_its_subset(name, subset):
    assert named_subset(Path(name)) == subset


@pytest.mark.parametrize(
    "text",
    ["a b\nc\n", "0 a b\n1 c\n", "id,name\n1,c\n0,a b\n", "a b 1\nc 2\n", '["a b", "c"]', '{"c": "1", "a b": "0"}'],
)
def test_files_that_name_classes(tmp_path, text):
    file = tmp_path / ("classes.json" if text[0] in "[{" else "classes.txt")
    file.write_text(text)
    assert ClassNames(file).names == ["a b", "c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb\na\n", r"classes\.txt: class 'a' stands twice"),
        ('{"a": 0, "b": 2}', r"classes\.json: the numbers of the classes are not 0, 1, 2, \.\.\. or 1, 2, 3"),
        ('{"a": "x"}', r"classes\.json a: 'x'; expected a number"),
        ('"a"', r"classes\.json: expected a list of names, or an object of numbers by name"),
    ],
)
def test_files_that_name_classes_and_contradict_themselves(tmp_path, text, message):
    file = tmp_path / ("classes.json" if text[0] in '[{"' else "classes.txt")
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        ClassNames(file)


def test_metadata_of_the_hub(tmp_path):
    lines = '{"file_name": "c.mp4", "label": 1, "group": "x"}\n{"file_name": "d/c.mp4", "label": 0}\n'
    files = {
        "train/metadata.csv": "file_name,label,fps\na.mp4,wave,25\nsub/b.mp4,push,25\n",
        "validation/metadata.jsonl": lines,
        "classes.json": ["wave", "push"],
    }
    paths = list(files)[:2]
    found = imported(tmp_path, files, format="huggingface", path=paths, classes="classes.json")
    assert entries(found) == {
        "train/a": ("wave", TRAIN),
        "train/sub/b": ("push", TRAIN),
        "validation/c": ("push", VAL),
        "validation/d/c": ("wave", VAL),
    }
    assert found["labels"] == ["wave", "push"]
    assert found["database"]["validation/c"]["group"] == "x"
    text = "file_name,action,split\na.mp4,wave,train\nb.mp4,push,train\nc.mp4,,test\n"
    found = imported(tmp_path, {"metadata.csv": text}, format="huggingface", field="action")
    assert entries(found) == {"a": ("wave", TRAIN), "b": ("push", TRAIN), "c": (None, TEST)}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("metadata.csv", "file,label\na,b\n", r"metadata\.csv: no column file_name; found file, label"),
        ("metadata.csv", "file_name,label,split\na,b,x\n", r"metadata\.csv row 2: subset 'x'; expected training, val"),
        ("metadata.csv", "file_name,label\n,b\nc,d\n", r"metadata\.csv row 2: no file_name"),
        ("metadata.jsonl", '{"file_name": "a"\n', r"metadata\.jsonl line 1: line 1: no JSON"),
        ("metadata.jsonl", "[]\n", r"metadata\.jsonl line 1: list; expected an object"),
    ],
)
def test_metadata_of_the_hub_that_is_wrong_is_named(tmp_path, name, text, message):
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {name: text}, format="huggingface")


ACTIVITYNET = {
    "version": "VERSION 1.3",
    "taxonomy": [{"nodeId": 1, "nodeName": "Drinking", "parentId": 0, "parentName": "Root"}],
    "database": {
        "sJFgo9H6zNo": {
            "duration": 82.7,
            "subset": "training",
            "resolution": "320x240",
            "url": "https://example.org/sJFgo9H6zNo",
            "annotations": [{"segment": [6.23, 19.43], "label": "Drinking"}, {"segment": [20, 40], "label": "Fencing"}],
        },
        "V1zhqaGFY2A": {
            "duration": 9,
            "subset": "validation",
            "annotations": [{"segment": [1, 2], "label": "Fencing"}],
        },
        "JDg--pjY5gg": {"duration": 9, "subset": "testing", "annotations": []},
        "aaaaaaaaaaa": {"duration": 9, "subset": "training", "annotations": [{"segment": [5, 5], "label": "Fencing"}]},
        "bbbbbbbbbbb": {
            "subset": "training",
            "annotations": [{"segment": [1, 2], "label": name} for name in ("Drinking", "Fencing")],
        },
    },
}


def test_activitynet(tmp_path, caplog):
    found = imported(tmp_path, {"activity_net.v1-3.json": ACTIVITYNET}, format="activitynet", prefix="v_")
    assert entries(found) == {
        "v_sJFgo9H6zNo_6.23s_19.43s": ("Drinking", TRAIN),
        "v_sJFgo9H6zNo_20s_40s": ("Fencing", TRAIN),
        "v_V1zhqaGFY2A_1s_2s": ("Fencing", VAL),
        "v_JDg--pjY5gg": (None, TEST),
    }
    assert "1 segments end before they begin, or at once, and are left out, such as database.aaa" in caplog.text
    assert (
        "1 parts have several labels, where a model gives one, and are left out, such as 'v_bbbbbbbbbbb" in caplog.text
    )
    bare = {name: entry | {"subset": None} for name, entry in list(ACTIVITYNET["database"].items())[:1]}
    assert len(imported(tmp_path, {"anet_anno_train.json": bare}, format="activitynet")["database"]) == 2


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({"label": "x"}, r"a\.json database\.v\.annotations\[0\]\.segment: None; expected a list"),
        ({"label": "x", "segment": [1]}, r"annotations\[0\]\.segment: 1 numbers; expected begin and end in seconds"),
        ({"segment": [1, 2]}, r"database\.v\.annotations\[0\]\.label: None; expected a text"),
        ({"label": "x", "segment": [-1, 2]}, r"database\.v\.annotations\[0\]: begins at -1; expected 0 or more"),
        ("x", r"database\.v\.annotations\[0\]: 'x'; expected an object"),
    ],
)
def test_what_activitynet_does_not_have_is_named_with_its_path(tmp_path, annotation, message):
    database = {"v": {"subset": "training", "annotations": [annotation]}}
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"a.json": {"database": database}}, format="activitynet")


CHARADES = (
    "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length\n"
    '46GP8,HR43,Kitchen,6,7,Yes,"A person cooks, then washes.",food,They cook.,'
    "c001 11.90 21.20;c000 0.00 12.60;c001 0.00 12.60,30.33\n"
    "N11GT,0KZ7,Stairs,6,7,No,One.,bag,Two.,c000 0.00 5.00,18.25\n"
    "KRF68,YA10,Den,3,7,Yes,None.,,None.,,30.5\n"
)


def test_charades(tmp_path, caplog):
    classes = "c000 Holding some clothes\nc001 Putting clothes somewhere\nc002 Unused\n"
    files = {"Charades_v1_train.csv": CHARADES, "Charades_v1_classes.txt": classes}
    found = imported(
        tmp_path, files, path="Charades_v1_train.csv", classes="Charades_v1_classes.txt", format="charades"
    )
    assert entries(found) == {
        "46GP8_11.9s_21.2s": ("Putting clothes somewhere", TRAIN),
        "N11GT_0s_5s": ("Holding some clothes", TRAIN),
    }
    assert found["database"]["N11GT_0s_5s"]["group"] == "0KZ7"
    assert (
        "1 parts have several labels, where a model gives one, and are left out, such as '46GP8_0s_12.6s'"
        in caplog.text
    )
    assert "1 videos or parts have no label and are left out, such as " in caplog.text
    bad = CHARADES.replace("c000 0.00 5.00", "c000 0.00")
    with pytest.raises(
        ValueError, match=r"train\.csv row 3: action 'c000 0\.00'; expected class, begin and end, such as"
    ):
        imported(tmp_path, {"train.csv": bad}, format="charades")
    with pytest.raises(ValueError, match=r"train\.csv row 2: class c001 is not in .*c\.txt"):
        imported(
            tmp_path, {"train.csv": CHARADES, "c.txt": "c000 x\n"}, path="train.csv", classes="c.txt", format="charades"
        )


def test_something_something(tmp_path):
    def entry(number, template):
        text = template.replace("[something]", "a cup")
        return {"id": str(number), "label": text.lower(), "template": template, "placeholders": ["a cup"]}

    labels = {"Holding something": "0", "Turning something upside down": "1", "Unused": "2"}
    files = {
        "train.json": [entry(78687, "Holding [something]"), entry(42326, "Turning [something] upside down")],
        "validation.json": [entry(74225, "Holding [something]")],
        "test.json": [{"id": "1420"}, {"id": 3305}],
        "labels.json": labels,
    }
    paths = ["train.json", "validation.json", "test.json"]
    found = imported(tmp_path, files, path=paths, classes="labels.json", format="something_something")
    assert entries(found) == {
        "78687": ("Holding something", TRAIN),
        "42326": ("Turning something upside down", TRAIN),
        "74225": ("Holding something", VAL),
        "1420": (None, TEST),
        "3305": (None, TEST),
    }
    assert found["labels"] == list(labels)
    first = {"something-something-v1-train.csv": "100218;Holding something\n24413;Turning something upside down\n"}
    assert len(imported(tmp_path, first, format="something_something")["database"]) == 2
    files["train.json"][1]["template"] = "Nothing"
    with pytest.raises(ValueError, match=r"train\.json \[1\]: 'Nothing' is not in .*labels\.json"):
        imported(tmp_path, files, path=paths, classes="labels.json", format="something_something")
    with pytest.raises(ValueError, match=r"train\.json \[0\]\.id: None; expected a text"):
        imported(tmp_path, {"train.json": [{"label": "x"}]}, format="something_something")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/data/upload/4/0a1b2c3d-my%20clip.mp4", "my clip.mp4"),
        ("/data/local-files/?d=a%20b/c.mp4", "/a b/c.mp4"),
        ("s3://bucket/day/c.mp4", "/day/c.mp4"),
        ("file:///C:/Films/me/c.mp4", "/C:/Films/me/c.mp4"),
        (r"C:\videos\c.mp4", "C:/videos/c.mp4"),
        ("./a/100%.mp4", "./a/100%.mp4"),
    ],
)
def test_how_tools_name_a_video(text, path):
    assert path_of(text) == path


def test_paths_of_another_machine_are_as_short_as_tells_them_apart():
    paths = ["/x/a/1.mp4", "/x/b/1.mp4", "/x/b/2.mp4", "C:/y/3.mp4", "rel/4.mp4", "/5.mp4", "/z/5.mp4"]
    assert list(short_names(paths).values()) == [
        "a/1.mp4",
        "b/1.mp4",
        "2.mp4",
        "3.mp4",
        "rel/4.mp4",
        "5.mp4",
        "z/5.mp4",
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "elan", "fps": 25}, r"`fps` is for cvat, label_studio, fiftyone, datumaro, via; elan has none"),
        (
            {"format": "table", "field": "x"},
            r"`field` is for cvat, label_studio, fiftyone, elan, via, huggingface; table has none",
        ),
        ({"format": "via", "subsets": [TRAIN, VAL]}, r"`subsets` has one for each path; found 2 for 1 paths"),
        ({"format": "json", "subsets": [TRAIN]}, r"`subsets` is for .*; json has none"),
        ({"format": "mmaction2", "classes": "~/x"}, r"`~` stands for nothing here"),
    ],
)
def test_keys_that_a_format_does_not_have_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Annotations(path="x", **settings)


def test_lists_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"map\.txt' does not exist"):
        imported(tmp_path, {"train.txt": "a 0\n"}, format="mmaction2", classes="map.txt")
    with pytest.raises(FileNotFoundError, match=r"holds no \.eaf file"):
        imported(tmp_path, {}, path=".", format="elan")
