"""The configuration tree: what it accepts, how settings resolve, and what it says when something is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kinema.cli import main
from kinema.experiment.config import Config
from kinema.experiment.files import ConfigError, load_config, read_yaml
from kinema.experiment.params import as_json, from_json, training_json, training_parts, untracked_json
from kinema.experiment.reference import with_reference
from kinema.experiment.resolve import (
    annotation_files,
    datasets_of,
    media_in,
    media_of,
    resolve,
    shards_of,
    weight_files,
)
from kinema.experiment.targets import check_target
from kinema.media.recipe import recipe_of
from kinema.models.names import EXPORT_OBSTACLES

REPOSITORY = Path(__file__).resolve().parents[2]
DATASET = {"annotations": {"path": "list.csv"}, "videos": "videos"}


def annotations(section: str) -> str:
    """The text of a configuration with one data set."""
    return f"datasets: {{x: {{videos: v, annotations: {section}}}}}"


def load(**values) -> Config:
    return load_config({"dataset_dir": "no/such/folder", "datasets": {"mine": DATASET}, **values})


def test_the_shipped_configuration_is_valid():
    path = REPOSITORY / "config/config.yaml"
    config = load_config(read_yaml(path), files=[path], root=REPOSITORY)
    assert "demo" in config.datasets
    assert resolve(config, "demo", "efficientnet_lite0_vtn@quick").settings.training.epochs == 1


@pytest.mark.real
@pytest.mark.parametrize(
    ("names", "corpus", "num_lists"),
    [
        (["kinetics"], "kinetics", 2),
        (["mini_kinetics"], "mini_kinetics", 2),
        (["ucf101_1", "ucf101_2", "ucf101_3"], "ucf101", 3),
        (["hmdb51_1", "hmdb51_2", "hmdb51_3"], "hmdb51", 51),
    ],
)
def test_shipped_data_sets_find_their_lists_once_they_are_there(
    shared, tmp_path, monkeypatch, names, corpus, num_lists
):
    path = REPOSITORY / "config/config.yaml"
    config = load_config(read_yaml(path), files=[path], root=REPOSITORY)
    assert datasets_of(config, corpus, recipe_of(media_of(config, names[0]))) == names
    monkeypatch.chdir(tmp_path)
    for name in names:
        with pytest.raises(ConfigError, match=rf"datasets\.{name}\.annotations\.path: 'data/{corpus}/annotations"):
            annotation_files(config, name)
    Path(f"data/{corpus}/videos").mkdir(parents=True)
    folder = Path(f"data/{corpus}/annotations")
    if corpus == "kinetics":
        folder.mkdir()
        for name in ("train", "val"):
            (folder / f"{name}.csv").symlink_to(shared / f"annotations/mini_kinetics_200/{name}_k200.csv")
    else:
        real = {"mini_kinetics": "mini_kinetics_200", "ucf101": "ucf101_lf", "hmdb51": "hmdb51"}[corpus]
        folder.symlink_to(shared / "annotations" / real)
    assert [len(annotation_files(config, name)) for name in names] == [num_lists] * len(names)


@pytest.mark.parametrize("path", sorted((REPOSITORY / "tests/configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_test_configuration_is_valid(path):
    load_config(read_yaml(path), files=[path], root=REPOSITORY)


def test_settings_resolve_from_the_general_to_the_particular():
    config = load(
        training={"lr": 0.1, "epochs": 3, "seed": 5},
        datasets={"mine": {**DATASET, "training": {"lr": 0.2, "batch_size": 4}}},
        overrides=[
            {"model": "resnet-34_*", "training": {"lr": 0.9}},
            {"model": "resnet34_*", "training": {"lr": 0.3, "weight_decay": 0.5}},
            {"dataset": "other", "training": {"epochs": 99}},
        ],
        variants={"hot": {"training": {"lr": 0.4}}},
    )
    training = resolve(config, "mine", "resnet34_vtn@hot").settings.training
    assert (training.lr, training.weight_decay, training.batch_size) == (0.4, 0.5, 4)
    assert (training.epochs, training.seed, training.optimizer) == (3, 5, "adamw")
    assert resolve(config, "mine", "resnet34_vtn").settings.training.lr == 0.3
    assert resolve(config, "mine", "efficientnet-lite0_vtn").settings.training.lr == 0.2


def test_dash_and_underscore_are_the_same_model():
    config = load()
    names = {resolve(config, "mine", name).model_name for name in ("efficientnet-lite0_vtn", "efficientnet_lite0-vtn")}
    assert names == {"efficientnet_lite0_vtn"}


@pytest.mark.parametrize(
    ("dataset", "model", "message"),
    [
        ("mine2", "resnet34_vtn", r"unknown data set 'mine2'; did you mean 'mine'\? Configured: mine"),
        ("mine", "resnet34_vtm", r"resnet34_vtm.*did you mean.*vtn"),
        ("mine", "resnet43_vtn", r"resnet43.*did you mean.*resnet34"),
        ("mine", "resnet34_vtn@slow", r"unknown variant 'slow' in 'resnet34_vtn@slow'; did you mean 'slower'\?"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(dataset, model, message):
    config = load(variants={"slower": {}})
    with pytest.raises(ConfigError, match=message):
        resolve(config, dataset, model)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: {lrr: 1}", r"bad\.yaml: training\.lrr: unknown key; did you mean 'lr'\? Known keys here: .*epochs"),
        ("training: {lr: fast}", r"bad\.yaml: training\.lr: .*number.*found 'fast' \(str\)"),
        ("training: 3", r"bad\.yaml: training: expected a section of `key: value` lines; found 3 \(int\)"),
        ("overrides: {a: 1}", r"bad\.yaml: overrides: expected a list; found"),
        ("training: {lr: true}", r"bad\.yaml: training\.lr: expected a number; found True"),
        ("training: {lr: .inf}", r"bad\.yaml: training\.lr: .*finite"),
        ("training: {gradient_clip: false}", r"bad\.yaml: training\.gradient_clip: expected a number; found False"),
        ("training: {seed: 4294967296}", r"bad\.yaml: training\.seed: .*less than 4294967296"),
        ("training: {teacher: ''}", r"bad\.yaml: training\.teacher: .*at least 1 character"),
        ("training: {lr: 0}", r"bad\.yaml: training\.lr: .*greater than 0; found 0"),
        ("training: {optimizer: lion}", r"bad\.yaml: training\.optimizer: .*'adamw', 'adam' or 'sgd'; found 'lion'"),
        ("network: {num_heads: 7}", r"bad\.yaml: network: num_heads \(7\) must divide embedding"),
        ("datasets: {x: {videos: v}}", r"bad\.yaml: datasets\.x\.annotations: .*required"),
        ("datasets: {'a/b': {}}", r"bad\.yaml: datasets\.a/b"),
        ("overrides: [{modle: x}]", r"bad\.yaml: overrides\.0\.modle: unknown key; did you mean 'model'"),
        ("augmentation: {crop_area: [true, 1]}", r"bad\.yaml: augmentation\.crop_area: expected a list of 2 numbers"),
        ("augmentation: {crop_area: [1]}", r"bad\.yaml: augmentation\.crop_area: expected a list of 2 numbers; found"),
        ("training: {lr_milestones: [true]}", r"bad\.yaml: training\.lr_milestones: expected a list of numbers"),
        ("datasets: {2019: {}}", r"^[^\n]*bad\.yaml: datasets\.2019: input should be a valid string[^\n]*$"),
        ("augmentation: {crop_area: [0.9, 0.1]}", r"crop_area is \[low, high\] with 0 < low <= high"),
        (
            annotations("{format: ucf101, path: x}"),
            r"bad\.yaml: datasets\.x\.annotations: format ucf101 needs `split`: 1, 2 or 3",
        ),
        (
            annotations("{format: kinetics, path: x, split: 1}"),
            r"`split` is for the formats ucf101 and hmdb51; kinetics has none",
        ),
        (annotations("{format: hmdb51, path: x, split: 4}"), r"annotations\.split: .*less than or equal to 3; found 4"),
        (annotations("{format: json, path: x, unit: frames}"), r"`unit` is for the format table; json has none"),
        (
            annotations("{format: hmdb51, path: [a, b], split: 1}"),
            r"`path` of format hmdb51 is a folder, found 2 paths",
        ),
        (annotations("{format: json, path: [a, b]}"), r"`path` of format json is one file, found 2 paths"),
        (annotations("{path: []}"), r"`path` of format table is a file, or several, found 0 paths"),
        (
            annotations("{format: mini_kinetics, path: [a.txt]}"),
            r"`path` holds only lists of ids \(\.txt\); add the Kinetics CSV",
        ),
        (annotations("{format: kinetic, path: x}"), r"annotations\.format: .*'table', 'kinetics'.*found 'kinetic'"),
        (
            annotations("{path: [a, 3]}"),
            r"bad\.yaml: datasets\.x\.annotations\.path: expected a path or a list of paths; found \['a', 3\]",
        ),
    ],
)
def test_mistakes_are_told_with_file_and_key(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(read_yaml(path), files=[path], root=tmp_path)


def test_a_mistake_in_a_data_set_file_names_that_file(tmp_path):
    folder = tmp_path / "config/datasets"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump({**DATASET, "num_shard": 3}))
    with pytest.raises(ConfigError, match=r"mine\.yaml: datasets\.mine\.num_shard: unknown key; did you mean 'num_s"):
        load_config({}, root=tmp_path)


def test_the_last_file_that_sets_a_key_is_named(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("training: {lr: 1, epochs: 2}")
    second.write_text("training: {lr: -1}")
    merged = {"training": {"lr": -1, "epochs": 2}}
    with pytest.raises(ConfigError, match=r"second\.yaml: training\.lr"):
        load_config(merged, files=[first, second], root=tmp_path)
    with pytest.raises(ConfigError, match=r"command line: training\.lr"):
        load_config({"training": {"lr": -2, "epochs": 2}}, files=[first, second], root=tmp_path)
    with pytest.raises(ConfigError, match=r"command line: clip\.size"):
        load_config({"clip": {"size": "big"}}, files=[first, second], root=tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: [", r"bad\.yaml, line 1, column 12: not valid YAML"),
        ("- a\n- b\n", r"bad\.yaml: found list"),
        ("just words", r"bad\.yaml: found str"),
    ],
)
def test_broken_yaml_names_the_file(tmp_path, text, message):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_yaml(path)


def test_a_data_set_can_be_laid_over_its_file(tmp_path):
    folder = tmp_path / "config/datasets"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump({**DATASET, "training": {"lr": 0.1, "epochs": 7}}))
    config = load_config({"datasets": {"mine": {"training": {"lr": 0.5}}}}, root=tmp_path)
    training = resolve(config, "mine", "resnet34_vtn").settings.training
    assert (training.lr, training.epochs) == (0.5, 7)


def test_missing_files_are_named_with_their_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"datasets\.mine\.annotations\.path: 'list\.csv' does not exist"):
        annotation_files(load(), "mine")
    (tmp_path / "list.csv").touch()
    with pytest.raises(ConfigError, match=r"datasets\.mine\.videos: 'videos' does not exist"):
        annotation_files(load(), "mine")


def test_a_model_that_cannot_be_exported_is_refused_before_it_is_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").touch()
    (tmp_path / "videos").mkdir()
    monkeypatch.setitem(EXPORT_OBSTACLES, "s3d", "for a reason")
    check_target(load(), "results/mine/s3d/evaluation.json")
    with pytest.raises(ConfigError, match=r"mine/s3d: 's3d' cannot be exported: for a reason\."):
        check_target(load(), "results/mine/s3d/model.xml")


def test_weights_of_a_whole_network_are_an_input(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").touch()
    (tmp_path / "videos").mkdir()
    config = load(network={"weights": "lost.pth", "encoder_weights": "also_lost.pth"})
    assert weight_files(resolve(config, "mine", "resnet34_vtn")) == {"network.weights": "lost.pth"}
    with pytest.raises(ConfigError, match=r"network\.weights: 'lost\.pth' is no file$"):
        check_target(config, "results/mine/resnet34_vtn/model.pth")
    made = load(network={"weights": "results/kinetics/resnet34_vtn/model.pth"})
    check_target(made, "results/mine/resnet34_vtn/model.pth")  # the workflow makes it


def test_a_missing_file_of_encoder_weights_is_told_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load(network={"encoder_weights": "lost.pth"})
    with pytest.raises(
        ConfigError, match=r"network\.encoder_weights: 'lost\.pth' is no file, and none of auto, bundled"
    ):
        check_target(config, "results/mine/resnet34_vtn/model.xml")


def test_media_of_a_data_set_lie_over_the_general_ones():
    config = load(media={"jpeg_quality": 3}, datasets={"mine": {**DATASET, "media": {"short_side": 128}}})
    assert recipe_of(media_of(config, "mine")) == "packed-128px-q3"
    assert shards_of(config, "mine") == ("mine", ["packed-128px-q3"], 16)


def test_a_data_set_of_pictures_and_flow_shares_the_shards_of_each():
    """Those of data sets of one of them, in the same corpus, made with the same settings."""
    modalities = {"both": "rgb+flow", "mine": "rgb", "moves": "flow"}
    media = {name: {"modality": modality, "short_side": 64} for name, modality in modalities.items()}
    media["moves"]["flow_bound"] = media["mine"]["flow_bound"] = 40  # of which pictures know nothing
    media["both"] |= {"flow_bound": 40, "link_frames": True}
    media["mine"]["link_frames"] = True
    config = load(datasets={name: {**DATASET, "corpus": "one", "media": media[name]} for name in media})
    corpus, recipes, _ = shards_of(config, "both")
    assert (corpus, recipes) == ("one", ["packed-64px-q4", "packed-64px-q4-flow40"])
    for recipe, other in zip(recipes, ("mine", "moves"), strict=True):
        assert datasets_of(config, "one", recipe) == ["both", other]
        assert media_in(config, "both", recipe) == media_in(config, other, recipe)
    with pytest.raises(ConfigError, match=r"no data set reads prepared/one/packed-9px.*packed-64px-q4-flow40"):
        datasets_of(config, "one", "packed-9px")


def test_a_bare_off_of_yaml_is_understood():
    values = yaml.safe_load("{tone_map: off, deinterlace: 'off'}")
    config = load(media=values, datasets={"mine": {**DATASET, "media": yaml.safe_load("{tone_map: auto}")}})
    assert (config.media.tone_map, config.media.deinterlace) == ("off", "off")
    assert (media_of(config, "mine").tone_map, media_of(config, "mine").deinterlace) == ("auto", "off")
    with pytest.raises(ConfigError, match=r"media\.tone_map: .*'auto' or 'off'"):
        load(media=yaml.safe_load("{tone_map: on}"))


def test_data_sets_that_share_a_corpus_must_agree():
    other = {**DATASET, "corpus": "mine", "videos": "elsewhere"}
    config = load(datasets={"mine": DATASET, "split2": other})
    with pytest.raises(ConfigError, match=r"mine, split2 share the corpus 'mine' but differ in `videos`"):
        datasets_of(config, "mine", recipe_of(media_of(config, "mine")))
    config = load(datasets={"mine": DATASET, "split2": {**DATASET, "corpus": "mine"}})
    assert datasets_of(config, "mine", recipe_of(media_of(config, "mine"))) == ["mine", "split2"]
    strict = {**DATASET, "corpus": "mine", "media": {"min_frames": 50}}
    config = load(datasets={"mine": DATASET, "split2": strict})
    with pytest.raises(ConfigError, match=r"differ in `media`"):
        datasets_of(config, "mine", recipe_of(media_of(config, "mine")))


def test_params_do_not_depend_on_the_order_of_keys():
    one = load(training={"lr": 0.1, "epochs": 2})
    two = load(training={"epochs": 2, "lr": 1.0e-1})
    names = ["training", "deployment.opset"]
    first, second = (resolve(config, "mine", "resnet34_vtn").settings for config in (one, two))
    assert as_json(first, names) == as_json(second, names)
    assert json.loads(as_json(first, names)) == {
        "training": first.training.model_dump(mode="json"),
        "deployment": {"opset": 20},
    }


@pytest.mark.parametrize("training", [{}, {"keep": "last"}, {"keep": "last", "schedule": "plateau"}])
def test_a_training_gets_all_that_it_reads_and_tracks_what_decides(training):
    settings = resolve(load(training=training), "mine", "resnet34_vtn").settings
    assert from_json(training_json(settings), untracked_json(settings)) == settings
    tracked, untracked = json.loads(training_json(settings)), json.loads(untracked_json(settings))
    limits = {"num_workers", "checkpoint_minutes", "log_every_steps"}
    assert untracked["training"].keys() == {"accelerator", "local_copy", *limits}
    chooses = training != {"keep": "last"}
    assert untracked["clip"].keys() == {"num_test_clips"} | (set() if chooses else {"num_val_clips"})
    assert all(not untracked[section].keys() & tracked[section].keys() for section in untracked)
    assert "validation" not in training_parts(settings.training) or chooses


def test_the_reference_page_is_up_to_date():
    page = (REPOSITORY / "config/README.md").read_text()
    assert with_reference(page) == page, "the configuration tree has changed: run `make docs`"


def test_every_key_has_a_description():
    def walk(section, path=""):
        for name, field in section.model_fields.items():
            assert field.description, f"{path}{name}"
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                walk(field.annotation, f"{path}{name}.")

    walk(Config)


def test_importing_the_configuration_is_cheap():
    modules = "sys, kinema.experiment.resolve, kinema.media.plan, kinema.provenance"
    code = f"import {modules}; print([m for m in ('torch', 'av', 'pandas', 'timm', 'pyarrow') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert found.stdout.strip() == "[]"


def test_the_command_prints_a_resolved_experiment(capsys, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    assert main(["experiment", "demo", "efficientnet_lite0_vtn@quick"]) == 0
    assert "epochs: 1" in capsys.readouterr().out
    laid_over = ["--configfile", "tests/configs/ut_interaction.yaml"]
    assert main(["experiment", "ut_interaction", "efficientnet_lite0_vtn", *laid_over]) == 0
    assert "size: 128" in capsys.readouterr().out
    assert main(["experiment", "dema", "efficientnet_lite0_vtn"]) == 2
    assert "did you mean 'demo'" in capsys.readouterr().err
