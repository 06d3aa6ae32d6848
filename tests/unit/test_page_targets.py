"""Pages as targets: whose they are, and which files of an export a model's page waits for."""

from pathlib import Path

import pytest

from kinema.experiment.pages import GATES, gate_files, int8_files, int8_told, is_data_page, page_model, with_scores

MODEL = "results/mine/resnet18_vtn"
FILES = [f"{MODEL}/{name}" for name in GATES]


@pytest.mark.parametrize(
    ("target", "model", "is_data"),
    [
        (f"{MODEL}/report/index.html", ("mine", "resnet18_vtn"), False),
        (f"./{MODEL}/report/model_card.md", ("mine", "resnet18_vtn"), False),
        ("results/mine/report/index.html", None, True),
        (f"{MODEL}/report/other.html", None, False),
        (f"{MODEL}/model.xml", None, False),
        ("all", None, False),
    ],
)
def test_whose_page_a_target_is(target, model, is_data):
    assert page_model(target) == model
    assert is_data_page(target) == is_data
    scores = [f"{MODEL}/evaluation.json"] if model else []
    assert with_scores([target]) == [target, *scores]


@pytest.mark.parametrize(
    ("targets", "there", "expected"),
    [
        ([], [], []),
        ([f"./{MODEL}/model.xml"], [], FILES),
        ([f"{MODEL}/verification.json"], [], FILES),
        ([f"{MODEL}/model.onnx"], [], FILES),
        ([f"{MODEL}/serving/config.json"], [], FILES),
        ([f"{MODEL}/modelapi/model.xml"], [], FILES[:1]),
        ([f"{MODEL}/parity.json"], [], FILES[:1]),
        ([f"{MODEL}/int8/model.xml"], [], FILES[:1]),
        ([f"{MODEL}/int8/streaming/encoder.xml"], [], []),
        ([f"{MODEL}/streaming/encoder.xml", "results/mine/other/model.xml"], [], []),
        ([], FILES, []),  # the page makes no export, also no stale one anew
    ],
)
def test_a_page_waits_for_an_export_that_is_asked_for(tmp_path, monkeypatch, targets, there, expected):
    monkeypatch.chdir(tmp_path)
    for path in there:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    assert gate_files(targets, "mine", "resnet18_vtn") == expected


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], []),
        ([f"{MODEL}/model.xml", "results/mine/other/int8/model.xml"], []),
        ([f"./{MODEL}/int8/model.bin"], [f"{MODEL}/int8/model.xml"]),
        ([f"{MODEL}/int8/streaming/decoder.xml"], [f"{MODEL}/int8/streaming/encoder.xml"]),
    ],
)
def test_a_page_waits_for_int8_models_that_are_asked_for_and_reads_the_others(targets, expected):
    inputs = int8_files(targets, "mine", "resnet18_vtn")
    assert inputs == expected
    folders = {Path(path).parent.as_posix() for path in int8_told("mine", "resnet18_vtn", inputs)}
    assert folders | {Path(path).parent.as_posix() for path in inputs} == {
        f"{MODEL}/int8",
        f"{MODEL}/int8/streaming",
    }
    assert len(folders) + len(inputs) == 2
    assert f"{MODEL}/int8/quantization.json" in int8_told("mine", "resnet18_vtn", [])
