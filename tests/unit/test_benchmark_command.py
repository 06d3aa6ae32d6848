"""`kinema benchmark`: what is measured, that the numbers fit together, and what is said of a wrong command."""

import importlib
import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import openvino as ov
import pytest
from media_corpus import make_video

from kinema.cli import main
from kinema.inference.benchmark import machine, rounds
from kinema.inference.benchmark.advice import advice
from kinema.inference.benchmark.rounds import Rounds, in_rounds
from kinema.records.benchmark import Benchmark, Measurement, Quantiles

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Turns of one pass, and few of them."""
    monkeypatch.setattr(rounds, "TURN_SECONDS", 0)
    monkeypatch.setattr(rounds, "MIN_ROUNDS", 2)
    monkeypatch.setattr(rounds, "PAUSE_SECONDS", 0)


@pytest.fixture
def benchmark(tmp_path):
    """Runs the command; gives the record."""

    def run(*words) -> Benchmark:
        out = tmp_path / "out/found.json"
        assert main(["benchmark", *map(str, words), "--seconds", "0.01", "--threads", "1", "--output", str(out)]) == 0
        return Benchmark.read(out)

    return run


def names(measurements) -> list[tuple]:
    return [(one.file, one.runtime, one.is_default, one.is_stream, one.batch) for one in measurements]


def test_all_files_of_a_folder_are_measured_with_each_library(streamed, benchmark, capsys):
    found = benchmark(streamed.root, "--batch", 3)
    (model,) = found.models
    forced = [] if found.machine.precision == "f32" else [("model.xml", "OpenVINO", False, False, n) for n in (1, 3)]
    assert names(model.measurements) == [
        *[("model.xml", "OpenVINO", True, False, number) for number in (1, 3)],
        *forced,
        *[("model.onnx", "ONNX Runtime", True, False, number) for number in (1, 3)],
        *[("model.pth", "PyTorch", True, False, number) for number in (1, 3)],
        ("streaming/", "OpenVINO", True, True, 1),
    ]
    assert (model.path, model.model) == (str(streamed.root), "test_efficientnet_vtn_rgbdiff")
    assert model.input == "4 frames, stride 2, 48 px"
    assert model.sha256.keys() == {"model.xml", "model.onnx", "model.pth", "streaming/encoder.xml"}
    assert model.videos == []
    assert found.left_out == []
    assert found.num_rounds >= 2
    assert [advised.file for advised in model.advice][1:] == ["streaming/"]
    assert found.versions.keys() >= {"python", "kinema", "openvino", "onnxruntime", "torch"}
    assert (found.machine.threads, found.machine.num_cores) == (1, machine.num_cores())
    said = capsys.readouterr()
    assert f"{streamed.root}: test_efficientnet_vtn_rgbdiff, 4 frames, stride 2, 48 px" in said.out.replace("\n", "")
    for text in ("a new frame", "3 clips", "ONNX Runtime, f32", "PyTorch, f32", found.machine.cpu, "Here: streaming/"):
        assert text in said.out


def test_the_numbers_fit_together(shipped, benchmark):
    for one in benchmark(shipped.root, "--batch", 2).models[0].measurements:
        for found in (one.seconds, one.speed):
            assert 0 < found.low <= found.median <= found.high
        assert one.answers_per_second == one.batch / one.seconds.median


def test_ratios_are_of_the_same_round():
    """The second thing takes twice as long in each round, however busy the machine is."""
    found = Rounds([np.array([[1.0, 1.0], [5.0, 7.0], [2.0, 2.0]]), np.array([[2.0], [12.0], [4.0]])])
    assert found.ratios(1, 0).tolist() == [2, 2, 2]
    assert found.quantiles(1).median == 4
    first, second = found.split([1, 1])
    assert (first.seconds[0] == found.seconds[0]).all()
    assert (second.seconds[0] == found.seconds[1]).all()


def test_all_take_turns_and_are_warm_before(monkeypatch):
    monkeypatch.setattr(rounds, "TURN_SECONDS", 3)
    now, ran = [0.0], []

    def taking(name, seconds):
        def run():
            ran.append(name)
            now[0] += seconds

        return run

    found = in_rounds([taking("a", 1), taking("b", 10)], seconds=40, clock=lambda: now[0], pause=lambda seconds: None)
    assert "".join(ran) == "aabb" + "aaaab" + "baaaa" + "aaaab", "a pass more in a turn of several"
    assert [one.shape for one in found.seconds] == [(3, 3), (3, 1)]
    assert (found.quantiles(0).high, found.quantiles(1).low) == (1, 10)
    assert found.num_rounds == 3


def test_a_file_alone_is_measured_alone_and_several_models_together(shipped, streamed, benchmark):
    found = benchmark(shipped.root / "model.onnx", streamed.root / "model.xml", "--batch", 1)
    assert [{one.file for one in model.measurements} for model in found.models] == [{"model.onnx"}, {"model.xml"}]
    assert [model.measurements[0].speed for model in found.models] == [Quantiles(median=1.0, low=1.0, high=1.0)] * 2
    assert all(one.batch == 1 for model in found.models for one in model.measurements)
    assert found.models[0].advice == [], "there is nothing to choose"


def test_a_quantised_model_is_known_by_what_is_in_it(shipped, tmp_path, benchmark):
    folder = tmp_path / "model"
    shutil.copytree(shipped.root, folder)
    network = ov.Core().read_model(folder / "model.xml")
    ops = importlib.import_module("openvino.opset13")
    logits = network.outputs[0].get_node().input_value(0)
    bounds = [ops.constant(np.float32(bound)) for bound in (-9, 9, -9, 9)]
    rounded = ops.fake_quantize(logits, *bounds, levels=256)
    network.outputs[0].get_node().input(0).replace_source_output(rounded.output(0))
    (folder / "int8").mkdir()
    ov.save_model(network, folder / "int8/model.xml")
    video = make_video(tmp_path / "a.mp4", frames=12)
    (model,) = benchmark(folder, "--batch", 1, "--video", video).models
    assert [one.precision for one in model.measurements if one.file == "int8/model.xml"] == ["int8"]
    assert [(way.file, way.precision) for way in model.videos][1] == ("int8/model.xml", "int8")


def test_the_way_from_a_video_is_measured_step_by_step(shipped, tmp_path, benchmark, capsys):
    video = make_video(tmp_path / "clip.mp4", frames=30)
    found = benchmark(shipped.root / "model.xml", "--batch", 1, "--video", video)
    (way,) = found.models[0].videos
    assert (found.video, way.file, way.precision) == (str(video), "model.xml", found.machine.precision)
    assert way.num_clips >= 1
    steps = [way.decode, way.preprocess, way.network]
    assert all(0 < step.low <= step.median <= step.high for step in steps)
    assert sum(step.low for step in steps) <= way.total.median <= sum(step.high for step in steps)
    assert "ms from clip.mp4 to its answer" in capsys.readouterr().out


def test_without_torch_and_onnxruntime_they_are_left_out(shipped, benchmark, monkeypatch, capsys):
    for name in ("torch", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    found = benchmark(shipped.root, "--batch", 1)
    assert {one.runtime for one in found.models[0].measurements} == {"OpenVINO"}
    lines = [
        f"{shipped.root}/model.onnx is left out, since ONNX Runtime is not installed",
        f"{shipped.root}/model.pth is left out, since PyTorch is not installed",
    ]
    assert found.left_out == lines
    assert "".join(f"{lines[1]}.".split()) in "".join(capsys.readouterr().out.split())
    assert main(["benchmark", str(shipped.root / "model.pth")]) == 2
    assert capsys.readouterr().err == f"kinema: {lines[1]}\n"


def test_json_goes_to_the_standard_output_alone(shipped, capsys):
    assert main(["benchmark", str(shipped.root / "model.xml"), "--seconds", "0.01", "-o", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["record"] == Benchmark.VERSION
    assert said.err.startswith("kinema: ")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["absent"], "absent: no such file; expected the model.xml of results/DATASET/MODEL, or that folder"),
        (["notes.txt"], "notes.txt: expected a model.xml, a model.onnx, a model.pth, or the folder that has them"),
        (["empty"], "empty: no model.xml, int8/model.xml, model.onnx, model.pth in it; expected a folder"),
        (["zero.xml"], "zero.xml: no OpenVINO IR, or cut off"),
        (["other.xml"], "other.xml: not a model that kinema exported"),
        (["zero.pth"], "zero.pth: "),
        (["model.xml", "--batch", "0"], "--batch 0: expected a number from 1 to 1024"),
        (["model.xml", "--threads", "0"], "--threads 0: expected a number from 1 to 1024"),
        (["model.xml", "--seconds", "0"], "--seconds 0: expected a number of seconds above 0"),
        (["model.xml", "--seconds", "nan"], "--seconds nan: expected a number of seconds above 0"),
        (["model.xml", "--output", "a.csv"], "--output a.csv: expected a file that ends in .json, or -"),
        (["model.xml", "--video", "absent.mp4"], "--video absent.mp4: no such file; expected a video"),
        (["model.xml", "--video", "notes.txt"], "notes.txt: not a media file; expected a video file"),
        (["model.onnx", "--video", "a.mp4"], "--video a.mp4: no model.xml is among the models; name one, or leave it"),
    ],
)
def test_a_wrong_command_is_one_line(shipped, tmp_path, monkeypatch, capsys, words, expected):
    monkeypatch.chdir(tmp_path)
    for name in ("model.xml", "model.bin", "model.onnx"):
        shutil.copy(shipped.root / name, name)
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "empty").mkdir()
    for name in ("zero.xml", "zero.bin", "zero.pth", "a.mp4"):
        (tmp_path / name).write_bytes(b"\0" * 2000)
    anything = importlib.import_module("openvino.opset13").parameter([1])
    ov.save_model(ov.Model([anything], [anything], "other"), "other.xml")
    assert main(["benchmark", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"kinema: {expected}")
    assert said.err.count("\n") == 1


# What is advised


def measured(file, median, *, spread=0.05, is_stream=False, runtime="OpenVINO", precision="bf16", **others):
    speed = Quantiles(median=median, low=median - spread, high=median + spread)
    seconds = Quantiles(median=0.02 / median, low=0.01 / median, high=0.03 / median)
    names = {"file": file, "runtime": runtime, "precision": precision, "is_stream": is_stream}
    values = {"is_default": True, "batch": 1, "answers_per_second": median / 0.02}
    return Measurement(**{**names, **values, **others}, seconds=seconds, speed=speed)


USUAL = measured("model.xml", 1.0, spread=0.0)


def said(*measurements) -> list[tuple[str, str]]:
    return [(one.file, one.text) for one in advice(measurements)]


def test_the_usual_file_is_advised_unless_another_is_surely_faster():
    int8 = measured("int8/model.xml", 1.6, precision="int8")
    assert said(USUAL, int8) == [
        ("int8/model.xml", "int8/model.xml (int8) takes 12.5 ms a clip: 1.60 times as fast as model.xml")
    ]
    slower, unsure = replace(int8, speed=measured("", 0.8).speed), measured("int8/model.xml", 1.6, spread=0.6)
    (found,) = said(USUAL, slower)
    assert found == ("model.xml", "model.xml (bf16) takes 20 ms a clip: int8/model.xml (int8) is 0.80 times as fast")
    assert said(USUAL, unsure)[0][0] == "model.xml"
    onnx = measured("model.onnx", 2.0, runtime="ONNX Runtime", precision="f32")
    assert said(USUAL, onnx)[0][1].startswith("model.onnx (ONNX Runtime, f32) takes 10 ms")


def test_what_no_client_runs_is_not_advised():
    others = [measured("model.pth", 9, runtime="PyTorch"), measured("model.xml", 9, is_default=False)]
    assert said(USUAL, *others, measured("int8/model.xml", 9, batch=8)) == []


def test_the_faster_stream_is_advised():
    streams = [measured("streaming/", 8, is_stream=True), measured("int8/streaming/", 8.5, is_stream=True)]
    assert said(USUAL, *streams) == [
        ("streaming/", "streaming/ (bf16) takes 2.5 ms a new frame, 8 times the answers of whole clips")
    ]
    faster = replace(streams[1], speed=measured("", 10).speed)
    assert said(USUAL, streams[0], faster)[0][0] == "int8/streaming/"


def test_a_busy_machine_is_told():
    found = machine.machine(None)
    assert machine.busy_line(replace(found, load=0.1)) is None
    assert machine.busy_line(replace(found, load=None)) is None
    assert "Other programs compute (load 1.5 on 2 cores)" in machine.busy_line(replace(found, load=1.5, num_cores=2))
