"""Tables of videos and labels -> the one dialect."""

import json
import logging

import pandas as pd
import pytest

from kinema.annotations.convert import convert
from kinema.experiment.data_sections import Annotations

GOOD = "video,label,subset,group\nb.mp4,run,train,p1\na,jump,validation,p2\nc.AVI,,test,\nd,jump,training,p1\n"


def converted(*files, unit="seconds", scored=()):
    out = files[0].with_name("annotation.json")
    convert(files, settings=Annotations(path=[str(file) for file in files], unit=unit), out=out, scored=scored)
    return json.loads(out.read_text())


@pytest.fixture
def of_text(tmp_path):
    """The dialect of a table that is given as text."""

    def convert_text(text, name="list.csv", **options):
        (tmp_path / name).write_text(text)
        return converted(tmp_path / name, **options)

    return convert_text


def test_a_table_becomes_the_dialect(of_text):
    assert of_text(GOOD) == {
        "labels": ["jump", "run"],
        "database": {
            "a": {"subset": "validation", "annotations": {"label": "jump"}, "group": "p2"},
            "b": {"subset": "training", "annotations": {"label": "run"}, "group": "p1", "extension": ".mp4"},
            "c": {"subset": "testing", "annotations": {}, "extension": ".AVI"},
            "d": {"subset": "training", "annotations": {"label": "jump"}, "group": "p1"},
        },
    }


def test_the_order_of_rows_does_not_matter(of_text, tmp_path):
    header, *rows = GOOD.splitlines(keepends=True)
    of_text(GOOD)
    first = (tmp_path / "annotation.json").read_bytes()
    of_text(header + "".join(rows[::-1]))
    assert (tmp_path / "annotation.json").read_bytes() == first


def test_tsv_parquet_bom_and_crlf_read_alike(of_text, tmp_path):
    expected = of_text(GOOD)
    assert of_text(GOOD.replace(",", "\t"), "list.tsv") == expected
    (tmp_path / "list.csv").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert converted(tmp_path / "list.csv") == expected
    pd.read_csv(tmp_path / "list.csv", encoding="utf-8-sig").to_parquet(tmp_path / "list.parquet")
    assert converted(tmp_path / "list.parquet") == expected


def test_several_tables_are_one_list(of_text, tmp_path):
    expected = of_text(GOOD)
    header, *rows = GOOD.splitlines(keepends=True)
    (tmp_path / "one.csv").write_text(header + rows[0])
    (tmp_path / "two.csv").write_text("subset,label,video\n" + "validation,jump,a\ntest,,c\ntraining,jump,d\n")
    found = converted(tmp_path / "one.csv", tmp_path / "two.csv")
    assert found["labels"] == expected["labels"]
    assert {name: entry["subset"] for name, entry in found["database"].items()} == {
        name: entry["subset"] for name, entry in expected["database"].items()
    }
    (tmp_path / "two.csv").write_text("video,label,subset\nz,run,val\nb.MP4,run,val\n")
    with pytest.raises(ValueError, match=r"two\.csv row 3: video 'b' is listed twice, in .*one\.csv row 2 and here"):
        converted(tmp_path / "one.csv", tmp_path / "two.csv")


def test_rows_of_a_filtered_parquet_table_are_counted_from_its_first(tmp_path):
    rows = pd.DataFrame({"video": ["a", "b"], "label": ["x", "x"], "subset": ["train", "trian"]}, index=["q", "r"])
    rows.to_parquet(tmp_path / "list.parquet")
    with pytest.raises(ValueError, match=r"list\.parquet row 3: subset 'trian'"):
        converted(tmp_path / "list.parquet")


def test_parquet_columns_may_be_numbers_and_categories(tmp_path):
    rows = pd.DataFrame({"video": [7, 8], "label": pd.Categorical(["x", "y"]), "subset": ["train", "train"]})
    rows.assign(start=[0.5, None], end=[2.0, None]).to_parquet(tmp_path / "list.parquet")
    assert list(converted(tmp_path / "list.parquet")["database"]) == ["7_0.5s_2s", "8"]


def test_a_parquet_column_of_lists_is_refused(tmp_path):
    pd.DataFrame({"video": [["a"]], "label": ["x"], "subset": ["train"]}).to_parquet(tmp_path / "list.parquet")
    with pytest.raises(ValueError, match=r"list\.parquet: column video: it does not hold text or numbers"):
        converted(tmp_path / "list.parquet")


def test_odd_names_survive(of_text):
    found = of_text(
        'video,label,subset\n"-a, $b;[c] \'é\' {x} ""q"" \\.mp4",x,train\nNA,y,train\n007,null,train\n🎬,z,val\n'
    )
    assert set(found["database"]) == {"-a, $b;[c] 'é' {x} \"q\" \\", "NA", "007", "🎬"}
    assert found["labels"] == ["null", "x", "y", "z"]


def test_part_of_a_file_is_an_entry_of_its_own(of_text):
    rows = "m.mp4,run,train,0,12.50\nm.mp4,jump,train,12.5,20\nm.mp4,run,val,20,\nm.mp4,run,val,,3\nn,run,val,,\n"
    label = {name: {"label": name} for name in ("run", "jump")}
    found = of_text("video,label,subset,start,end\n" + rows)["database"]
    assert [entry.pop("extension", None) for entry in found.values()] == [*[".mp4"] * 4, None]
    assert found == {
        "m_0s_12.5s": {
            "subset": "training",
            "annotations": label["run"],
            "video": "m",
            "start": 0,
            "end": 12.5,
            "unit": "seconds",
        },
        "m_12.5s_20s": {
            "subset": "training",
            "annotations": label["jump"],
            "video": "m",
            "start": 12.5,
            "end": 20,
            "unit": "seconds",
        },
        "m_20s_end": {
            "subset": "validation",
            "annotations": label["run"],
            "video": "m",
            "start": 20,
            "end": None,
            "unit": "seconds",
        },
        "m_0s_3s": {
            "subset": "validation",
            "annotations": label["run"],
            "video": "m",
            "start": None,
            "end": 3,
            "unit": "seconds",
        },
        "n": {"subset": "validation", "annotations": label["run"]},
    }


def test_frames_are_named_as_frames(of_text):
    found = of_text(RANGED + "m,run,train,300,450\nn,jump,train,,\n", unit="frames")["database"]
    assert found["m_300f_450f"] | {"annotations": {}} == {
        "subset": "training",
        "annotations": {},
        "video": "m",
        "start": 300,
        "end": 450,
        "unit": "frames",
    }


def test_what_no_model_can_learn_or_score_is_warned_of(of_text, caplog):
    of_text("video,label,subset\na,x,train\nb,y,train\nc,y,val\nd,z,test\ne,w,val\n")
    assert "list.csv: 2 labels have no training video: w, z" in caplog.text


def test_groups_in_two_subsets_are_told_with_what_to_run(of_text, caplog):
    rows = "a,x,train,anna\nb,y,val,anna\nc,y,train,ben\nd,x,test,cleo\ne,x,val,cleo\nf,x,val,\n"
    of_text("video,label,subset,group\n" + rows)
    (line,) = [message for message in caplog.messages if "too good" in message]
    assert (
        "list.csv: 2 groups lie in more than one subset, such as 'anna': scores will be too good; `kinema split" in line
    )
    assert line.endswith("list.csv` draws subsets by whole groups")


def test_groups_that_names_tell_and_parts_of_one_file_are_told_too(of_text, caplog):
    rows = "v_A_g01_c01,x,train,,\nv_A_g01_c02,y,val,,\nmatch,x,train,0,1\nmatch,y,train,1,2\nmatch,x,val,2,3\n"
    of_text("video,label,subset,start,end\n" + rows)
    assert "1 groups lie in more than one subset, such as 'v_A_g01'" in caplog.text
    assert "1 files, by their parts, lie in more than one subset, such as 'match'" in caplog.text


def test_a_split_by_groups_is_not_told(of_text, caplog):
    of_text("video,label,subset,group\na,x,train,p1\nb,y,train,p1\nc,x,val,p2\nd,y,val,\ne,y,train,\n")
    assert not caplog.messages


def test_a_list_without_anything_to_score_on_is_told(of_text, caplog):
    of_text("video,label,subset\na,x,train\nb,y,train\nc,,test\n")
    (record,) = caplog.records
    assert (record.levelno, record.is_shown) == (logging.WARNING, True)
    assert (
        "no validation and no testing rows with a label: a model can be trained, but neither scored" in record.message
    )
    assert "so no model.xml can be made. `kinema split" in record.message


def test_a_model_that_is_to_be_scored_needs_something_to_score_on(of_text):
    training = "video,label,subset\na,x,train\nb,y,train\n"
    with pytest.raises(
        ValueError, match=r"list\.csv: no validation and no testing rows with a label: .*`kinema split "
    ):
        of_text(training, scored=[("testing", "validation")])
    of_text(training + "c,x,val\n", scored=[("testing", "validation"), ("validation",)])
    with pytest.raises(ValueError, match=r"list\.csv: no testing rows with a label, which evaluation\.subset: tes"):
        of_text(training + "c,x,val\n", scored=[("testing", "validation"), ("testing",)])
    of_text(training + "c,,test\n", scored=[("testing, labelled or not",)])
    with pytest.raises(ValueError, match=r"no testing rows, which evaluation\.subset: testing asks for: a model"):
        of_text(training + "c,x,val\n", scored=[("testing, labelled or not",)])


def test_files_that_differ_in_the_extension_only_keep_it(of_text):
    rows = "clip.mp4,x,train\nclip.avi,y,train\na/clip.mp4,x,train\nCLIP.MOV,x,train\nv.MTS,x,train\nw.mp4,y,val\n"
    found = of_text("video,label,subset\n" + rows)["database"]
    assert {name: entry.get("extension") for name, entry in found.items()} == {
        "CLIP": ".MOV",
        "a/clip": ".mp4",
        "clip.avi": None,
        "clip.mp4": None,
        "v": ".MTS",
        "w": ".mp4",
    }


def test_parts_of_files_that_differ_in_the_extension_only(of_text):
    rows = "clip.mp4,x,train,0,1\nclip.mp4,y,train,1,2\nclip.avi,y,train,0,1\n"
    found = of_text(RANGED + rows)["database"]
    assert {name: entry["video"] for name, entry in found.items()} == {
        "clip.avi_0s_1s": "clip.avi",
        "clip.mp4_0s_1s": "clip.mp4",
        "clip.mp4_1s_2s": "clip.mp4",
    }


def test_a_name_without_extension_beside_one_with_it_is_the_same(of_text):
    with pytest.raises(ValueError, match=r"row 3: video 'clip' is listed twice"):
        of_text("video,label,subset\nclip,x,train\nclip.mp4,x,train\n")


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (("Wave", "wave"), "'Wave' (1), 'wave' (2)"),
        (("brush hair", "brush_hair"), "'brush hair' (1), 'brush_hair' (2)"),
        (("wave", "wave\u200b"), r"'wave' (1), 'wave\u200b' (2)"),
        (("cafe\u0301", "caf\xe9"), "'cafe\u0301' [cafe\\u0301] (1), 'caf\xe9' [caf\\xe9] (2)"),
    ],
)
def test_labels_that_look_alike_are_told_and_kept(of_text, caplog, labels, told):
    one, other = labels
    rows = f"a,{one},train\nb,{other},train\nc,{other},val\nd,else,train\n"
    assert of_text("video,label,subset\n" + rows)["labels"] == sorted(["else", *labels])
    (line,) = [message for message in caplog.messages if "look alike" in message]
    assert line.endswith(f"list.csv: labels that look alike are separate classes: {told}")


RANGED = "video,label,subset,start,end\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,lable,subset\na,b,train\n", r"list\.csv: no column label; found video, lable, subset"),
        ("video;label;subset\na;b;train\n", r"list\.csv: no column video, label, subset; found video;label;subset"),
        ("video,label,subset, label\na,x,train,y\n", r"list\.csv: several columns are called label"),
        ("video,label,subset\n", r"no rows below the header"),
        ("", r"list\.csv: cannot be read as a table"),
        ("video,label,subset\na,x,trian\n", r"list\.csv row 2: subset 'trian'; expected training"),
        ("video,label,subset\n\n\na,x,trian\n", r"list\.csv row 4: subset 'trian'; expected training"),
        (
            "video,label,subset\na,x,train\na.mp4,x,val\n",
            r"list\.csv row 3: video 'a' is listed twice, in row 2 and here; keep one$",
        ),
        (
            "video,label,subset\na,x,train\nb,x,train\na,y,train\na,x,train\n",
            r"row 4: video 'a' is listed twice, as 'x' in row 2 and as 'y' here; keep one\n.*row 5: .*in row 2 and",
        ),
        (
            "video,label,subset\na,x,train\nb,x,train\nc,y,val\n",
            r"list\.csv: all training videos are of one class, 'x'; a model needs two classes",
        ),
        ("video,label,subset\na,,train\n", r"list\.csv row 2: video 'a' has no label"),
        ("video,label,subset\n,x,train\n", r"list\.csv row 2: no video name"),
        ("video,label,subset\n.mp4,x,train\n", r"list\.csv row 2: no video name"),
        ("video,label,subset\na,x,val\n", r"no entry has the subset training"),
        (
            "video,label,subset\na,x,train\nb,x,y,train\n",
            r"list\.csv line 3: expected 3 cells .*, found 4; .*'b,x,y,train'",
        ),
        ('video,label,subset\n"a\nb",x,train\nc,x,trian\n', r"list\.csv row 4: subset 'trian'"),
        ('video,label,subset\n"a\nb",x,train\nc,x\n', r"list\.csv line 4: expected 3 cells .*; the line is 'c,x'"),
        (RANGED + "v,x,train,0,0.0000001\n", r"list\.csv row 2: end 0.0000001 <= start 0"),
        ("video,label,subset\na,train\n", r"list\.csv line 2: expected 3 cells .*, found 2; .*'a,train'"),
        ('video,label,subset\n"a,x,train\nb,x,val\n', r"list\.csv line 2: expected 3 cells"),
        (
            RANGED + "v,x,train,120,90\n",
            r"list\.csv row 2: end 90 <= start 120 \(video 'v'\); intervals are \[start, end\)",
        ),
        (RANGED + "v,x,train,,0\n", r"list\.csv row 2: end 0 <= start 0 \(video 'v'\)"),
        (RANGED + "v,x,train,1:30,\n", r"list\.csv row 2: start '1:30' is no number of seconds \(video 'v'\)"),
        (RANGED + "v,x,train,-1,2\n", r"list\.csv row 2: start '-1' is no number of seconds"),
        (RANGED + "v,x,train,nan,2\n", r"list\.csv row 2: start 'nan' is no number of seconds"),
        (RANGED + "v,x,train,0,inf\n", r"list\.csv row 2: end 'inf' is no number of seconds"),
        (
            RANGED + "v,x,train,1,2\nv,y,train,1.0,2.00\n",
            r"row 3: video 'v' is listed twice with the same start and end, as 'x' in row 2 and as 'y' here",
        ),
        (RANGED + "v_1s_2s,x,train,,\nv,y,train,1,2\n", r"list\.csv row 3: video 'v' is listed twice"),
    ],
)
def test_bad_rows_are_named(of_text, text, message):
    with pytest.raises(ValueError, match=message):
        of_text(text)


def test_a_frame_is_a_whole_number(of_text):
    with pytest.raises(ValueError, match=r"list\.csv row 2: end '2\.5' is no whole frame \(video 'v'\)"):
        of_text(RANGED + "v,x,train,1,2.5\n", unit="frames")


def test_a_file_in_another_encoding_is_named_with_its_line(tmp_path):
    (tmp_path / "list.csv").write_bytes("video,label,subset\na,x,train\nb,rückwärts,train\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"list\.csv line 3: not UTF-8 text"):
        converted(tmp_path / "list.csv")


def test_only_the_first_ten_problems_are_printed(of_text):
    rows = "".join(f"v{number},x,{'train' if number % 2 else 'nonsense'}\n" for number in range(80))
    with pytest.raises(ValueError, match=r"and 30 more") as error:
        of_text("video,label,subset\n" + rows)
    lines = str(error.value).splitlines()
    assert len(lines) == 11
    assert [line.split()[2] for line in lines[:3]] == ["2:", "4:", "6:"]
