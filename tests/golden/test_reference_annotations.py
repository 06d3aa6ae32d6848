"""Annotation files against the reference's own, made from the same small lists."""

import json

import pytest

from kinema.annotations.convert import convert
from kinema.annotations.sources import list_files
from kinema.experiment.data_sections import Annotations

pytestmark = pytest.mark.real


@pytest.fixture
def golden(shared):
    return shared / "golden/data/annotations"


def converted(tmp_path, **settings):
    chosen = Annotations(**settings)
    convert([*map(type(tmp_path), list_files(chosen))], settings=chosen, out=tmp_path / "annotation.json")
    return json.loads((tmp_path / "annotation.json").read_text())


def test_kinetics(golden, tmp_path):
    # a label that only validation videos have is no class; of two labels the last, of two subsets the later one counts
    lists = [str(golden / f"kinetics/{name}.csv") for name in ("train", "val", "test")]
    expected = json.loads((golden / "kinetics/kinetics.json").read_text())
    for order in (lists, lists[::-1]):
        assert converted(tmp_path, format="kinetics", path=order) == expected


@pytest.mark.parametrize("split", [1, 2, 3])
def test_ucf101(golden, tmp_path, split):
    found = converted(tmp_path, format="ucf101", path=str(golden / "ucf101"), split=split)
    assert found == json.loads((golden / f"ucf101/ucf101_0{split}.json").read_text())


@pytest.mark.parametrize("split", [1, 2, 3])
def test_hmdb51(golden, tmp_path, split):
    expected = json.loads((golden / f"hmdb51/hmdb51_{split}.json").read_text())
    # wrong there: the JSON files in the folder are read as lists, and a name ends at its first dot
    expected["labels"] = [label for label in expected["labels"] if label]
    expected["database"]["clip.with.dots_brush_hair_f_nm_np1_ri_med_2"] = expected["database"].pop("clip")
    assert converted(tmp_path, format="hmdb51", path=str(golden / "hmdb51"), split=split) == expected


@pytest.mark.parametrize("name", ["kinetics/kinetics", "ucf101/ucf101_02", "hmdb51/hmdb51_3"])
def test_its_json_is_taken_as_it_is(golden, tmp_path, name):
    path = golden / f"{name}.json"
    assert converted(tmp_path, format="json", path=str(path)) == json.loads(path.read_text())
