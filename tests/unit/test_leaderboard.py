"""The models of a data set side by side: who is ranked, how sure a difference is, and what the three files say."""

import csv
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from evaluations import evaluation, scores

from kinema.clips.parts import write_parts
from kinema.evaluation.schema import PREDICTIONS
from kinema.experiment.choosing import chosen_by
from kinema.experiment.config import Settings
from kinema.input_error import InputError
from kinema.leaderboard.board import write_leaderboard
from kinema.leaderboard.columns import coverage_in_words
from kinema.leaderboard.mcnemar import exact_p
from kinema.leaderboard.page import as_page
from kinema.leaderboard.rows import Cost, Made, Row, Score
from kinema.leaderboard.tables import as_csv, as_markdown
from kinema.models.summary import summarise
from kinema.records.benchmark import Benchmark, Machine, MeasuredModel, Measurement, Quantiles
from kinema.records.evaluation import Interval
from kinema.records.training import Training

LABELS = ("push", "wave")
NAMES = [f"v{number:02}" for number in range(20)]
BAD = "<script>alert(1)</script>"


def add_model(
    folder: Path,
    wrong=(),
    *,
    videos=NAMES,
    labels=LABELS,
    subset="validation",
    num_clips=3,
    relabelled=(),
    seconds=90.0,
    data=None,
    versions=None,
    views=None,
    **settings,
) -> None:
    """A folder with the records of a model that has these videos wrong."""
    folder.mkdir(parents=True)
    true = {video: labels[(number + (video in relabelled)) % 2] for number, video in enumerate(videos)}
    said = {video: labels[1 - labels.index(true[video])] if video in wrong else true[video] for video in videos}
    rows = pd.DataFrame(
        {
            "video": list(true),
            "subset": subset,
            "label": list(true.values()),
            "predicted": list(said.values()),
            "correct": [true[video] == said[video] for video in videos],
            "num_clips": num_clips,
        }
    ).sample(frac=1, random_state=len(wrong))  # the order of the file says nothing
    assert set(rows) < set(PREDICTIONS.names)
    pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / "predictions.parquet")
    counts = {label: sum(each == label for each in true.values()) for label in labels}
    resolved = Settings.model_validate({"training": {"keep": "last"}} | settings).model_dump(mode="json")
    found = scores(
        len(videos) - len(wrong),
        counts,
        chosen=chosen_by(resolved, subset),
        num_annotated=len(videos) + 5,
        coverage=len(videos) / (len(videos) + 5),
    )
    evaluation(subset, found, **(views or {})).write(folder / "evaluation.json")
    Training(
        model="resnet18_baseline",
        labels=list(labels),
        settings=resolved,
        starts={},
        published=None,
        seed=1,
        data={"labels": "l", "training": "0123456789abcdef"} | (data or {}),
        code="",
        commit="f" * 40 + "-dirty",
        versions={"torch": "2.14.1", "timm": "1.0.31"} | (versions or {}),
        processes=None,
        seconds=seconds,
        num_epochs=10,
        kept_epoch=None,
    ).write(folder / "training.json")


def add_index(folder: Path, videos=NAMES, labels=LABELS) -> None:
    """A clip index with two clips of each of these validation videos, one without a label, and one for training."""
    rows = [(video, labels[number % 2], "validation", clip) for number, video in enumerate(videos) for clip in (0, 1)]
    rows += [("new", None, "validation", 0), ("t", labels[0], "training", 0)]
    columns = dict(zip(("video", "label", "subset", "clip"), zip(*rows, strict=True), strict=True))
    table = pa.table({name: list(values) for name, values in columns.items()})
    metadata = {"labels": json.dumps(list(labels))}
    pq.write_table(table.replace_schema_metadata(metadata), folder / "clips.parquet")
    columns["label_index"] = [labels.index(label) if label else -1 for label in columns["label"]]
    known = {name: columns[name] for name in ("subset", "label_index")}
    groups = [None] * len(columns["subset"])
    write_parts(folder / "clips.json", known, labels=labels, groups=groups, rates=groups, annotated={})


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "mine"


def board(folder: Path, *names: str) -> list[dict[str, str]]:
    """The rows of leaderboard.csv; without names of all models that are there, as the workflow finds them."""
    found = names or sorted(path.parent.name for path in folder.glob("*/evaluation.json"))
    write_leaderboard(
        folder=folder,
        model_names=found,
        csv_path=folder / "leaderboard.csv",
        markdown_path=folder / "leaderboard.md",
        page_path=folder / "leaderboard.html",
    )
    return list(csv.DictReader(io.StringIO((folder / "leaderboard.csv").read_text())))


def page(folder: Path) -> str:
    """leaderboard.md, without the blanks that line its columns up."""
    return re.sub(" +", " ", (folder / "leaderboard.md").read_text())


def reasons(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["model"]: row["why_not_ranked"] for row in rows}


# 2 (1 + 12 + 66) / 2^12; 2 / 2^5; 2 (1 + 10 + 45) / 2^10
@pytest.mark.parametrize(
    ("one", "other", "p"),
    [(10, 2, 158 / 4096), (5, 0, 0.0625), (8, 2, 112 / 1024), (1, 0, 1.0), (4, 4, 1.0), (4, 3, 1.0), (0, 0, 1.0)],
)
def test_mcnemars_exact_test(one, other, p):
    assert exact_p(one, other) == exact_p(other, one) == pytest.approx(p, rel=1e-12)


def test_mcnemars_test_of_many_videos_is_exact():
    # 1 + 1000 + 499500 of 2^1000, twice
    assert exact_p(998, 2) == pytest.approx(2 * 500_501 / 2**1000, rel=1e-12)
    assert exact_p(5_000, 0) == 0.0, "less than a float holds"
    with pytest.raises(ValueError, match="found -1 and 3 videos, expected counts of 0 or more"):
        exact_p(-1, 3)


def test_models_are_ranked_and_compared_with_the_best_on_the_same_videos(folder):
    add_model(folder / "a_vtn", wrong=NAMES[:12])
    add_model(folder / "b_vtn@quick", wrong=NAMES[10:14])
    add_model(folder / "c_vtn", wrong=NAMES[:1])
    best, second, third = board(folder)
    assert [row["model"] for row in (best, second, third)] == ["c_vtn", "b_vtn@quick", "a_vtn"]
    assert [row["rank"] for row in (best, second, third)] == ["1", "2", "3"]
    assert float(best["accuracy"]) == 0.95
    assert float(best["accuracy_low"]) == pytest.approx(0.7639, abs=1e-4)
    assert float(best["accuracy_high"]) == pytest.approx(0.9911, abs=1e-4)
    assert (best["num_videos"], best["subset"], best["mcnemar_p"]) == ("20", "validation", "")
    # v10 to v13 against v00
    assert (second["only_best_right"], second["only_this_right"]) == ("4", "1")
    assert float(second["difference_to_best"]) == pytest.approx(-0.15)
    assert float(second["mcnemar_p"]) == 0.375
    # both have v00 wrong: v01 to v11 are left
    assert (third["only_best_right"], third["only_this_right"]) == ("11", "0")
    assert float(third["mcnemar_p"]) == 2 / 2**11
    text = page(folder)
    assert text.startswith(
        "# Leaderboard of mine\n\n"
        "c_vtn has 19 of 20 validation videos right: 0.95 (95 % interval 0.76 to 0.99, coverage 80.0 %).\n"
        "It cannot be told from b_vtn@quick (p = 0.375) on these videos.\n"
    )
    assert r"| 3 | a_vtn | 0.40 | 0.22 to 0.61 | 80.0 % | -0.55 (11 : 0) | \< 0.001 |" in text
    assert "McNemar's exact test" in text


def test_models_with_as_many_videos_right_share_a_rank(folder):
    add_model(folder / "b_vtn", wrong=NAMES[:3])
    add_model(folder / "a_vtn", wrong=NAMES[3:6])
    add_model(folder / "c_vtn", wrong=NAMES[:4])
    add_model(folder / "same_vtn", wrong=NAMES[3:6])
    rows = board(folder)
    assert [(row["rank"], row["model"]) for row in rows] == [
        ("1", "a_vtn"),
        ("1", "b_vtn"),
        ("1", "same_vtn"),
        ("4", "c_vtn"),
    ]
    assert [float(row["mcnemar_p"]) for row in rows[1:3]] == [1.0, 1.0]
    assert (rows[2]["only_best_right"], rows[2]["only_this_right"]) == ("0", "0")
    assert "| 0.00 (3 : 3) |" in page(folder)


def test_what_was_scored_of_each_clip_stands_beside_the_accuracy(folder):
    ten = {"crops": "ten", "num_views": 10, "scale": 0.875}
    add_model(folder / "a_vtn", wrong=NAMES[:2])
    board(folder)
    assert "views" not in page(folder)
    for name, number in (("a_vtn@ten", 1), ("b_vtn@ten", 3)):
        add_model(folder / name, wrong=NAMES[:number], views=ten)
    rows = board(folder)
    assert [(row["model"], row["rank"], row["views"]) for row in rows] == [
        ("a_vtn@ten", "1", "10 crops a clip (ten), scale 0.875"),
        ("b_vtn@ten", "2", "10 crops a clip (ten), scale 0.875"),
        ("a_vtn", "", ""),
    ]
    reason = "scored on other views: the centre of each clip, not 10 crops a clip (ten), scale 0.875"
    assert reasons(rows)["a_vtn"] == reason
    assert "coverage 80.0 %, 10 crops a clip (ten), scale 0.875)." in page(folder)


def test_a_model_alone_is_compared_with_none(folder):
    add_model(folder / "a_vtn")
    (row,) = board(folder)
    assert (row["rank"], row["mcnemar_p"]) == ("1", "")
    assert "cannot be told" not in (text := page(folder))
    assert "McNemar" not in text


OTHERS = {
    "subset": ({"subset": "testing"}, "scored on testing videos, not on validation videos"),
    "videos": (
        {"videos": [*NAMES[2:], "more"]},
        "scored on another version of the list: 2 of the 20 missing and 1 video more",
    ),
    "labels": (
        {"relabelled": NAMES[:1]},
        "scored on another version of the list: 1 video had another class",
    ),
    "classes": (
        {"labels": ("push", "wave", "jump")},
        "scored on another version of the list: 3 classes, not 2",
    ),
    "names of classes": (
        {"labels": ("push", "hug")},
        "scored on another version of the list: 1 of its 2 classes are others",
    ),
    "clips": ({"num_clips": 10}, "scored on other clips: 10 of a video, not 3"),
    "crops": (
        {"views": {"crops": "ten", "num_views": 10}},
        "scored on other views: 10 crops a clip (ten), not the centre of each clip",
    ),
    "scale": ({"views": {"scale": 0.875}}, "scored on other views: scale 0.875, not the centre of each clip"),
    "position": ({"views": {"position": "tl"}}, "scored on other views: position tl, not the centre of each clip"),
    "average": ({"views": {"average": "logits"}}, "scored on other views: mean of logits, not the centre of each clip"),
    "contents": (
        {"data": {"validation": "other"}},
        "scored on another version of the videos: the names are the same, the contents are not",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "reason"), OTHERS.values(), ids=OTHERS)
def test_what_was_scored_on_something_else_is_not_ranked(folder, changes, reason):
    for name in ("b_vtn", "c_vtn"):
        add_model(folder / name, wrong=NAMES[:9], data={"validation": "this"})
    add_model(folder / "a_vtn", **changes)  # better than the others, and first by name
    rows = board(folder)
    assert reasons(rows) == {"b_vtn": "", "c_vtn": "", "a_vtn": reason}
    assert (rows[-1]["rank"], rows[-1]["difference_to_best"], rows[-1]["mcnemar_p"]) == ("", "", "")
    assert float(rows[-1]["accuracy"]) == 1, "it is told what it has"
    ranking, others = (folder / "leaderboard.md").read_text().split("## Without a rank")
    assert "a_vtn" not in ranking
    assert reason in others


@pytest.mark.parametrize("has_index", [True, False])
def test_a_model_that_knows_no_contents_does_not_make_others_comparable(folder, has_index):
    add_model(folder / "a_vtn")  # `keep: last`: its training does not go with the validation videos
    add_index(folder)
    now = json.loads((folder / "clips.json").read_text())["parts"]["validation"]["digest"]
    if not has_index:
        (folder / "clips.parquet").unlink()
    for name in ("b_vtn", "c_vtn"):
        add_model(folder / name, wrong=NAMES[:3], data={"validation": now})
    add_model(folder / "old_vtn", wrong=NAMES[:1], data={"validation": "old"})
    contents = "scored on another version of the videos: the names are the same, the contents are not"
    assert reasons(board(folder)) == {"a_vtn": "", "b_vtn": "", "c_vtn": "", "old_vtn": contents}


def test_the_list_of_now_comes_before_what_most_were_scored_on(folder):
    for name in ("old_vtn", "older_vtn"):
        add_model(folder / name, videos=NAMES[:-1])
    add_model(folder / "new_vtn", wrong=NAMES[:5])
    add_index(folder)
    rows = board(folder)
    missing = "scored on another version of the list: 1 of the 20 missing"
    assert reasons(rows) == {"new_vtn": "", "old_vtn": missing, "older_vtn": missing}
    assert "has now" not in page(folder)


def test_a_ranking_of_an_older_list_is_told(folder):
    add_model(folder / "a_vtn", videos=NAMES[:-1])
    add_model(folder / "b_vtn", videos=NAMES[:-1])
    add_index(folder)
    assert [row["rank"] for row in board(folder)] == ["1", "1"]
    for name in ("leaderboard.md", "leaderboard.html"):
        text = (folder / name).read_text()
        assert "not of the videos that results/mine/clips.parquet has now (" in text
        assert "1 of the 20 missing" in text


def test_contents_that_the_index_has_no_more_are_told(folder):
    add_model(folder / "a_vtn", data={"validation": "other"})
    add_index(folder)
    board(folder)
    assert "has now (scored on another version of the videos" in page(folder)


def test_the_order_of_the_models_says_nothing(folder):
    add_model(folder / "b_vtn")
    add_model(folder / "a_vtn", subset="testing", wrong=NAMES[:9])
    assert board(folder, "a_vtn", "b_vtn") == board(folder, "b_vtn", "a_vtn")
    assert reasons(board(folder))["b_vtn"] == "scored on validation videos, not on testing videos"


def test_what_a_model_costs_and_was_made_with(folder):
    clip = {"length": 2, "size": 64}
    add_model(folder / "a_vtn", clip=clip, versions={"torch": "2.10.0"}, seconds=7_300.0)
    add_model(folder / "b_vtn", wrong=NAMES[:9], clip=clip, data={"training": "fedcba9876543210"})
    (folder / "a_vtn/model.xml").write_bytes(b"1" * 1_000_000)
    (folder / "a_vtn/model.bin").write_bytes(b"1" * 2_000_000)
    (folder / "b_vtn/model.xml").write_bytes(b"1")  # its weights are gone
    best, second = board(folder)
    settings = Settings(clip=clip)
    cost = summarise("resnet18_baseline", num_classes=2, clip=settings.clip, network=settings.network)
    assert (int(best["parameters"]), float(best["gmacs"])) == (cost.parameters, cost.gmacs)
    assert cost.parameters > 11e6
    assert (best["exported_bytes"], second["exported_bytes"]) == ("3000000", "")
    assert best["training_seconds"] == "7300.0"
    assert best["commit"] == "f" * 40 + "-dirty"
    assert (best["versions_that_differ"], second["versions_that_differ"]) == ("torch 2.10.0", "torch 2.14.1")
    assert best["training_data"] != second["training_data"]
    text = page(folder)
    assert re.search(r"\| 11\.\d\d \| \d\.\d\d \| 3\.0 \| 2 hours \|", text)
    assert "| a_vtn | ffffffffff-dirty | 01234567 | torch 2.10.0 |" in text
    assert "Not all of these models were trained on the same videos" in text
    assert "| 80.0 % |" in text
    assert "ms a clip" not in text, "nobody measured it"
    assert "Milliseconds" not in text


def add_times(folder: Path, seconds: float, *, file="model.xml", cpu="CPU A", sha256=None) -> None:
    """A benchmark.json of the model.xml that lies in the folder, beside measurements that are not told."""
    once = Quantiles(median=1.0, low=1.0, high=1.0)
    names = {"file": file, "runtime": "OpenVINO", "precision": "bf16", "is_default": True}
    usual = Measurement(**names, is_stream=False, batch=1, seconds=once, answers_per_second=1.0, speed=once)
    right = replace(usual, seconds=Quantiles(median=seconds, low=0.001, high=9.0))
    others = [replace(usual, batch=8), replace(usual, is_default=False), replace(usual, runtime="PyTorch")]
    measured = {"model": "m", "input": "clips", "measurements": [*others, right], "videos": [], "advice": []}
    sha256 = sha256 or hashlib.sha256((folder / "model.xml").read_bytes()).hexdigest()
    models = [MeasuredModel(path=name, sha256={file: name}, **measured) for name in ("another", sha256)]
    machine = Machine(cpu=cpu, num_cores=2, flags=[], precision="bf16", threads=None, load=0.0)
    Benchmark(
        measured_at="now",
        machine=machine,
        versions={"openvino": "2026.4.1"},
        num_rounds=5,
        video=None,
        models=models,
        left_out=[],
    ).write(folder / "benchmark.json")


def test_times_stand_beside_the_models_with_the_machine(folder):
    for name in ("a_vtn", "b_vtn", "c_vtn"):
        add_model(folder / name)
        (folder / name / "model.xml").write_text(name)
    add_times(folder / "a_vtn", 0.0213)
    add_times(folder / "b_vtn", 0.1)
    rows = board(folder)
    assert [row["clip_seconds"] for row in rows] == ["0.0213", "0.1", ""]
    machine = "CPU A, 2 cores, bf16, OpenVINO 2026.4.1"
    assert [row["measured_on"] for row in rows] == [machine, machine, ""]
    text = page(folder)
    assert "| ms a clip |" in text
    assert "| 21.3 |" in text
    assert f"Milliseconds a clip were measured by `kinema benchmark` on {machine}." in text.replace("\\", "")
    assert "do not compare them" not in text


def test_times_of_different_machines_are_told_apart(folder):
    for name, cpu in (("a_vtn", "CPU A"), ("b_vtn", "CPU B"), ("c_vtn", "CPU A")):
        add_model(folder / name)
        (folder / name / "model.xml").write_text(name)
        add_times(folder / name, 0.02, cpu=cpu)
    board(folder)
    for name in ("leaderboard.md", "leaderboard.html"):
        text = (folder / name).read_text().replace("\\", "")
        assert "Milliseconds a clip were not all measured on the same machine, so do not compare them: on CPU A" in text
        assert "OpenVINO 2026.4.1: a_vtn, c_vtn; on CPU B, 2 cores" in text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: (path.parent / "model.xml").write_text("another"), "is not of the model.xml beside it; run"),
        (lambda path: (path.parent / "model.xml").unlink(), "is not of the model.xml beside it; run `kinema benchmark"),
        (lambda path: path.write_text('{"record": 1'), "cannot be read as JSON"),
        (lambda path: add_times(path.parent, 0.02, file="int8/model.xml"), "is not of the model.xml beside it"),
    ],
)
def test_times_of_another_file_are_left_out_with_a_warning(folder, caplog, change, told):
    add_model(folder / "a_vtn")
    (folder / "a_vtn/model.xml").write_text("a")
    add_times(folder / "a_vtn", 0.02)
    change(folder / "a_vtn/benchmark.json")
    (row,) = board(folder)
    assert (row["rank"], row["clip_seconds"]) == ("1", "")
    assert f"{folder}/a_vtn/benchmark.json: {told}" in caplog.text


def test_an_accuracy_on_videos_that_chose_the_epoch_says_so(folder):
    add_model(folder / "a_vtn", training={"keep": "best", "epochs": 10})
    add_model(folder / "b_vtn", wrong=NAMES[:5], training={"keep": "last", "epochs": 10})
    assert [row["is_chosen_on_these"] for row in board(folder)] == ["yes", "no"]
    text = page(folder)
    assert r"| 1.00\* |" in text
    assert " 0.75 |" in text
    scored = "a_vtn has 20 of 20 validation videos right: 1.00"
    assert f"{scored} (95 % interval 0.84 to 1.00, coverage 80.0 %, chosen on these videos)." in text
    assert "chosen on these videos: expect less on new ones" in text


def test_combinations_of_a_sweep_are_not_to_be_chosen_on_testing_videos(folder):
    for subset in ("validation", "testing"):
        for rate in ("0.001", "0.0001"):
            add_model(folder / subset / f"a_vtn@training.lr={rate}", subset=subset)
        board(folder / subset)
        assert ("Choose among those by a sweep" in page(folder / subset)) == (subset == "testing")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: (path / "evaluation.json").write_text("{"), "evaluation.json: cannot be read as JSON"),
        (lambda path: (path / "evaluation.json").unlink(), "evaluation.json: cannot be read: No such file"),
        (lambda path: (path / "predictions.parquet").write_text("x"), "predictions.parquet: cannot be read: "),
        (lambda path: (path / "predictions.parquet").unlink(), "predictions.parquet: cannot be read: "),
        (
            lambda path: evaluation("validation", scores(10, {"walk": 10, "wave": 10})).write(path / "evaluation.json"),
            "predictions.parquet: is not of the evaluation.json beside it; delete it and run snakemake for it",
        ),
    ],
    ids=["cut off", "gone", "no table", "no predictions", "of another evaluation"],
)
def test_a_model_without_scores_that_can_be_read_keeps_no_other_from_being_ranked(folder, damage, reason):
    add_model(folder / "a_vtn")
    add_model(folder / "b_vtn", wrong=NAMES[:5])
    damage(folder / "a_vtn")
    rows = board(folder, "a_vtn", "b_vtn")
    assert [(row["model"], row["rank"]) for row in rows] == [("b_vtn", "1"), ("a_vtn", "")]
    assert reason in rows[1]["why_not_ranked"]
    assert "\n" not in rows[1]["why_not_ranked"]


def test_a_model_whose_training_is_unknown_is_ranked_all_the_same(folder):
    add_model(folder / "a_vtn")
    (folder / "a_vtn/training.json").write_text("{}")
    (row,) = board(folder)
    assert (row["rank"], row["parameters"], row["commit"]) == ("1", "", "")
    assert "made with" not in page(folder)


def test_settings_of_another_version_leave_the_costs_open(folder, caplog):
    add_model(folder / "a_vtn")
    record = Training.read(folder / "a_vtn/training.json")
    replace(record, settings=record.settings | {"clip": {"gone": 1}}).write(folder / "a_vtn/training.json")
    (row,) = board(folder)
    assert (row["rank"], row["parameters"], row["training_seconds"]) == ("1", "", "90.0")
    assert "resnet18_baseline: its parameters cannot be counted with this version of kinema" in caplog.text


def test_without_any_model_it_says_what_to_do(folder):
    with pytest.raises(InputError, match=r"mine: no model there has an evaluation\.json; list models as `leaderboard`"):
        board(folder)


def test_no_model_can_be_read(folder):
    (folder / "a_vtn").mkdir(parents=True)
    (row,) = board(folder, "a_vtn")
    assert row["why_not_ranked"].endswith("run snakemake for it")
    assert "No model has scores that can be read." in (folder / "leaderboard.html").read_text()


def test_coverage_stands_beside_the_accuracy():
    score = Score(
        accuracy=0.5,
        interval=Interval(0.4, 0.6),
        coverage=0.875,
        num_videos=70,
        subset="testing",
        is_chosen_here=False,
    )
    row = Row(name="a", rank=1, score=score, against_best=None, cost=Cost(), made=Made(), reason=None)
    assert "(95 % interval 0.40 to 0.60, coverage 87.5 %)" in as_markdown("mine", [row], outdated=None)
    assert "| 87.5 % |" in re.sub(" +", " ", as_markdown("mine", [row], outdated=None))
    assert ",0.875,70,testing," in as_csv([row])


class Page(HTMLParser):
    """Tags and texts of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_names_are_text_whatever_they_are(folder):
    folder = folder.with_name(f"{BAD[:8]}mine")
    add_model(folder / "a_vtn")
    name = BAD.replace("/", "")  # of a folder
    add_model(folder / name, wrong=NAMES[:3], versions={"torch": BAD})
    add_model(folder / "b|_vtn", labels=(BAD, "wave"))
    board(folder)
    html = Page((folder / "leaderboard.html").read_text())
    assert [tag for tag, _ in html.tags].count("script") == 1
    assert name in html.texts
    assert f"torch {BAD}" in html.texts
    text = page(folder)
    assert r"\<script\>alert(1)\<script\>" in text
    assert "<script" not in text.replace(r"\<script", "")
    assert r"| b\|\_vtn |" in text


def test_the_page_needs_nothing_from_elsewhere(folder):
    add_model(folder / "a_vtn")
    add_model(folder / "b_vtn", wrong=NAMES[:3], subset="testing")
    board(folder)
    html = Page((folder / "leaderboard.html").read_text())
    links = [attrs[name] for _, attrs in html.tags for name in ("src", "href") if name in attrs]
    assert [link for link in links if not link.startswith("#")] == ["data:,"]
    assert {tag for tag, _ in html.tags}.isdisjoint({"img", "iframe", "object", "base"})
    policy = next(attrs["content"] for _, attrs in html.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert "url(" not in (folder / "leaderboard.html").read_text()


def test_the_page_has_the_figures_and_values_to_sort_by(folder):
    add_model(folder / "a_vtn", wrong=NAMES[:1], seconds=0.0)
    add_model(folder / "b_vtn", wrong=NAMES[:9])
    rows = board(folder)
    html = Page((folder / "leaderboard.html").read_text())
    cells = [attrs for tag, attrs in html.tags if "data-value" in attrs]
    heads = [attrs for tag, attrs in html.tags if (tag, attrs.get("scope")) == ("th", "col")]
    buttons = [attrs for tag, attrs in html.tags if tag == "button" and "title" in attrs]
    assert len(heads) == len(buttons)
    values = [attrs["data-value"] for attrs in cells]
    assert values[:4] == ["1", "a_vtn", "0.95", rows[0]["accuracy_low"]]
    assert "-0.4" in values
    ranking = (folder / "leaderboard.md").read_text().split("##")[0]
    assert "training" in ranking
    assert [line.split("|")[-2].strip() for line in ranking.splitlines() if "_vtn |" in line] == ["-", "90 seconds"]
    assert [tag for tag, _ in html.tags].count("svg") == 2
    assert [attrs.get("tabindex") for tag, attrs in html.tags if attrs.get("role") == "region"] == ["0", "0"]


def test_nothing_rounds_a_lost_video_away():
    assert [coverage_in_words(share) for share in (1.0, 19_999 / 20_000, 0.29)] == ["100.0 %", "99.9 %", "29.0 %"]


def test_a_page_without_an_interval_to_draw_is_one(folder):
    score = Score(
        accuracy=1.0, interval=Interval(1.0, 1.0), coverage=1.0, num_videos=9, subset="testing", is_chosen_here=False
    )
    row = Row(name="a", rank=1, score=score, against_best=None, cost=Cost(), made=Made(), reason=None)
    assert 'x1="0.0" x2="0.0"' in as_page("mine", [row], outdated=None)
