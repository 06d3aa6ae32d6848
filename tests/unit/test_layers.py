"""What a person lays over the configuration for one run wins over the files of the project."""

from pathlib import Path

import pytest
import yaml

from kinema.cli import main
from kinema.experiment.files import ConfigError, load_config, load_config_files
from kinema.experiment.layers import unmatched
from kinema.experiment.resolve import dataset_settings, media_of, resolve

MODEL = "resnet34_vtn"
BASE = Path("config/config.yaml")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with config.yaml and one data set, which sets epochs, and an override, which sets the rate."""
    monkeypatch.chdir(tmp_path)
    write("config/config.yaml", training={"epochs": 30, "lr": 0.1}, overrides=[{"training": {"lr": 0.2}}])
    own = {"training": {"epochs": 5, "batch_size": 4}, "clip": {"length": 8}, "media": {"short_side": 64}}
    write("config/datasets/mine.yaml", videos="v", annotations={"format": "table", "path": "list.csv"}, **own)


def write(path, **values):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(yaml.safe_dump(values))
    return Path(path)


def resolved(*files, model=MODEL):
    config = load_config_files([BASE, *files])
    return resolve(config, "mine", model).settings


def test_a_laid_over_file_wins_over_the_file_of_the_data_set_and_over_overrides(project):
    plain = resolved().training
    assert (plain.epochs, plain.lr, plain.batch_size) == (5, 0.2, 4)
    training = resolved(write("over.yaml", training={"epochs": 7, "lr": 0.3})).training
    assert (training.epochs, training.lr, training.batch_size) == (7, 0.3, 4)


def test_the_file_of_the_project_named_for_a_run_is_none_that_is_laid_over(project):
    assert resolved(BASE, Path.cwd() / BASE).training == resolved().training


def test_a_data_set_that_is_not_there_is_told(project):
    over = write("over.yaml", datasets={"mime": {"training": {"epochs": 7}}})
    expected = r"over\.yaml: datasets\.mime: no data set has this name; did you mean 'mine'\? There are mine; a new one"
    with pytest.raises(ConfigError, match=expected):
        resolved(over)


def test_the_last_of_several_files_wins(project):
    first = write("first.yaml", training={"epochs": 7, "lr": 0.3})
    assert resolved(first, write("second.yaml", training={"epochs": 8})).training.epochs == 8
    assert resolved(first, write("second.yaml", clip={"stride": 4})).training.epochs == 7


def test_within_a_file_the_data_set_wins_and_overrides_over_that(project):
    over = {"training": {"epochs": 7}, "datasets": {"mine": {"training": {"epochs": 8}}}}
    assert resolved(write("over.yaml", **over)).training.epochs == 8
    over["overrides"] = [{"model": "resnet34*", "training": {"epochs": 9}}, {"model": "i3d", "training": {"epochs": 1}}]
    assert resolved(write("over.yaml", **over)).training.epochs == 9


def test_overrides_are_added_to_those_below(project):
    training = resolved(write("over.yaml", overrides=[{"training": {"weight_decay": 0.5}}])).training
    assert (training.lr, training.weight_decay) == (0.2, 0.5)


def test_variants_are_added_and_win(project):
    first = write("first.yaml", variants={"long": {"training": {"epochs": 90}}}, training={"epochs": 7})
    second = write("second.yaml", variants={"hot": {"training": {"lr": 0.9}}})
    assert resolved(first, second, model=f"{MODEL}@long").training.epochs == 90
    assert resolved(first, second, model=f"{MODEL}@hot").training.lr == 0.9


def test_frames_and_settings_of_a_whole_data_set_follow(project):
    over = write("over.yaml", media={"short_side": 128}, clip={"length": 4})
    config = load_config_files([BASE, over])
    assert media_of(config, "mine").short_side == 128
    assert dataset_settings(config, "mine").clip.length == 4
    assert media_of(load_config_files([BASE]), "mine").short_side == 64


def test_the_command_line_wins_over_files(project):
    files, values = [BASE, write("over.yaml", training={"epochs": 7})], {"training": {"epochs": 6, "lr": 0.1}}
    config = load_config(values, files=files, command_line={"training": {"epochs": 6}})
    assert resolve(config, "mine", MODEL).settings.training.epochs == 6


def test_a_mistake_in_a_file_is_told_with_its_place(project):
    for values, place in [
        ({"datasets": {"mine": {"training": {"epoch": 3}}}}, "over.yaml: datasets.mine.training.epoch: unknown key"),
        ({"overrides": [{"training": {"lr": "fast"}}]}, "over.yaml: overrides.0.training.lr:"),
        ({"training": {"epochs": 0}}, "over.yaml: training.epochs:"),
    ]:
        with pytest.raises(ConfigError) as error:
            resolved(write("over.yaml", **values))
        assert str(error.value).startswith(place)
        assert "\n" not in str(error.value)


def test_an_override_of_no_data_set_is_told(project):
    over = write("over.yaml", overrides=[{"dataset": "mine"}, {"dataset": "mime*"}])
    (line,) = unmatched(load_config_files([BASE, over]))
    assert line == "over.yaml: overrides.1.dataset: 'mime*' matches no data set; there are mine."
    assert not unmatched(load_config_files([BASE]))


def test_the_command_prints_where_each_value_comes_from(project, capsys):
    write("over.yaml", training={"weight_decay": 0.5}, variants={"hot": {"training": {"seed": 3}}})
    assert main(["experiment", "mine", f"{MODEL}@hot", "--configfile", "over.yaml"]) == 0
    text = capsys.readouterr().out
    assert yaml.safe_load(text)["training"]["weight_decay"] == 0.5
    places = dict(line.strip().split(":", 1) for line in text.splitlines() if "  # " in line)
    found = {key: places[key].partition("  # ")[2] for key in ("epochs", "lr", "weight_decay", "seed", "optimizer")}
    assert found == {
        "epochs": "data set mine",
        "lr": "config.yaml, overrides.0",
        "weight_decay": "over.yaml",
        "seed": "variant hot",
        "optimizer": "default",
    }
