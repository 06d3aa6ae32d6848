"""Sweeps: which combinations there are, how each is called, what is refused, and what a summary says of them."""

import json
import re
from dataclasses import replace

import pandas as pd
import pytest
import yaml
from evaluations import evaluation, scores
from test_records import EXAMPLES

from kinema.cli import main
from kinema.experiment.assigned import checked, joined, read_assigned, setting_fields, split_assigned
from kinema.experiment.files import ConfigError, load_config, read_yaml
from kinema.experiment.resolve import resolve
from kinema.experiment.scoring import scored_json
from kinema.experiment.starts import start_files, trained_behind
from kinema.experiment.sweeps import compared_files, points
from kinema.experiment.targets import check_spellings, check_target
from kinema.input_error import InputError
from kinema.outcome.show import told_at_the_end
from kinema.sweep.summary import write_sweep

NET = "efficientnet_lite0_vtn"
GRID = {"training.lr": [1e-5, 1e-4], "training.freeze_encoder_epochs": [0, 5]}
RATES = {"low": 1e-5, "high": 1e-2, "log": True}


def config_of(sweep, *, path="list.csv", **others):
    mine = {"annotations": {"path": path}, "videos": "videos", "crossval": {"num_folds": 2}}
    variants = {"slow": {"training": {"lr": 1e-6, "epochs": 7}}}
    return load_config(
        {"dataset_dir": "none", "datasets": {"mine": mine}, "variants": variants, "sweeps": {"lr": sweep}, **others}
    )


def names(sweep) -> list[str]:
    return [joined(None, values) for values in config_of(sweep).sweeps["lr"].combinations]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "videos").mkdir()
    (tmp_path / "list.csv").write_text("video,label,subset\na,x,training\nb,y,validation\n")
    return tmp_path


def test_a_grid_has_each_value_with_each_by_one_name_whatever_the_spelling():
    of_grid = [
        f"training.freeze_encoder_epochs={epochs}+training.lr={rate}" for epochs in (0, 5) for rate in ("1e-05", 0.0001)
    ]
    assert names(GRID) == of_grid
    # YAML reads 1e-5 as a text
    other = yaml.safe_load("{training.freeze_encoder_epochs: ['5', 0], training.lr: [1.0e-4, 1e-5]}")
    assert other["training.lr"][1] == "1e-5"
    assert sorted(names(other)) == sorted(of_grid)


def test_what_is_drawn_depends_on_the_seed_alone():
    ranges = {
        "training.lr": RATES,
        "network.dropout": {"low": 0, "high": 0.5},
        "training.epochs": {"low": 5, "high": 7},
    }
    sweep = {**ranges, "training.optimizer": ["sgd", "adamw"], "draws": 40, "seed": 3}
    found = config_of(sweep).sweeps["lr"].combinations
    assert names(sweep) == names(dict(reversed(sweep.items())) | {"training.optimizer": ["adamw", "sgd"]})
    assert names(sweep | {"draws": 10}) == names(sweep)[:10], "more draws keep the first ones"
    assert not set(names(sweep | {"seed": 4})) & set(names(sweep))
    assert len(set(names(sweep))) == 40
    assert {values["training.epochs"] for values in found} == {5, 6, 7}
    assert {values["training.optimizer"] for values in found} == {"sgd", "adamw"}
    rates = sorted(values["training.lr"] for values in found)
    assert 1e-5 <= rates[0] < rates[-1] <= 1e-2
    assert 1e-4 < rates[20] < 1e-3, "the middle on a scale of logarithms"
    assert all(len(text.partition("=")[2]) <= 9 for name in names(sweep) for text in name.split("+")), "short to type"
    narrow = {"training.ema_decay": {"low": 0.999, "high": 0.9999}, "draws": 20}
    assert len(set(names(narrow))) == 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{training.lrr: [1]}", r"training\.lrr: no setting has this name; did you mean 'training\.lr'\?"),
        ("{lr: [1]}", r"lr: no setting has this name; did you mean 'training\.lr'\?"),
        ("{batch_size: [1]}", r"did you mean 'training\.batch_size' or 'evaluation\.batch_size'\?"),
        ("{media.short_side: [128]}", r"no setting has this name\. The settings of models are those of config/README"),
        ("{draw: 4, training.lr: [1]}", r"draw: no setting has this name; did you mean 'draws'\?"),
        ("{training.lr: 1e-4}", r"training\.lr: expected a list of values, .* or with `draws` a range, .*found '1e-4'"),
        ("{training.lr: []}", r"training\.lr: expected a list of values"),
        ("{training.lr: [1, fast]}", r"training\.lr\.1: .*valid number.*; found 'fast' \(str\)"),
        ("{training.lr: [1, 5000]}", r"training\.lr\.1: .*less than or equal to 1000; found 5000"),
        ("{training.epochs: [true]}", r"training\.epochs\.0: expected a number; found True"),
        ("{training.lr: [0.0001, 1e-4]}", r"training\.lr: expected each value once; found"),
        ("{training.lr: {low: 1, high: 2}}", r"training\.lr: a range needs `draws`, how many are drawn; found"),
        (
            "{draws: 2, training.lr: {low: 2, high: 1}}",
            r"training\.lr: expected low < high, and 0 < low with log; found",
        ),
        ("{draws: 2, training.lr: {low: 0, high: 1}}", r"training\.lr\.low: .*greater than 0; found 0"),
        ("{draws: 2, training.lr: {lo: 0, high: 1}}", r"training\.lr\.lo: a range has low, high, log; found 0"),
        ("{draws: 2, training.epochs: {low: 1.5, high: 3}}", r"training\.epochs\.low: .*integer.*; found 1\.5"),
        ("{draws: 2, network.bidirectional: {low: 0, high: 1}}", r"network\.bidirectional: a range is for numbers"),
        ("{draws: 4, training.epochs: [1, 2]}", r"draws: expected 4 different combinations; 400 draws gave 2; found 4"),
        ("{augmentation.crop_area: [[0.1, 1]]}", r"crop_area\.0: expected a number, .* or a word, .*as `variants`"),
        ("{training.init_from: [a/b.pth]}", r"init_from\.0: expected a number, .* or a word"),
        ("{}", r": expected settings with their values, as training\.lr"),
        ("[1]", r": expected a section"),
        ("{choose_on: testing, training.lr: [1]}", r"choose_on: .*'validation' or 'crossval'; found 'testing'"),
        (
            f"{{training.epochs: {list(range(1, 41))}, training.seed: {list(range(40))}}}",
            r"1,600 combinations, expected",
        ),
    ],
)
def test_a_wrong_sweep_is_told_in_one_line(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(f"sweeps: {{lr: {text}}}")
    with pytest.raises(ConfigError, match=rf"^[^\n]*bad\.yaml: sweeps\.lr[^\n]*{message}[^\n]*$"):
        load_config(read_yaml(path), files=[path], root=tmp_path)


def test_settings_in_a_name_come_last_and_stand_in_no_configuration(project):
    config = config_of(GRID, training={"batch_size": 3})
    training = resolve(config, "mine", f"{NET}@slow+training.lr=0.5+training.weight_decay=0.0").settings.training
    assert (training.lr, training.weight_decay, training.epochs, training.batch_size) == (0.5, 0.0, 7, 3)
    inner = resolve(config, "mine", f"{NET}@deployment.int8.calibration_clips=5").settings.deployment.int8
    assert inner.calibration_clips == 5
    assert resolve(config, "mine", f"{NET}@training.ema_decay=null").settings.training.ema_decay is None
    streams = start_files(config, "mine", f"{NET}_two_stream@training.lr=0.5/crossval/fold1-seed1")
    assert streams["rgb"] == f"results/mine/{NET}@training.lr=0.5/crossval/fold1-seed1/model.pth"


def test_every_setting_that_is_a_number_or_a_word_can_stand_in_a_name():
    held = {
        key: field.default for key, field in setting_fields().items() if not isinstance(field.default, tuple | list)
    }
    assert len(held) > 80
    for key, default in held.items():
        name = joined(None, {key: checked(key, default)})
        assert read_assigned(split_assigned(name)[1]) == {key: default}


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        (
            "training.lr=1e-5",
            r"the name of this experiment is 'efficientnet_lite0_vtn@training\.lr=1e-05'; ask for that",
        ),
        ("training.lr=0.1+training.epochs=3", r"is '.*@training\.epochs=3\+training\.lr=0\.1'; ask for that"),
        ("training.lr=0.1+training.lr=0.1", r"is '.*@training\.lr=0\.1'; ask for that"),
        ("training.lrr=1", r"no setting has the name 'training\.lrr'; did you mean 'training\.lr'"),
        ("training.lr=fast", r"training\.lr: .*valid number.*; found 'fast'"),
        ("slov+training.lr=0.1", r"unknown variant 'slov' in .*; did you mean 'slow'"),
        ("training.lr", r"unknown variant 'training\.lr'"),
        ("network.num_heads=7", r"network: num_heads \(7\) must divide embedding \(512\)"),
    ],
)
def test_a_wrong_name_is_told_in_one_line(variant, message):
    with pytest.raises(ConfigError, match=rf"^[^\n]*{message}[^\n]*$"):
        resolve(config_of(GRID), "mine", f"{NET}@{variant}")


def test_a_sweep_is_made_of_its_combinations(project):
    target, config = f"results/mine/{NET}/sweep-lr/summary.md", config_of(GRID)
    check_target(config, target)
    found = points(config, "mine", NET, "lr")
    assert found[f"{NET}@training.freeze_encoder_epochs=5+training.lr=1e-05"] == {
        "training.freeze_encoder_epochs": "5",
        "training.lr": "1e-05",
    }
    assert trained_behind(config, [target]) == [("mine", name) for name in found]
    assert f"results/mine/{next(iter(found))}/evaluation.json" in compared_files(config, "mine", NET, "lr")
    assert json.loads(scored_json(config, [target], "mine")) == [["testing", "validation"], ["validation"]]
    assert scored_json(config, [target], "other") == "[]"
    of_variant = points(config, "mine", f"{NET}@slow+training.epochs=3", "lr")
    rest = "training.freeze_encoder_epochs=0+training.lr=1e-05"
    assert next(iter(of_variant)) == f"{NET}@slow+training.epochs=3+{rest}"


def test_a_sweep_that_a_cross_validation_judges_is_made_of_every_fold(project):
    target, config = f"results/mine/{NET}/sweep-lr/summary.csv", config_of({**GRID, "choose_on": "crossval"})
    check_target(config, target)
    found = points(config, "mine", NET, "lr")
    assert compared_files(config, "mine", NET, "lr") == [f"results/mine/{one}/crossval/summary.json" for one in found]
    assert trained_behind(config, [target]) == [
        ("mine", f"{one}/crossval/fold{fold}-seed1") for one in found for fold in (0, 1)
    ]
    assert scored_json(config, [target], "mine") == "[]"


def test_a_sweep_needs_the_videos_that_its_combinations_are_scored_on(project):
    """Else all of them are trained before the first evaluation tells that there are none."""
    target = f"results/mine/{NET}/sweep-lr/summary.md"
    tested = config_of(GRID, evaluation={"subset": "testing"})
    assert json.loads(scored_json(tested, [target], "mine")) == [["testing, labelled or not"], ["validation"]]
    swept = config_of({"evaluation.subset": ["training", "validation"]})
    needed = [["training, labelled or not"], ["validation"], ["validation, labelled or not"]]
    assert json.loads(scored_json(swept, [target], "mine")) == needed


LONG = {key: [1] for key, field in setting_fields().items() if key.startswith("training") and field.annotation is int}


@pytest.mark.parametrize(
    ("sweep", "place", "message"),
    [
        (GRID, f"{NET}/sweep-l", r"unknown sweep 'l'; did you mean 'lr'\? Configured under `sweeps`: lr\."),
        (GRID, f"{NET}@slov/sweep-lr", r"unknown variant 'slov'; did|unknown variant 'slov' in .*did you mean 'slow'"),
        (GRID, f"{NET}@training.lr=0.1/sweep-lr", r"training\.lr stands in the name '.*' already"),
        (
            {"training.seed": [1], "choose_on": "crossval"},
            f"{NET}/sweep-lr",
            r"training\.seed is set by a cross-validat",
        ),
        (
            {"training.schedule": ["plateau"], "choose_on": "crossval"},
            f"{NET}/sweep-lr",
            r"training.schedule is plateau",
        ),
        ({"network.num_heads": [7]}, f"{NET}/sweep-lr", r"num_heads \(7\) must divide embedding"),
        ({"training.teacher": ["resnet34_vtm"]}, f"{NET}/sweep-lr", r"did you mean 'resnet34_vtn'"),
        (LONG, f"{NET}/sweep-lr", r"would be the name of a folder, of more than 200 characters"),
    ],
)
def test_what_cannot_be_swept_is_told_before_anything_runs(project, sweep, place, message):
    with pytest.raises(ConfigError, match=message):
        check_target(config_of(sweep), f"results/mine/{place}/summary.md")


def test_a_name_is_no_longer_than_file_systems_take(project):
    name = f"{NET}@{joined(None, {key: values[0] for key, values in LONG.items()})}"
    assert len(name) > 200
    with pytest.raises(ConfigError, match="would be the name of a folder, of more than 200 characters; write settings"):
        check_target(config_of(GRID), f"results/mine/{name}/model.xml")


def test_validation_videos_choose_only_where_there_are_some(project):
    (project / "other.csv").write_text("video,label,subset\na,x,training\nb,y,testing\n")
    target = f"results/mine/{NET}/sweep-lr/summary.md"
    with pytest.raises(
        ConfigError, match=r"sweeps\.lr: choose_on is validation, .* or set sweeps\.lr\.choose_on to cr"
    ):
        check_target(config_of(GRID, path="other.csv"), target)
    check_target(config_of({**GRID, "choose_on": "crossval"}, path="other.csv"), target)


@pytest.mark.parametrize(
    "targets",
    [
        [f"results/mine/{NET}/model.xml", "results/mine/efficientnet-lite0_vtn/evaluation.json"],
        [f"results/mine/{NET}@slow/model.xml", "results/mine/efficientnet-lite0_vtn@slow/crossval/summary.json"],
        [f"results/mine/{NET}_two_stream/model.xml", "results/mine/efficientnet-lite0_vtn/model.xml"],
    ],
)
def test_two_spellings_of_a_model_in_one_command_are_refused(project, targets):
    config = config_of(GRID)
    for target in targets:
        check_target(config, target)
        check_spellings(config, [target, target])
    with pytest.raises(
        ConfigError, match=r"this model is asked for as results/mine/.*, too, as `-` and `_` are the same"
    ):
        check_spellings(config, targets)
    check_spellings(config, [targets[0], "results/mine/efficientnet-lite0_vtn@training.lr=0.5/model.xml"])


def add_point(folder, rate: str, hits: int, *, chosen=()):
    """A model of the sweep, with scores of 20 validation videos, and better ones of testing videos."""
    place = folder / f"{NET}@training.lr={rate}"
    counts = {"push": 10, "wave": 10}
    found = evaluation("testing", scores(20 - hits, counts))
    subsets = {**found.subsets, "validation": scores(hits, counts, chosen=list(chosen))}
    replace(found, subsets=subsets).write(place / "evaluation.json")
    EXAMPLES["training.json"].write(place / "training.json")
    return place.name, {"training.lr": rate}


def summed_up(folder, rows, choose_on="validation"):
    place = folder / NET / "sweep-lr"
    write_sweep(
        folder=folder,
        model_name=NET,
        sweep="lr",
        points=dict(rows),
        choose_on=choose_on,
        csv_path=place / "summary.csv",
        markdown_path=place / "summary.md",
    )
    return pd.read_csv(place / "summary.csv"), (place / "summary.md").read_text()


def test_validation_videos_choose_and_testing_videos_do_not(project):
    folder = project / "results/mine"
    rows = [
        add_point(folder, "1e-05", 12, chosen=["training.keep: best"]),
        add_point(folder, "0.0001", 18),
        add_point(folder, "0.001", 12),
    ]
    table, text = summed_up(folder, rows)
    assert table["training.lr"].tolist() == [1e-4, 1e-3, 1e-5]
    assert table["rank"].tolist() == [1, 2, 2]
    assert table["video_top1"].tolist() == [0.9, 0.6, 0.6]
    assert (table["low"] < table["video_top1"]).all()
    assert set(table["choose_on"]) == {"validation"}
    assert table["is_chosen_on_these"].tolist() == ["no", "no", "yes"]
    best = (
        f"{NET}@training.lr=0.0001 is the best of 3: 0.90 of 20 validation videos right (95 % interval 0.70 to 0.97); "
        "chosen on the validation subset, testing videos had no say"
    )
    assert best in text
    assert re.search(r"\|    2 \|\s+1e-05 \|\s+0\.600\* \|", text)
    assert f"{folder}/{NET}@training.lr=0.0001/model.xml" in text
    target = f"results/mine/{NET}/sweep-lr/summary.md"
    assert " ".join(" ".join(told_at_the_end([target], {})).split()).startswith(
        f"results/mine/{NET}/sweep-lr best {best}"
    )


def test_as_many_right_is_as_good(project, capsys):
    folder = project / "results/mine"
    _, text = summed_up(folder, [add_point(folder, rate, 15) for rate in ("1e-05", "0.0001", "0.001")])
    assert "is the best of 3, and 2 more with as many right: 0.75 of 20" in text
    assert "The interval of the best reaches down to 2 of the 2 others" in text
    assert main(["show", f"results/mine/{NET}/sweep-lr"]) == 0
    assert "and 2 more with as many right" in " ".join(capsys.readouterr().out.split())
    (folder / NET / "sweep-lr/summary.csv").write_text("rank\n")
    assert main(["show", f"results/mine/{NET}/sweep-lr"]) == 2
    assert "is no table of a sweep; delete it" in capsys.readouterr().err


def test_a_cross_validation_chooses_where_it_is_asked(project):
    folder, rows = project / "results/mine", []
    for rate, mean in (("1e-05", 0.5), ("0.0001", 0.75)):
        record = EXAMPLES["summary.json"]
        top1 = replace(record.video_top1, mean=mean)
        name = f"{NET}@training.lr={rate}"
        replace(record, model=name, video_top1=top1).write(folder / name / "crossval/summary.json")
        rows.append((name, {"training.lr": rate}))
    table, text = summed_up(folder, rows, choose_on="crossval")
    assert table["video_top1"].tolist() == [0.75, 0.5]
    assert table["fold_deviation"].notna().all()
    assert "chosen by cross-validation of the training and validation videos, testing videos had no say" in text
    assert "deviation of folds" in text


def test_a_combination_without_scores_of_validation_videos_is_told(project):
    folder = project / "results/mine"
    row = add_point(folder, "0.001", 12)
    evaluation("testing", scores(12, {"push": 20})).write(folder / row[0] / "evaluation.json")
    with pytest.raises(InputError, match=r"evaluation\.json: has no scores of validation videos, which are to choose"):
        summed_up(folder, [row])
