"""Lists as tools and people really write them, with what their formats do not promise: each is read, or named."""

import gzip
import json
import time
from pathlib import Path

import pytest
from importing import converted, entries, imported
from test_importers_tools import CVAT_VIDEO, EAF, choice, task
from test_init_from_list import listed, project

from kinema.annotations.formats.class_names import ClassNames
from kinema.annotations.formats.media_names import path_of
from kinema.annotations.recognise import recognise
from kinema.cli import main

assert project  # the fixture
TRAIN, VAL = ["training"], ["training", "validation"]
NAMES = [f"v{number}.mp4" for number in range(8)]


def labels(found: dict) -> dict[str, str | None]:
    return {name: label for name, (label, _) in entries(found).items()}


def plain(text: str) -> str:
    """Lines of a plain list, of `{name}` and `{number}`, which is 0 or 1."""
    return "".join(text.format(name=name, number=number % 2) + "\n" for number, name in enumerate(NAMES[:4]))


# Names of classes


@pytest.mark.parametrize(
    "text",
    [
        "class_id,class_name\n0,a b\n1,c\n",
        "index\tname\n0\ta b\n1\tc\n",
        "names:\n  0: a b\n  1: c\n",
        '{"0": "a b", "1": "c"}',
        "name,id\na b,0\nc,1\n",
    ],
)
def test_headers_and_numbers_of_classes_are_no_names(tmp_path, text):
    file = tmp_path / ("classes.json" if text[0] == "{" else "classes.txt")
    file.write_text(text)
    assert ClassNames(file).names == ["a b", "c"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0,a\n2,b\n3,c\n", "the numbers of the classes are not 0, 1, 2"),
        ("0,a\n1,b\n1,c\n", "the numbers of the classes are not 0, 1, 2"),
        ("0 a\n1 a\n2 b\n", "class 'a' stands twice"),
        ("0 a\n1 d\nb\n2 c\n", "'b' has no number in front, as the other lines have"),
    ],
)
def test_numbers_of_classes_that_contradict_are_no_names_either(tmp_path, text, message):
    (tmp_path / "classes.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        ClassNames(tmp_path / "classes.txt")


@pytest.mark.parametrize(
    "names", [["camera 5", "camera 7"], ["step 1", "step 2"], ["2 pointer", "3 pointer"], ["100 m", "200 m", "jump"]]
)
def test_numbers_may_be_parts_of_names(tmp_path, names):
    (tmp_path / "classes.txt").write_text("\n".join(names))
    assert ClassNames(tmp_path / "classes.txt").names == names


def test_classes_that_are_counted_from_1_are_those_of_the_list(tmp_path):
    files = {"a.txt": "a.mp4 1\nb.mp4 2\n", "classInd.txt": "1 apply\n2 archery\n3 arm\n"}
    settings = {"format": "mmaction2", "path": "a.txt", "subsets": TRAIN, "classes": "classInd.txt"}
    assert labels(imported(tmp_path, files, **settings)) == {"a": "apply", "b": "archery"}
    with pytest.raises(ValueError, match=r"a\.txt line 1: class 0; .*classInd\.txt has 3, the first being 1"):
        imported(tmp_path, files | {"a.txt": "a.mp4 0\nb.mp4 2\n"}, **settings)


def test_numbers_that_pandas_has_written_and_none_at_all(tmp_path, caplog):
    files = {"a.txt": "a.mp4 0.0\nb.mp4 1.0\nc.mp4 -1\n", "names.txt": "wave\npush\n"}
    settings = {"format": "mmaction2", "path": "a.txt", "subsets": TRAIN}
    assert labels(imported(tmp_path, files, **settings)) == {"a": "0", "b": "1"}
    assert labels(imported(tmp_path, files, classes="names.txt", **settings)) == {"a": "wave", "b": "push"}
    assert "1 videos or parts have no label and are left out" in caplog.text
    files |= {"a.txt": "a.mp4 wave\nb.mp4 psh\n"}
    with pytest.raises(ValueError, match=r"a\.txt line 2: label 'psh' is not in .*names\.txt"):
        imported(tmp_path, files, classes="names.txt", **settings)


def test_many_names_are_read_at_once(tmp_path):
    (tmp_path / "classes.txt").write_text("".join(f"class-{number}-\n" for number in range(60_000)))
    started_at = time.monotonic()
    assert len(ClassNames(tmp_path / "classes.txt").names) == 60_000
    twice = json.dumps(dict.fromkeys([f"k{number}" for number in range(60_000)], 0))[:-1] + ', "k59999": 0}'
    (tmp_path / "classes.json").write_text(twice)
    with pytest.raises(ValueError, match="'k59999' stands twice in one object"):
        ClassNames(tmp_path / "classes.json")
    assert time.monotonic() - started_at < 60, "it took minutes, since each was looked for among all"


# Plain lists


@pytest.mark.parametrize("header", ["video label", "path,label", "file_name\tclass_id", "Video_Path Label"])
def test_a_header_is_no_video(tmp_path, header):
    found = imported(tmp_path, {"a.txt": f"{header}\n" + plain("{name} {number}")}, format="mmaction2", subsets=TRAIN)
    assert labels(found) == {"v0": "0", "v1": "1", "v2": "0", "v3": "1"}


@pytest.mark.parametrize("times", ["00:00:01 00:00:02", "1.5 2.5"])
def test_times_are_no_part_of_a_label(tmp_path, times):
    with pytest.raises(ValueError, match=rf"a\.txt line 1: '{times}' in front of the label; this list is of whole vid"):
        imported(tmp_path, {"a.txt": plain(f"{{name}} {times} walk")}, format="mmaction2", subsets=TRAIN)


def test_paths_of_windows_have_folders(tmp_path):
    text = plain("C:\\data\\clips\\{name} {number}")
    found = imported(tmp_path, {"a.txt": text}, format="mmaction2", subsets=TRAIN)
    assert sorted(labels(found)) == ["v0", "v1", "v2", "v3"]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("s3://bucket/clips/clip#1 50%25.mp4", "/clips/clip#1 50%25.mp4"),
        ("gs://bucket/What? 1.mp4", "/What? 1.mp4"),
        ("azure-blob://container/a/b#1.mp4", "/a/b#1.mp4"),
        ("file:///C:/films/clip#1%20a.mp4", "/C:/films/clip#1 a.mp4"),
        ("https://host/a/b%20c.mp4?token=1#x", "/a/b c.mp4"),
        ("What? 0.mp4", "What? 0.mp4"),
        ("videos/a.mp4?token=1", "videos/a.mp4"),
        ("s3://bucket/a.mp4?versionId=1", "/a.mp4"),
        ("file://localhost/media/a.mp4", "/media/a.mp4"),
        ("/data/local-files/?d=clips%5Cc0.mp4", "/clips/c0.mp4"),
        ("/videos/a.mp4?token=1", "/videos/a.mp4"),
    ],
)
def test_marks_in_names_are_marks_of_addresses_only_where_they_can_be(place, path):
    assert path_of(place) == path


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_lines_of_the_old_macintosh_are_lines(tmp_path, name):
    text = "video,label,subset\n" + plain("{name},c{number},train") if name == "a.csv" else plain("{name} c{number}")
    (tmp_path / name).write_text(text.replace("\n", "\r"))
    assert recognise(tmp_path / name) == ("table" if name == "a.csv" else "mmaction2")
    found = converted(
        tmp_path,
        format=recognise(tmp_path / name),
        path=str(tmp_path / name),
        **({} if name == "a.csv" else {"subsets": TRAIN}),
    )
    assert labels(found) == {"v0": "c0", "v1": "c1", "v2": "c0", "v3": "c1"}


# Tables


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'video,label,subset\na,x,train\nb,"x,train\nc,y,train\nd,x",train\n',
            r"row 3: column label holds more than a line, 'x",
        ),
        ("\nvideo,label,subset\na,walk,train\n", r"a\.csv line 1: an empty line; the first line has to name the col"),
        (f"video,label,subset\na,walk,{'x' * 900}\n", r"subset 'x{120}\.\.\.'; expected training"),
    ],
)
def test_what_is_no_table_is_named_shortly(tmp_path, text, message):
    with pytest.raises(ValueError, match=message) as error:
        imported(tmp_path, {"a.csv": text}, format="table", path="a.csv")
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("name", ["metadata.csv", "labels.json", "a.parquet"])
def test_a_pointer_of_git_lfs_is_called_so(tmp_path, name):
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    with pytest.raises(
        ValueError, match=rf"{name}: this is a pointer of Git LFS in the place of the file; fetch the fi"
    ):
        recognise(tmp_path / name)


# Numbers


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"events": [{"event": "x", "start": 0, "stop": 2}], "timestamps": [None, 1]},
            "`timestamps` are no list of sec",
        ),
        ({"events": [{"event": "x", "start": 0, "stop": 2}], "timestamps": [1, 0]}, "`timestamps` are no list"),
        ({"events": [{"event": "x", "start": 0, "stop": 10**400}]}, "expected finite numbers of seconds"),
    ],
)
def test_times_of_the_reference_are_numbers(tmp_path, entry, message):
    content = {"labels": ["x", "y"], "database": {"a": {"subset": "training", "annotations": entry}}}
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"a.json": content}, format="json", path="a.json")


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"start": 1, "unit": ["s"]}, r"unit \['s'\]; expected seconds"),
        ({"end": 10**400, "unit": "frames"}, "end inf; expec"),
    ],
)
def test_parts_of_our_own_list_are_numbers(tmp_path, part, message):
    entry = {"subset": "training", "annotations": {"label": "x"}} | part
    with pytest.raises(ValueError, match=message):
        imported(tmp_path, {"a.json": {"labels": ["x"], "database": {"a": entry}}}, format="json", path="a.json")


@pytest.mark.parametrize("digits", [400, 6000])
def test_a_number_of_too_many_digits_is_none(tmp_path, digits):
    text = '{"database": {"a": {"subset": "training", "annotations": [{"segment": [0, %s], "label": "x"}]}}}'
    with pytest.raises(ValueError, match=r"a\.json database\.a\.annotations\[0\]\.segment: inf; expected a number"):
        imported(tmp_path, {"a.json": text % ("9" * digits)}, format="activitynet", path="a.json")
    csv = f"label,youtube_id,time_start,time_end,split\nx,abc,1,{'9' * digits},train\n"
    with pytest.raises(ValueError, match=r"time_end '9{120}\.\.\.' is not a whole number of seconds"):
        imported(tmp_path, {"k.csv": csv}, format="kinetics", path="k.csv")
    xml = CVAT_VIDEO.replace('frame="10"', f'frame="{"9" * digits}"')
    with pytest.raises(ValueError, match=r"frame is '9{120}'; expected a whole number"):
        imported(tmp_path, {"a.xml": xml}, format="cvat", path="a.xml", subsets=TRAIN)


def test_ids_of_many_digits_are_texts(tmp_path):
    files = {"a.json": [{"id": 7123456789012345678901, "label": "x"}, {"id": 7, "label": "y"}]}
    found = imported(tmp_path, files, format="something_something", path="a.json", subsets=TRAIN)
    assert labels(found) == {"7123456789012345678901": "x", "7": "y"}


# Exports of tools


def test_older_releases_of_cvat_name_the_video_beside_the_task(tmp_path):
    source = "<source>corridor.mp4</source>"
    older = CVAT_VIDEO.replace(source, "").replace("</task>", f"</task><dumped>2021</dumped>{source}")
    found = [
        imported(tmp_path, {"a.xml": text}, format="cvat", path="a.xml", subsets=TRAIN) for text in (CVAT_VIDEO, older)
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("value", "label"), [('["run"]', "run"), ("1", "1"), ('["walk", "run"]', None), ('{"name": "a"}', None)]
)
def test_a_cell_of_json_lines_is_one_value(tmp_path, value, label):
    lines = [f'{{"file_name": "a.mp4", "label": {value}}}', '{"file_name": "b.mp4", "label": "other"}']
    files = {"metadata.jsonl": "\n".join(lines)}
    settings = {"format": "huggingface", "subsets": TRAIN}
    if label:
        assert labels(imported(tmp_path, files, **settings)) == {"a": label, "b": "other"}
        return
    with pytest.raises(ValueError, match=r"metadata\.jsonl line 1: label is (list|dict); expected one text"):
        imported(tmp_path, files, **settings)


def test_lines_without_labels_say_how_to_name_them(tmp_path):
    with pytest.raises(ValueError, match=r"no label; found file_name, action; `field` \(--field\) names the labels"):
        imported(tmp_path, {"metadata.jsonl": '{"file_name": "a.mp4", "action": "x"}\n'}, format="huggingface")


def test_videos_of_one_name_in_two_folders_of_the_hub_are_two(tmp_path):
    files = {f"{name}/metadata.csv": "file_name,label\n0.mp4,a\n1.mp4,b\n" for name in ("train", "test")}
    found = labels(imported(tmp_path, files, format="huggingface"))
    assert found == {"train/0": "a", "train/1": "b", "test/0": "a", "test/1": "b"}


def eaf(address: str, **replaced) -> str:
    return EAF.replace("file:///C:/Films/me/talk%201.mpg", "").replace("./talk%201.mpg", address).replace("{notes}", "")


def test_all_files_of_elan_below_a_folder_count_and_their_relative_addresses(tmp_path):
    (tmp_path / "eaf/sub").mkdir(parents=True)
    for name, address in (("a.eaf", "../media/my%20a.mpg"), ("b.EAF", "./b.mpg"), ("sub/c.eaf", "c.mpg")):
        (tmp_path / "eaf" / name).write_text(eaf(address))
    found = converted(tmp_path, format="elan", path=str(tmp_path / "eaf"), subsets=TRAIN, field="gesture")
    assert {entry["video"] for entry in found["database"].values()} == {"my a", "b", "c"}


def test_a_list_of_which_nothing_is_left_says_why(tmp_path):
    part = [{"segment": [0.5, 2], "label": name} for name in ("walk", "run")]
    content = {"database": {"a": {"subset": "training", "annotations": part}}}
    with pytest.raises(ValueError, match=r"a\.json: no video with a label; 1 parts have several labels, where a model"):
        imported(tmp_path, {"a.json": content}, format="activitynet", path="a.json")


def test_files_of_elan_in_one_folder_have_the_subsets_of_their_names(tmp_path):
    (tmp_path / "eaf").mkdir()
    for name in ("a_train", "b_test"):
        (tmp_path / f"eaf/{name}.eaf").write_text(eaf(f"{name}.mpg"))
    found = converted(tmp_path, format="elan", path=str(tmp_path / "eaf"), field="gesture")
    assert {(entry["video"], entry["subset"]) for entry in found["database"].values()} == {
        ("a_train", "training"),
        ("b_test", "testing"),
    }


def test_test_lines_of_the_hub_need_no_label_and_rooted_names_no_folder(tmp_path):
    files = {
        "train/metadata.jsonl": '{"file_name": "C:/v/a.mp4", "label": "001"}\n{"file_name": "b.mp4", "label": "x"}',
        "test/metadata.jsonl": '{"file_name": "c.mp4"}\n',
    }
    found = labels(imported(tmp_path, files, format="huggingface"))
    assert found == {"a": "001", "train/b": "x", "test/c": None}


# init-dataset


def test_the_name_of_a_single_list_makes_nothing_a_test_set(project, capsys):
    tasks = [task(number, [choice("ab"[number % 2])], data={"video": name}) for number, name in enumerate(NAMES)]
    Path("film/crash_test_room.json").write_text(json.dumps(tasks))
    assert main(["init-dataset", "film/crash_test_room.json"]) == 0
    assert {entry["subset"] for entry in listed("film").values()} == {"training", "validation"}


@pytest.mark.parametrize("folder", ["film/videos", "film"])
def test_the_folder_of_videos_is_the_one_that_has_them(project, folder, capsys):
    begin = "" if folder == "film/videos" else "videos/"
    rows = "".join(f"{begin}{name},{'ab'[number % 2]}\n" for number, name in enumerate(NAMES))
    Path("film/metadata.csv").write_text("file_name,label\n" + rows)
    assert main(["init-dataset", "film", "--name", "mine"]) == 0
    assert f"videos: {folder}\n" in Path("config/datasets/mine.yaml").read_text()


def test_a_list_may_be_packed(project, capsys):
    text = "video,label,subset\n" + "".join(
        f"{name},{'ab'[n % 2]},{'train' if n < 6 else 'val'}\n" for n, name in enumerate(NAMES)
    )
    Path("film/list.csv.gz").write_bytes(gzip.compress(text.encode()))
    assert main(["init-dataset", "film/list.csv.gz"]) == 0
    assert "took film/list.csv.gz for a table of videos and labels" in capsys.readouterr().out


def test_a_test_list_of_bare_ids_belongs_to_its_training_list(tmp_path):
    (tmp_path / "jester-v1-test.csv").write_text("100\n101\n")
    assert recognise(tmp_path / "jester-v1-test.csv") == "something_something"


ONE_CLASS = "video,label,subset\nv0,walk,train\nv1,walk,val\n"


@pytest.mark.parametrize(
    ("name", "text", "arguments", "message"),
    [
        (
            "a.csv",
            "video;label\nv0;x\n",
            [],
            "not a list that is known by its content (it begins with 'video;label'; a tab",
        ),
        ("a.csv", "", [], "film/a.csv: an empty file; expected a list of videos"),
        (
            "a.csv",
            "video,label\nv0,x\nv1,y\n",
            [],
            "no column subset; `kinema split film/a.csv --videos FOLDER` dr",
        ),
        ("a.csv", ONE_CLASS, [], "film/a.csv: one class, 'walk'; a model needs two classes or more"),
        ("a.mp4", "video", [], "film/a.mp4: a video; give the folder of the videos, or a list of them"),
        (
            "wave_test_split1.txt",
            "v0.avi 1\n",
            [],
            "HMDB-51 has official lists, which config/datasets/NAME.yaml reads by",
        ),
        (
            "a.txt",
            "v0.avi 1\n",
            ["--format", "ucf101"],
            "film/a.txt: UCF-101 has official lists, which config",
        ),
    ],
)
def test_what_is_no_data_set_is_told_in_one_line(project, name, text, arguments, message, capsys):
    Path("film", name).write_text(text)
    assert main(["init-dataset", f"film/{name}", *arguments]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["film/missing.csv"], "film/missing.csv: no such file\n"),
        (
            ["film/videos", "--first-frame", "1"],
            "film/videos: --first-frame is for lists, and this is a folder",
        ),
        (["film/videos", "--videos", "x"], "film/videos: --videos is for lists, and this is a folder of videos"),
        (
            ["film/videos", "--format", "hmdb51"],
            "film/videos: HMDB-51 has official lists, which config",
        ),
    ],
)
def test_options_that_do_not_go_with_a_place_are_named_as_they_are_written(project, arguments, message, capsys):
    assert main(["init-dataset", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_the_advice_to_draw_subsets_is_a_command_that_draws_them(project, capsys):
    Path("film/train.txt").write_text("".join(f"{name} {number % 2}\n" for number, name in enumerate(NAMES)))
    assert main(["init-dataset", "film/train.txt"]) == 0
    assert "`kinema init-dataset film/train.txt --group looks --force` draws subsets" in capsys.readouterr().out
    assert {entry["subset"] for entry in listed("film").values()} == {"training"}
    assert main(["init-dataset", "film/train.txt", "--group", "v[0-9]", "--force"]) == 0
    assert {entry["subset"] for entry in listed("film").values()} == {"training", "validation"}
