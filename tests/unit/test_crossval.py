"""Folds: who is dealt where, what a fold is as an experiment, and what is made of the answers of all of them."""

import json
from collections import Counter
from dataclasses import replace
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_records import EXAMPLES

from kinema.clips.parts import num_annotated
from kinema.clips.table import ClipIndex, labels_of, mapped_path, parts_path, subsets_of
from kinema.crossval import markdown, table
from kinema.crossval.answers import OUT_OF_FOLD
from kinema.crossval.folds import deal, units_of, write_fold
from kinema.crossval.summary import SummaryFiles, write_summary
from kinema.crossval.table import write_table
from kinema.evaluation.schema import PREDICTIONS
from kinema.experiment.behind import names_behind
from kinema.experiment.crossval import fold_names
from kinema.experiment.data_sections import Clip, CrossValidation
from kinema.experiment.files import ConfigError, load_config
from kinema.experiment.folds import Fold, index_folder, split_fold
from kinema.experiment.resolve import resolve
from kinema.experiment.starts import start_files, trained_behind
from kinema.experiment.targets import check_target
from kinema.input_error import InputError
from kinema.outcome.show import show, told_at_the_end
from kinema.records.crossval import CrossValidation as Summary
from kinema.records.training import Training

NET = "efficientnet_lite0_vtn"
FIRST = f"{NET}@slow/crossval/fold0-seed1"
SUMMARY = f"results/mine/{NET}/crossval/summary.json"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "list.csv").write_text("video,label,subset\na,x,training\nb,y,validation\n")


def load(**mine):
    base = {"annotations": {"path": "list.csv"}, "videos": "videos", "crossval": {"num_folds": 2, "seeds": [1, 4]}}
    student = {"training": {"teacher": "resnet34_vtn@slow"}, "network": {"encoder_weights": "none"}}
    variants = {"slow": {"training": {"lr": 1e-6}}, "student": student}
    return load_config({"dataset_dir": "none", "datasets": {"mine": base | mine}, "variants": variants})


def test_groups_are_dealt_whole_and_every_class_to_every_fold():
    rng = np.random.default_rng(0)
    units = np.repeat(np.arange(60), rng.integers(1, 8, 60))
    classes = rng.integers(0, 3, 60)[units]  # a group is of one class
    folds = deal(classes, units, num_folds=4, seed=1)
    assert all(len(set(folds[units == unit])) == 1 for unit in range(60))
    counts = np.array([np.bincount(classes[folds == fold], minlength=3) for fold in range(4)])
    assert (np.abs(counts - counts.mean(axis=0)) <= 4).all(), "as even as groups of up to seven videos allow"
    assert (deal(classes, units, num_folds=4, seed=1) == folds).all()
    assert (deal(classes, units, num_folds=4, seed=2) != folds).any()


def test_single_videos_are_dealt_evenly():
    classes = np.repeat([0, 1, 2], [40, 10, 3])
    folds = deal(classes, np.arange(53), num_folds=5, seed=3)
    assert sorted(Counter(folds[classes == 0].tolist()).values()) == [8] * 5
    assert sorted(Counter(folds[classes == 1].tolist()).values()) == [2] * 5
    assert sorted(Counter(folds.tolist()).values()) == [10, 10, 11, 11, 11]


def test_what_shares_a_group_a_file_or_its_bytes_stays_together():
    facts = pd.DataFrame(
        {
            "group": ["anna", "anna", None, None, None, None],
            "path": ["a.mp4", "b.mp4", "b.mp4", "c.mp4", "d.mp4", "e.mp4"],
            "content": ["1", "2", "3", "3", "5", None],
        }
    )
    assert units_of(facts).tolist() == [0, 0, 0, 0, 4, 5]


def test_the_index_of_a_fold_holds_out_its_videos_for_testing(prepared, tmp_path):
    held_out, clip = [], Clip(length=4, stride=2, size=32, num_test_clips=2)
    for fold in range(2):
        out = tmp_path / f"fold{fold}/clips.parquet"
        dealing = CrossValidation(num_folds=2)
        write_fold(clips_path=prepared / "clips.parquet", fold=fold, dealing=dealing, clip=clip, out=out)
        assert subsets_of(out) == ["testing", "training"]
        rows = pq.read_table(out).to_pandas()
        testing = rows[rows["subset"] == "testing"]
        assert (testing.groupby("video")["clip"].count() == 2).all()
        held_out.append(set(testing["video"]))
        assert not held_out[-1] & set(rows.loc[rows["subset"] == "training", "video"])
        assert ClipIndex(mapped_path(out), "training").labels == labels_of(prepared / "clips.parquet")
        assert num_annotated(parts_path(out), "testing") == len(held_out[-1])
    whole = pq.read_table(prepared / "clips.parquet", filters=[("clip", "=", 0)]).to_pandas()
    known = whole[whole["subset"].isin(["training", "validation"]) & (whole["label_index"] >= 0)]
    assert held_out[0] | held_out[1] == set(known["video"])
    assert not held_out[0] & held_out[1]
    with pytest.raises(InputError, match=r"num_folds is 99, and its training and validation videos are of \d+ groups"):
        write_fold(
            clips_path=prepared / "clips.parquet", fold=0, dealing=CrossValidation(num_folds=99), clip=clip, out=out
        )


def test_a_fold_is_an_experiment_of_its_own_seed_that_no_held_out_video_chooses(project):
    config = load(training={"seed": 9, "keep": "best"}, evaluation={"subset": "validation"})
    experiment = resolve(config, "mine", FIRST)
    assert experiment.model_name == NET
    training = experiment.settings.training
    assert (training.seed, training.keep, training.lr) == (1, "last", 1e-6)
    assert experiment.settings.evaluation.subset == "testing"
    assert split_fold(FIRST) == (f"{NET}@slow", Fold(0, 1))
    assert split_fold(NET) == (NET, None)
    assert split_fold(f"{NET}/crossval/fold01-seed1") == (f"{NET}/crossval/fold01-seed1", None), "one spelling"
    assert index_folder("mine", FIRST) == "results/mine/crossval/fold0"
    assert index_folder("mine", NET) == "results/mine"


def test_a_summary_is_made_of_every_fold_with_every_seed(project):
    names = [f"{NET}/crossval/fold{fold}-seed{seed}" for seed in (1, 4) for fold in (0, 1)]
    assert fold_names(load(), "mine", NET) == names == names_behind(load(), SUMMARY)
    assert trained_behind(load(), [SUMMARY]) == [("mine", name) for name in names]
    assert names_behind(load(), f"results/mine/{names[3]}/model.pth") == [names[3]]
    assert names_behind(load(), f"results/mine/{NET}/report/index.html") == [NET]
    for target in (SUMMARY, f"results/mine/{names[0]}/evaluation.json", "results/mine/crossval/fold0/clips.parquet"):
        check_target(load(), target)


def test_teacher_and_streams_of_a_fold_are_of_the_same_fold(project):
    fold = "crossval/fold1-seed4"
    starts = start_files(load(), "mine", f"resnet18_vtn@student/{fold}")
    assert starts == {"training.teacher": f"results/mine/resnet34_vtn@slow/{fold}/model.pth"}
    streams = start_files(load(), "mine", f"{NET}_two_stream@slow/{fold}")
    assert streams == {
        "rgb": f"results/mine/{NET}@slow/{fold}/model.pth",
        "motion": f"results/mine/{NET}_rgbdiff@slow/{fold}/model.pth",
    }
    behind = trained_behind(load(training={"joint": True}), [f"results/mine/{NET}_two_stream/{fold}/evaluation.json"])
    assert behind == [("mine", f"{name}/{fold}") for name in (f"{NET}_two_stream", NET, f"{NET}_rgbdiff")]


@pytest.mark.parametrize(
    ("mine", "target", "match"),
    [
        ({}, f"results/mine/{NET}/crossval/fold2-seed1/model.pth", "no fold 2; crossval.num_folds is 2, .* 0 to 1"),
        ({}, "results/mine/resnet18_vtm/crossval/summary.json", "did you mean 'resnet18_vtn'"),
        ({"training": {"schedule": "plateau"}}, SUMMARY, "training.schedule is plateau"),
    ],
)
def test_what_cannot_be_cross_validated_is_told_before_anything_runs(project, mine, target, match):
    with pytest.raises(ConfigError, match=match):
        check_target(load(**mine), target)


def test_seeds_differ():
    with pytest.raises(ConfigError, match=r"crossval\.seeds: expected each seed once; found \[1, 1\]"):
        load(crossval={"seeds": [1, 1]})
    with pytest.raises(ConfigError, match=r"variants\.slow\.crossval: unknown key"):
        load_config({"dataset_dir": "none", "variants": {"slow": {"crossval": {"num_folds": 3}}}})


LABELS = ("push", "wave")
VIDEOS = [f"v{number}" for number in range(8)]


def add_fold(folder, name, *, wrong):
    """The files of a fold, of the videos whose number has its remainder."""
    _, fold = split_fold(name)
    videos = VIDEOS[fold.number :: 2]
    true = {video: LABELS[int(video[1]) // 4] for video in videos}
    said = {video: LABELS[1 - LABELS.index(true[video])] if video in wrong else true[video] for video in videos}
    rows = pd.DataFrame({"video": videos, "label": list(true.values()), "predicted": list(said.values())})
    rows = rows.assign(
        subset="testing", correct=rows["label"] == rows["predicted"], probability=0.75, confidence=0.5, num_clips=2,
        agreement=1.0, path=rows["video"] + ".mp4", group=[f"g{int(video[1]) // 2}" for video in videos],
        rank=1 + (rows["label"] != rows["predicted"]), evidence=None,
        **{key: [[0.75, 0.25]] * len(rows) for key in ("probabilities", "logits", "top5_probabilities")},
        top5_labels=[list(LABELS)] * len(rows),
    )  # fmt: skip
    (folder / name).mkdir(parents=True)
    table = pa.Table.from_pandas(rows, schema=PREDICTIONS, preserve_index=False)
    pq.write_table(table, folder / name / "predictions.parquet")
    training = json.loads(json.dumps(vars(EXAMPLES["training.json"]), default=vars)) | {"labels": list(LABELS)}
    (folder / name / "training.json").write_text(json.dumps({"record": Training.VERSION, **training}))


def summed_up(folder, *wrong, seeds=(1,)):
    """The record of a model that has videos wrong, by seed."""
    names = [f"{NET}/{Fold(number, seed)}" for seed in seeds for number in (0, 1)]
    for name, of_seed in zip(names, chain.from_iterable((one, one) for one in wrong), strict=True):
        add_fold(folder, name, wrong=of_seed)
    place = folder / NET / "crossval"
    out = SummaryFiles(place / "summary.json", place / "summary.md", place / "predictions.parquet")
    write_summary(folder=folder, names=names, annotated={"training": 9, "validation": 1}, out=out)
    return Summary.read(out.record_path)


def test_the_summary_of_one_seed(tmp_path):
    found = summed_up(tmp_path / "mine", ("v0", "v1", "v2"))
    assert (found.num_folds, found.seeds, found.num_videos, found.num_annotated) == (2, [1], 8, 10)
    assert (found.coverage, found.majority) == (0.8, 0.5)
    assert found.video_top1.mean == 5 / 8
    assert found.video_top1.seed_deviation is None
    assert [one.video_top1 for one in found.folds] == [0.5, 0.75]
    assert found.video_top1.fold_deviation == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert (found.intervals.units, found.intervals.num_units) == ("groups", 4)
    assert found.classes["push"].recall == 0.25
    assert found.classes["wave"].precision == 4 / 7
    assert found.classes["push"].called == {"wave": 3, "push": 1}
    assert found.training_seconds == 25.0
    rows = pq.read_table(tmp_path / "mine" / NET / "crossval/predictions.parquet")
    assert rows.schema.equals(OUT_OF_FOLD)
    assert rows["video"].to_pylist() == VIDEOS
    assert rows["fold"].to_pylist() == [0, 1] * 4
    text = (tmp_path / "mine" / NET / "crossval/summary.md").read_text()
    assert f"{NET} has 0.62 of 8 videos right (95 % interval " in text
    assert "| push  |" in text


def test_a_model_that_joins_others_has_no_time_of_training(tmp_path):
    found = summed_up(tmp_path / "mine", ("v0",))
    assert "25 seconds of training in all." in markdown.as_markdown("mine", found)
    assert table.as_markdown("mine", [found]).count(" | 25 seconds |") == 1
    joined = replace(found, training_seconds=0.0)
    assert "No training of its own" in markdown.as_markdown("mine", joined)
    row = table.as_markdown("mine", [joined]).splitlines()[-3]
    assert row.startswith(f"| {NET} ")
    assert row.endswith(" - |")


def test_seeds_are_averaged_and_their_answers_to_a_video_are_no_further_videos(tmp_path):
    found = summed_up(tmp_path / "mine", ("v0", "v1"), ("v0", "v5", "v6", "v7"), seeds=(1, 2))
    alone = summed_up(tmp_path / "alone", ("v0", "v1"))
    assert found.video_top1.mean == 5 / 8
    assert found.video_top1.seed_deviation == pytest.approx(np.std([6 / 8, 4 / 8], ddof=1))
    assert found.num_videos == 8
    assert found.intervals.num_units == alone.intervals.num_units == 4
    assert found.classes["push"].num_videos == 4
    assert found.classes["push"].recall == 5 / 8
    assert found.classes["push"].recall_deviation == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert len(pq.read_table(tmp_path / "mine" / NET / "crossval/predictions.parquet")) == 16
    width = found.intervals.video_top1.high - found.intervals.video_top1.low
    assert width > 0.25, "16 answers of 4 groups say little"


def test_a_summary_is_shown_and_told_at_the_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    summed_up(tmp_path / "results/mine", ("v0", "v1", "v2"))
    (folder, accuracy, *_), is_whole = show(tmp_path / "results/mine" / NET)
    assert folder.endswith(f"{NET}/crossval")
    assert "0.62 of 8 videos right (95 % interval" in accuracy
    assert is_whole
    assert told_at_the_end([SUMMARY], {})[0] == f"results/mine/{NET}/crossval"


def test_folds_of_other_classes_are_refused(tmp_path):
    summed_up(tmp_path / "mine", ())
    path = tmp_path / "mine" / NET / "crossval/fold1-seed1/predictions.parquet"
    rows = pq.read_table(path)
    other = rows.set_column(rows.column_names.index("label"), "label", pa.array(["jump"] * len(rows)))
    pq.write_table(other.cast(PREDICTIONS), path)
    names = [f"{NET}/{Fold(number, 1)}" for number in (0, 1)]
    with pytest.raises(InputError, match="the folds do not have the same classes"):
        write_summary(folder=tmp_path / "mine", names=names, annotated={}, out=SummaryFiles(path, path, path))


def test_models_stand_side_by_side_the_best_first(tmp_path):
    summed_up(tmp_path / "mine", ("v0", "v1", "v2"))
    better = tmp_path / "mine/other/crossval"
    better.mkdir(parents=True)
    record = Summary.read(tmp_path / "mine" / NET / "crossval/summary.json")
    top1 = replace(record.video_top1, mean=0.75)
    replace(record, model="other", video_top1=top1, seeds=[2]).write(better / "summary.json")
    paths = {"csv_path": tmp_path / "summary.csv", "markdown_path": tmp_path / "summary.md"}
    write_table(folder=tmp_path / "mine", model_names=[NET, "other"], **paths)
    rows = pd.read_csv(tmp_path / "summary.csv")
    assert rows["model"].tolist() == ["other", NET]
    assert rows["video_top1"].tolist() == [0.75, 0.625]
    assert (rows["low"] < rows["high"]).all()
    text = (tmp_path / "summary.md").read_text()
    assert "other has 0.75 of 8 videos right" in text
    assert "Not all of these have the same videos, folds and seeds" in text
    with pytest.raises(InputError, match="no model there is cross-validated"):
        write_table(folder=tmp_path / "mine", model_names=[], **paths)


def test_a_table_is_made_of_the_models_that_are_listed(project):
    target = "results/mine/crossval/summary.md"
    config = load(leaderboard=[NET, f"{NET}@slow"])
    check_target(config, target)
    names = [
        f"{model}/crossval/fold{fold}-seed{seed}"
        for model in (NET, f"{NET}@slow")
        for seed in (1, 4)
        for fold in (0, 1)
    ]
    assert trained_behind(config, [target]) == [("mine", name) for name in names]
    with pytest.raises(ConfigError, match=r"no model there is cross-validated\. Name models in none/mine\.yaml"):
        check_target(load(), target)


def test_a_model_that_is_there_by_another_spelling_is_not_made_twice(project, tmp_path):
    there, target = tmp_path / "results/mine/efficientnet-lite0_vtn", f"results/mine/{NET}/evaluation.json"
    there.mkdir(parents=True)
    for asked in (target, SUMMARY):
        with pytest.raises(ConfigError, match=r"is there as results/mine/efficientnet-lite0_vtn, as `-` and `_` are"):
            check_target(load(), asked)
    check_target(load(), f"results/mine/{NET}@slow/evaluation.json")
    check_target(load(), "results/mine/efficientnet-lite0_vtn/evaluation.json")
    (tmp_path / "results/mine" / NET).mkdir()
    check_target(load(), target)
