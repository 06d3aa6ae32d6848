"""Tables of videos and labels -> the one dialect."""

import json

import pandas as pd
import pytest

from kinema.annotations.table import convert_table

GOOD = "video,label,subset,group\nb.mp4,run,train,p1\na,jump,validation,p2\nc.AVI,,test,\nd,jump,training,p1\n"


def convert(tmp_path, text, name="list.csv"):
    table = tmp_path / name
    table.write_text(text)
    convert_table(table=table, out=tmp_path / "annotation.json")
    return json.loads((tmp_path / "annotation.json").read_text())


def test_a_table_becomes_the_dialect(tmp_path):
    found = convert(tmp_path, GOOD)
    assert found == {
        "labels": ["jump", "run"],
        "database": {
            "a": {"subset": "validation", "annotations": {"label": "jump"}, "group": "p2"},
            "b": {"subset": "training", "annotations": {"label": "run"}, "group": "p1"},
            "c": {"subset": "testing", "annotations": {}},
            "d": {"subset": "training", "annotations": {"label": "jump"}, "group": "p1"},
        },
    }


def test_the_order_of_rows_does_not_matter(tmp_path):
    header, *rows = GOOD.splitlines(keepends=True)
    assert list(convert(tmp_path, GOOD)["database"]) == list(
        convert(tmp_path, header + "".join(rows[::-1]))["database"]
    )


def test_tsv_parquet_bom_and_crlf_read_alike(tmp_path):
    expected = convert(tmp_path, GOOD)
    assert convert(tmp_path, GOOD.replace(",", "\t"), "list.tsv") == expected
    (tmp_path / "list.csv").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    convert_table(table=tmp_path / "list.csv", out=tmp_path / "annotation.json")
    assert json.loads((tmp_path / "annotation.json").read_text()) == expected
    pd.read_csv(tmp_path / "list.csv", encoding="utf-8-sig").to_parquet(tmp_path / "list.parquet")
    convert_table(table=tmp_path / "list.parquet", out=tmp_path / "annotation.json")
    assert json.loads((tmp_path / "annotation.json").read_text()) == expected


def test_rows_of_a_filtered_parquet_table_are_counted_from_its_first(tmp_path):
    rows = pd.DataFrame({"video": ["a", "b"], "label": ["x", "x"], "subset": ["train", "trian"]}, index=["q", "r"])
    rows.to_parquet(tmp_path / "list.parquet")
    with pytest.raises(ValueError, match=r"list\.parquet row 3: subset 'trian'"):
        convert_table(table=tmp_path / "list.parquet", out=tmp_path / "annotation.json")


def test_odd_names_survive(tmp_path):
    found = convert(tmp_path, "video,label,subset\n\"-a, $b;[c] 'é'.mp4\",x,train\nNA,y,train\n007,null,train\n")
    assert set(found["database"]) == {"-a, $b;[c] 'é'", "NA", "007"}
    assert found["labels"] == ["null", "x", "y"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video,lable,subset\na,b,train\n", r"list\.csv: no column label; found video, lable, subset"),
        ("video,label,subset\n", r"no rows below the header"),
        ("", r"cannot be read as a table"),
        ("video,label,subset\na,x,trian\n", r"list\.csv row 2: subset 'trian'; expected training"),
        ("video,label,subset\na,x,train\na,x,val\n", r"list\.csv row 3: video 'a' is listed twice"),
        ("video,label,subset\na,,train\n", r"list\.csv row 2: video 'a' has no label"),
        ("video,label,subset\n,x,train\n", r"list\.csv row 2: no video name"),
        ("video,label,subset\na,x,val\n", r"no row has the subset training"),
    ],
)
def test_bad_rows_are_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        convert(tmp_path, text)


def test_only_the_first_ten_problems_are_printed(tmp_path):
    rows = "".join(f"v{number},x,nonsense\n" for number in range(40))
    with pytest.raises(ValueError, match=r"and 30 more") as error:
        convert(tmp_path, "video,label,subset\n" + rows)
    assert len(str(error.value).splitlines()) == 11
