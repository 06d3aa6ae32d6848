"""A table with its subsets drawn anew, and when there is enough for a test part."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kinema.annotations.convert import convert
from kinema.annotations.drawing import draw_subsets, share_for_testing, too_few_for_testing
from kinema.annotations.redraw import split_table
from kinema.cli import main
from kinema.experiment.data_sections import Annotations

HEADER = "video,label,subset,group,note\n"


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty project as the working directory."""
    (tmp_path / "config/datasets").mkdir(parents=True)
    (tmp_path / "config/config.yaml").write_text("training: {epochs: 1}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def people(count: int, *, each: int = 4) -> list[str]:
    """Rows of `count` persons, each of whom does both things; all are training."""
    return [
        f"p{person}_{number},{'wave' if number % 2 else 'push'},training,,n{number}\n"
        for person in range(count)
        for number in range(each)
    ]


def written(rows: list[str], name: str = "list.csv", header: str = HEADER) -> Path:
    Path(name).write_text(header + "".join(rows))
    return Path(name)


def read(path: Path, **options) -> pd.DataFrame:
    return pd.read_csv(path, dtype="str", keep_default_na=False, **options)


def test_a_table_is_split_by_the_groups_of_a_pattern_and_keeps_all_else(capsys):
    table = written(people(10))
    before = read(table)
    assert main(["split", "list.csv", "--group", r"p\d+"]) == 0
    after = read(table)
    kept = ["video", "label", "note"]
    assert after[kept].equals(before[kept])
    assert list(after["group"]) == [video.split("_")[0] for video in after["video"]]
    assert after.groupby("group")["subset"].nunique().eq(1).all()
    assert after.groupby("label")["subset"].value_counts()[:, "validation"].tolist() == [4, 4]
    output = capsys.readouterr().out
    assert "wrote list.csv: 40 videos of 2 classes; 32 training, 8 validation" in output
    assert "no test part is drawn: it would have 8 of 40 videos, and 50 are wanted; --test-fraction 0.2 draws" in output


def test_a_column_of_groups_is_used_as_it_is_and_another_seed_draws_others():
    table = written([row.replace(",,", f",{row.split('_')[0]},") for row in people(10)])
    drawn = []
    for seed in (1, 1, 2):
        lines = split_table(table, seed=seed)
        drawn.append(read(table))
    assert "10 groups of 40 videos are of the column group" in lines
    assert drawn[0].equals(drawn[1])
    assert not drawn[0].equals(drawn[2])
    assert drawn[2].groupby("group")["subset"].nunique().eq(1).all()


def test_without_groups_it_says_what_that_means():
    table = written([row.replace(",,", ",") for row in people(10)], header="video,label,subset,note\n")
    (line,) = [line for line in split_table(table) if line.startswith("no group is known")]
    assert "run `kinema split list.csv` with `--group REGEX`, `--groups FILE` or `--group looks`" in line
    assert list(read(table)) == ["video", "label", "subset", "note"]


def test_a_table_without_subsets_gets_some():
    table = written(["a_1,x\n", "a_2,y\n", "b_1,x\n", "b_2,y\n"], header="video,label\n")
    split_table(table, group="[ab]")
    rows = read(table)
    assert list(rows) == ["video", "label", "subset", "group"]
    assert sorted(rows["subset"]) == ["training"] * 2 + ["validation"] * 2


def test_rows_without_a_label_stay_testing():
    table = written([*people(10), "secret,,testing,,\n"])
    split_table(table, group=r"p\d+")
    rows = read(table)
    assert list(rows["subset"][rows["label"] == ""]) == ["testing"]
    assert "validation" in set(rows["subset"])


def test_parts_of_one_file_stay_together():
    rows = [f"match{number // 6},{'xy'[number % 2]},training,{number % 6},{number % 6 + 1}\n" for number in range(60)]
    table = written(rows, header="video,label,subset,start,end\n")
    split_table(table)
    assert read(table).groupby("video")["subset"].nunique().eq(1).all()
    convert([table], settings=Annotations(path=str(table)), out=Path("annotation.json"))
    assert len(json.loads(Path("annotation.json").read_text())["database"]) == 60


def test_a_group_of_one_part_is_that_of_its_whole_file():
    """Nobody has to repeat it."""
    rows = [
        f"m{number // 2},{'xy'[number % 2]},training,{f'g{number // 8}' if number % 2 else ''}\n"
        for number in range(64)
    ]
    table = written(rows, header="video,label,subset,group\n")
    split_table(table)
    after = read(table)
    assert (after["subset"] == "validation").any()
    assert after["subset"].groupby(after.index // 8).nunique().eq(1).all()


def test_a_table_that_is_a_link_stays_one():
    Path("shared").mkdir()
    written(people(10), "shared/list.csv")
    Path("list.csv").symlink_to("shared/list.csv")
    split_table(Path("list.csv"))
    assert Path("list.csv").is_symlink()
    assert "validation" in set(read(Path("shared/list.csv"))["subset"])


def test_the_folders_of_the_data_set_of_the_table_are_searched():
    rows = []
    for label in ("wave", "push"):
        for person in ("anna", "ben", "cleo"):
            for number in range(2):
                path = Path(f"videos/{label}/{person}/{label}_{person[0]}{number}.mp4")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"video")
                rows.append(f"{path.stem},{label},training,,\n")
    table = written(rows)
    pattern = "/([^/]+)/[^/]+$"
    with pytest.raises(ValueError, match=r"found in no name and no folder, such as 'wave_a0'"):
        split_table(table, group=pattern)
    split_table(table, group=pattern, video_folder=Path("videos"), out=Path("one.csv"))
    Path("config/datasets/mine.yaml").write_text("annotations: {path: list.csv}\nvideos: videos\n")
    split_table(table, group=pattern)
    assert set(read(table)["group"]) == {"anna", "ben", "cleo"}
    assert read(table).equals(read(Path("one.csv")))


def test_groups_of_a_table_may_have_folders_that_the_list_has_not():
    table = written(people(4))
    rows = [f"some/where/{row.split(',')[0]}.mp4,{row.split('_')[0]}\n" for row in people(4)]
    groups = written(rows, "g.csv", header="video,group\n")
    assert "4 groups of 16 videos are read from g.csv" in split_table(table, groups_path=groups)


@pytest.mark.parametrize("name", ["list.tsv", "list.csv.gz", "list.parquet", "windows.csv"])
def test_the_kind_of_file_stays(name):
    path = Path(name)
    rows = [row.rstrip("\n").split(",") for row in people(10)]
    frame = pd.DataFrame(rows, columns=HEADER.strip().split(","))
    frame["note"] = 'say "a, b"\tor\nc'
    if name == "list.parquet":
        frame.assign(subset=frame["subset"].astype("category"), number=np.arange(40)).to_parquet(path)
    elif name == "list.csv.gz":
        frame.to_csv(path, index=False)
    else:
        options = {"sep": "\t"} if name == "list.tsv" else {"lineterminator": "\r\n", "encoding": "utf-8-sig"}
        frame.to_csv(path, index=False, **options)
    split_table(path, group=r"p\d+")
    after = pd.read_parquet(path) if name == "list.parquet" else read(path, sep="\t" if name == "list.tsv" else ",")
    assert after["subset"].value_counts().to_dict() == {"training": 32, "validation": 8}
    assert list(after["note"]) == list(frame["note"])
    if name == "list.parquet":
        assert list(after["number"]) == list(range(40))
    if name == "list.csv.gz":
        assert gzip.decompress(path.read_bytes()).startswith(b"video,label,subset,group,note\n")
    if name == "windows.csv":
        content = path.read_bytes()
        assert content.startswith(b"\xef\xbb\xbfvideo,")
        assert content.count(b"\r\n") == 41


def test_empty_lines_and_odd_names_stay():
    table = written(['"a, b",x,,,\n', "\n", "NA,y,,,\n", "\n", "null,x,,,\n", "007,y,,,\n"])
    split_table(table)
    lines = table.read_text().splitlines()
    assert (lines[2], lines[4]) == ("", "")
    assert sorted(lines[number].rsplit(",", 4)[0] for number in (1, 3, 5, 6)) == ['"a, b"', "007", "NA", "null"]


def test_another_file_may_be_written(capsys):
    table = written(people(10))
    before = table.read_bytes()
    assert main(["split", "list.csv", "--out", "new.csv"]) == 0
    assert table.read_bytes() == before
    assert "validation" in set(read(Path("new.csv"))["subset"])
    assert main(["split", "list.csv", "--out", "new.csv"]) == 2
    assert "new.csv exists already; remove it, or give another --out" in capsys.readouterr().err
    assert main(["split", "list.csv", "--out", "new.parquet"]) == 2
    assert "new.parquet: expected a name that ends in .csv, as list.csv does" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (["a,x,,,\n", "b,x,,,\n"], {}, r"list\.csv: all labels are 'x'; a model needs two classes or more"),
        (["a,,,,\n", "b,,,,\n"], {}, r"list\.csv: no row has a label; a model needs two"),
        (["a,x,,,\n", ",y,,,\n"], {}, r"list\.csv row 3: no video name"),
        (people(3), {"group": r"p"}, r"no validation videos: each class has one video, or one group, only"),
        (
            people(3),
            {"val_fraction": 0.5, "test_fraction": 0.5},
            r"--val-fraction 0\.5 and --test-fraction 0\.5 leave no",
        ),
        (people(3), {"group": "x", "groups_path": Path("g.csv")}, r"--group and --groups are two ways to the same"),
    ],
)
def test_a_table_or_an_option_that_is_of_no_use(rows, options, message):
    table = written(rows)
    before = table.read_bytes()
    with pytest.raises(ValueError, match=message):
        split_table(table, **options)
    assert table.read_bytes() == before


def test_a_table_that_is_not_there(capsys):
    assert main(["split", "lost.csv"]) == 2
    assert "lost.csv: no such file; give the table of a data set" in capsys.readouterr().err
    written(people(3))
    assert main(["split", "list.csv", "--videos", "lost"]) == 2
    assert "--videos lost: no such folder; give the folder of the videos of list.csv" in capsys.readouterr().err


def test_nothing_to_score_on_is_told():
    lines = split_table(written(people(3)), val_fraction=0)
    assert any(
        line.startswith("no validation and no testing rows with a label: a model can be trained") for line in lines
    )


def labels_and_groups(num_videos: int, *, classes: int = 2, groups: int | None = None) -> tuple[pd.Series, pd.Series]:
    labels = pd.Series(np.arange(num_videos) % classes).map("class {}".format)
    if groups is None:
        return labels, pd.Series(pd.NA, index=labels.index, dtype="string")
    return labels, pd.Series(np.arange(num_videos) // classes % groups).map("g{}".format).astype("string")


@pytest.mark.parametrize(
    ("num_videos", "options", "why"),
    [
        (249, {}, "it would have 49 of 249 videos, and 50 are wanted"),
        (250, {}, None),
        (600, {"classes": 21}, "it would have 100 of 600 videos, and 105 are wanted"),
        (600, {"classes": 20}, None),
        (600, {"groups": 17}, "it would have less than 3 of 17 groups"),
        (600, {"groups": 18}, None),
    ],
)
def test_when_there_is_enough_for_a_test_part(num_videos, options, why):
    labels, groups = labels_and_groups(num_videos, **options)
    assert too_few_for_testing(labels, groups) == why
    drawn, lines = draw_subsets(labels, groups, val_fraction=0.2, test_fraction=None, seed=1)
    assert ("testing" in set(drawn)) == (why is None)
    wanted = "a test part is drawn, " if why is None else f"no test part is drawn: {why}; --test-fraction "
    assert lines[0].startswith(wanted)


def test_a_class_of_fewer_groups_than_subsets_has_no_test_part():
    labels, groups = labels_and_groups(600)
    labels.iloc[:2] = "rare"
    assert too_few_for_testing(labels, groups) == "class 'rare' has 2 groups, and each subset needs one"


def test_the_test_part_is_a_fifth_of_few_videos_and_a_tenth_of_many():
    assert [round(number * share_for_testing(number)) for number in (250, 500, 800, 1000, 5000)] == [
        50,
        100,
        100,
        100,
        500,
    ]
    labels, groups = labels_and_groups(800, groups=80)
    drawn, lines = draw_subsets(labels, groups, val_fraction=0.2, test_fraction=None, seed=1)
    assert drawn.value_counts()["testing"] == 100
    assert lines == ["a test part is drawn, 12.5 % of the videos; --test-fraction 0 draws none"]
    assert draw_subsets(labels, groups, val_fraction=0.2, test_fraction=0.0, seed=1)[1] == []


def test_half_of_the_videos_are_left_for_training():
    labels, groups = labels_and_groups(300)
    drawn, lines = draw_subsets(labels, groups, val_fraction=0.4, test_fraction=None, seed=1)
    assert "testing" not in set(drawn)
    assert "less than half of the videos would be left for training beside --val-fraction 0.4" in lines[0]


def test_what_the_system_refuses_is_one_line(capsys):
    written(people(6))
    assert main(["split", "list.csv", "--out", "list.csv/new.csv"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("kinema: ")
    assert told.count("\n") == 1
    assert "Not a directory" in told
