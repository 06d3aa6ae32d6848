"""Odd configurations: whatever is written there is taken, or told in one line that names the key."""

import copy
import typing
from pathlib import Path

import pytest
import torch.onnx
from annotated_types import Le, Lt

from kinema.experiment.config import Config, Dataset, Override, Settings
from kinema.experiment.files import ConfigError, load_config, read_yaml
from kinema.experiment.model_sections import MAX_OPSET
from kinema.experiment.section import Section
from kinema.experiment.starts import check_starts
from kinema.experiment.targets import check_target

PLAIN = {
    "dataset_dir": "no/such/folder",
    "datasets": {"mine": {"annotations": {"path": "list.csv"}, "videos": "videos"}},
    "overrides": [{}],
    "variants": {"v": {}},
}
NUMBERS = [-1, 0, 1e308, 10**30, 10**400, True, float("nan"), float("inf")]
TEXTS = ["", " ", "x" * 5000, "\x00", "a\nb", "~/x", ".", "/"]
ODD = [*NUMBERS, *TEXTS, None, [], {}, [[1]], ["x" * 5000], {"x": {"y": 1}}, {1: 2}]
TARGET = "results/mine/resnet34_vtn@v/model.xml"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with the list and the videos of the plain configuration."""
    monkeypatch.chdir(tmp_path)
    Path("list.csv").touch()
    Path("videos").mkdir()
    return tmp_path


def sections(section):
    """Sections of the tree below one, by key."""
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield name, field.annotation


def keys(section, path=()):
    for name in section.model_fields:
        yield (*path, name)
    for name, below in sections(section):
        yield from keys(below, (*path, name))


PLACES = {
    "top": list(keys(Config)),
    "data set": list(keys(Dataset, ("datasets", "mine"))),
    "override": list(keys(Override, ("overrides", 0))),
    "variant": list(keys(Settings, ("variants", "v"))),
}


def with_value(place, value):
    values = copy.deepcopy(PLAIN)
    node = values
    for key in place[:-1]:
        node = node.setdefault(key, {}) if isinstance(node, dict) else node[key]
    node[place[-1]] = value
    return values


def complaint(values) -> str | None:
    """What is said of these values; None where they are taken."""
    try:
        check_target(load_config(values), TARGET)
    except ConfigError as error:
        return str(error)
    return None


@pytest.mark.slow
@pytest.mark.parametrize("group", PLACES)
def test_an_odd_value_is_taken_or_told_in_one_line(here, group):
    assert len(PLACES[group]) > 60
    for place in PLACES[group]:
        for odd in ODD:
            said = complaint(with_value(place, odd))
            if said is not None:
                shown = f"{place} = {odd!r:.30}: {said}"
                # a section with an unknown key may lack the required ones, too
                assert said.count("\n") <= 2 * isinstance(odd, dict), shown
                assert all(len(line) < 900 for line in said.split("\n")), shown
                assert place[-1] in said, shown


def numbers(section):
    for name, field in section.model_fields.items():
        kinds = {field.annotation, *typing.get_args(field.annotation)}
        if kinds & {int, float}:
            yield name, field
    for _, below in sections(section):
        yield from numbers(below)


def test_every_number_has_an_upper_bound():
    unbounded = [
        name
        for section in (Config, Dataset)
        for name, field in numbers(section)
        if typing.get_origin(field.annotation) is not tuple
        and not any(isinstance(bound, Le | Lt) for bound in field.metadata)
    ]
    assert not unbounded


def test_the_highest_operator_set_is_that_of_torch():
    assert torch.onnx._constants.ONNX_MAX_OPSET == MAX_OPSET
    with pytest.raises(ConfigError, match=r"deployment\.opset: .*less than or equal to 23; found 99"):
        load_config({"deployment": {"opset": 99}})


def test_a_traced_model_takes_fewer_operator_sets(here):
    config = load_config(PLAIN | {"deployment": {"opset": 21}})
    check_target(config, "results/mine/r3d_18/model.xml")
    check_target(config, "results/mine/swin3d_t/evaluation.json")
    with pytest.raises(ConfigError, match=r"deployment\.opset is 21; 'swin3d_t' needs 20 or less"):
        check_target(config, "results/mine/swin3d_t/model.onnx")


PATHS = [
    ("network", "weights"),
    ("network", "encoder_weights"),
    ("training", "init_from"),
    ("ffmpeg",),
    ("dataset_dir",),
    ("datasets", "mine", "videos"),
    ("datasets", "mine", "annotations", "path"),
]


@pytest.mark.parametrize("place", PATHS, ids=lambda place: place[-1])
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "this is empty"),
        ("a\x00b", "characters that cannot be printed"),
        ("x" * 5000, "longer than file systems allow"),
        ("y/" * 2500, "longer than file systems allow"),
        ("~/videos", "`~` stands for nothing here"),
    ],
)
def test_a_path_that_cannot_be_opened_is_told_with_its_key(here, place, path, problem):
    with pytest.raises(ConfigError, match=rf"{'[.]'.join(place)}: expected a path; .*{problem}") as error:
        load_config(with_value(place, path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["weights", "encoder_weights"])
@pytest.mark.parametrize("path", [".", "/", "videos", "list.csv/x"])
def test_a_folder_is_no_file_of_weights(here, key, path):
    config = load_config(PLAIN | {"network": {key: path}})
    with pytest.raises(ConfigError, match=rf"network\.{key}: '{path}' is no file"):
        check_starts(config, "mine", "resnet34_vtn")


def test_a_file_is_no_folder(here):
    config = load_config(with_value(("datasets", "mine", "videos"), "list.csv"))
    with pytest.raises(ConfigError, match=r"datasets\.mine\.videos: 'list\.csv' is no folder"):
        check_target(config, TARGET)
    config = load_config(with_value(("datasets", "mine", "annotations", "path"), "videos"))
    with pytest.raises(ConfigError, match=r"datasets\.mine\.annotations\.path: 'videos' is no file"):
        check_target(config, TARGET)
    with pytest.raises(ConfigError, match=r"dataset_dir: 'list\.csv' is no folder"):
        load_config(PLAIN | {"dataset_dir": "list.csv"})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: 2\na: 3\n", r"x\.yaml, line 3, column 1: .*key 'a' stands in line 1 already"),
        (b"a:\n  b:\n    - {c: 1, d: 2, c: 3}\n", r"line 3, column 20: .*key 'c' stands in line 3 already"),
        (b"a: {1: x, 1: y}", r"key '1' stands in line 1 already"),
        (b"a: [", r"x\.yaml, line 1, column 5: not valid YAML: .*expected the node content"),
        (b"a: 1\n\tb: 2\n", r"x\.yaml, line 2, column 1: not valid YAML: .*'\\t'"),
        (b"a: b: c", r"x\.yaml, line 1, column 5: not valid YAML: mapping values are not allowed here"),
        (b"a: 1\nb: \xe9t\xe9\n", r"x\.yaml, line 2: not UTF-8 text: byte 8 of the file"),
        (b"\xff\xfea\x00", r"x\.yaml, line 1: not UTF-8 text"),
        (b"a: \x00\x01", r"x\.yaml: not valid YAML: .*special characters are not allowed"),
        (b"", r"x\.yaml: found NoneType, expected `key: value` lines"),
        (b"- a\n", r"x\.yaml: found list"),
        (b"a: 2020-13-45", r"x\.yaml: not valid: month must be in"),
        (b"a: !!python/object:os.system x", r"x\.yaml, line 1, column 4: not valid YAML: could not determine"),
        (b"a: &a [*a]", r"x\.yaml, line 1, column 4: not valid YAML: found unconstructable recursive node"),
        (b"a: &a {b: *a}", r"x\.yaml, line 1, column \d+: not valid YAML: found unconstructable recursive node"),
        (b"a: " + 3000 * b"[", r"x\.yaml.*not valid"),
        (b"{[1]: 2}", r"x\.yaml, line 1, column 2: not valid YAML: .*unhashable key"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_a_file_that_is_no_configuration_is_told_in_one_line(tmp_path, content, message):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as error:
        read_yaml(path)
    assert "\n" not in str(error.value)
    folder = tmp_path / "datasets"
    folder.mkdir()
    path.rename(folder / "x.yaml")
    with pytest.raises(ConfigError, match=message):
        load_config({"dataset_dir": "datasets"}, root=tmp_path)


def test_a_folder_or_nothing_is_no_configuration(tmp_path):
    (tmp_path / "x.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"x\.yaml: cannot be read: Is a directory\.$"):
        load_config({}, files=[tmp_path / "x.yaml"], root=tmp_path)
    with pytest.raises(ConfigError, match=r"y\.yaml: cannot be read: No such file or directory\.$"):
        load_config({}, files=[tmp_path / "y.yaml"], root=tmp_path)


def test_json_is_read_too(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{\n\t"a": {"b": 1}\n}')
    assert read_yaml(path) == {"a": {"b": 1}}
    path.write_text('{"a": {"b": 1, "b": 2}}')
    with pytest.raises(ConfigError, match=r"x\.json: not valid: key 'b' stands twice"):
        read_yaml(path)
    path.write_text("{")
    with pytest.raises(ConfigError, match=r"x\.json: not valid: Expecting property name"):
        read_yaml(path)


def test_keys_that_are_merged_may_stand_twice(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("one: &one {a: 1, b: 2}\ntwo:\n  <<: *one\n  a: 3\n")
    assert read_yaml(path)["two"] == {"a": 3, "b": 2}


def test_a_key_that_snakemake_took_twice_is_told(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("training:\n  lr: 0.1\ntraining:\n  epochs: 2\n")
    with pytest.raises(ConfigError, match=r"x\.yaml, line 3, column 1: .*key 'training' stands in line 1 already"):
        load_config({"training": {"epochs": 2}}, files=[path], root=tmp_path)


def test_files_of_editors_are_no_data_sets(tmp_path):
    folder = tmp_path / "config/datasets"
    folder.mkdir(parents=True)
    (folder / ".#mine.yaml").symlink_to("nobody@nowhere.1")
    assert not load_config({}, root=tmp_path).datasets
