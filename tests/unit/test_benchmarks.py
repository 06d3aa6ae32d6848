"""Benchmarks keep pace with what they measure."""

import re
import runpy
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from corpus import CLIP

from kinema.clips.table import ClipIndex
from kinema.evaluation.views import ViewDataset
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Evaluation
from kinema.inference import load
from kinema.inference.benchmark.rounds import in_rounds
from kinema.inference.scorers import WholeClips
from kinema.inference.video import Video

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPTS = sorted(path for path in BENCHMARKS.glob("*.py") if "__main__" in path.read_text())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_explains_itself(script, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(script), run_name="__main__")
    assert f"benchmarks/{script.name}" in capsys.readouterr().out


def test_the_pictures_of_the_documentation_are_what_frames_look_like(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    runpy.run_path(str(BENCHMARKS / "pixels.py"))["draw"](tmp_path, tmp_path / "drawn")
    page = (BENCHMARKS.parent / "docs" / "pixels.md").read_text()
    shown = re.findall(r"\(images/(.*?)\)", page)
    assert sorted(shown) == sorted(path.name for path in (tmp_path / "drawn").iterdir())
    for name in shown:
        drawn, stored = (
            cv2.imread(str(folder / name)) for folder in (tmp_path / "drawn", BENCHMARKS / "../docs/images")
        )
        assert np.abs(drawn.astype(float) - stored).mean() < 3


def test_steps_and_scoring_of_a_gpu_are_measured_on_a_processor_too(prepared, monkeypatch, capsys):
    sizes = {"batch-size": 2, "length": 4, "size": 32, "block": 1, "rounds": 2, "workers": 1}
    options = [word for name, value in sizes.items() for word in (f"--{name}", str(value))]
    script, clips = BENCHMARKS / "gpu.py", ["--clips", str(prepared / "clips.parquet")]
    monkeypatch.setattr(
        sys,
        "argv",
        [str(script), "--models", "test_efficientnet_vtn", "--accelerator", "cpu", "--no-compile", *clips, *options],
    )
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    with warnings.catch_warnings():
        runpy.run_path(str(script), run_name="__main__")
    rows = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if " ms |" in line]
    assert rows == ["plain step", "step with 1 loader processes", "scoring a clip"]


def test_what_snakemake_takes_is_measured_at_both_rates(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scheduler.py", "--jobs", "2", "--side-by-side", "1"])
    runpy.run_path(str(BENCHMARKS / "scheduler.py"), run_name="__main__")
    assert re.match(r"2 jobs: processor \d+\.\d s against \d+\.\d s, ratio \d\.\d\d; wall ", capsys.readouterr().out)


def test_steps_of_a_training_are_measured_beside_bare_ones():
    module = runpy.run_path(str(BENCHMARKS / "train_step.py"))
    assert [len(times) for times in module["lightning_against_bare"]("test_efficientnet_vtn", 32, 2)] == [2, 2]


def test_scoring_is_compared_with_the_bare_network_on_the_same_clips(prepared, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "scoring.py"))
    index = ClipIndex.load(prepared / "clips.parquet", subset="validation", clip=CLIP)
    dataset = ViewDataset(index, clip=CLIP, views=Evaluation())
    model = module["network"]("test_efficientnet_baseline", CLIP, index.labels)
    exported, seen = module["exported"](model, index.labels, tmp_path, threads=1), []

    def openvino(clips):
        seen.append(clips.copy())  # its memory is used again
        return exported(clips)

    times = module["ratios"](dataset, model, openvino, rounds=1, threads=1)
    assert {name: len(rounds) for name, rounds in times.items()} == {"PyTorch": 1, "OpenVINO": 1}
    warm_up, clips = seen[0], np.concatenate(seen[1:])
    scored, alone = np.split(clips, 2)
    assert np.array_equal(scored, alone)
    assert len(scored) == module["TIMES"] * len(index)
    assert np.array_equal(warm_up, scored[: len(warm_up)])


def test_networks_of_the_live_benchmark_agree(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "live.py"))
    module["export"]("test_efficientnet_vtn", Clip(length=4, stride=2, size=32), tmp_path)
    whole, frames = load(tmp_path / "model.xml", precision="f32"), np.zeros((6, 3, 32, 32), np.uint8)
    frames[3:] = 200
    streaming, plain = whole.scorer(), WholeClips(whole.network, whole.description.spec)
    for scorer in (streaming, plain):
        assert module["milliseconds_a_frame"](scorer, frames, length=4) > 0
    assert np.allclose(streaming.logits(), plain.logits(), atol=1e-3)


def test_live_recognition_is_compared_with_a_plain_loop(streamed, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "live.py"))
    shutil.copytree(streamed.root, tmp_path / "model")
    module["render"](tmp_path / "video.mp4", seed=0, seconds=1)
    rates = module["end_to_end"](tmp_path / "model", tmp_path / "video.mp4", rounds=1, plain_frames=5)
    assert {name: len(found) for name, found in rates.items()} == dict.fromkeys(
        ("decoding alone", "demo", "demo -o", "plain loop"), 1
    )
    with av.open(str(tmp_path / "model/annotated.mp4")) as container:
        assert container.streams.video[0].frames == 30
    assert module["decode"](tmp_path / "video.mp4") == 30


def test_exported_networks_take_turns_with_pytorch(tmp_path, monkeypatch, capsys):
    module = runpy.run_path(str(BENCHMARKS / "deployment.py"))
    for name, value in {"LENGTH": 4, "SIZE": 48, "CLASSES": 6}.items():
        monkeypatch.setitem(module["contestants"].__globals__, name, value)
    runs = module["contestants"]("test_efficientnet_vtn", tmp_path, with_int8=False)
    rounds = in_rounds(list(runs.values()), seconds=0, pause=lambda seconds: None)
    module["report"](rounds, list(runs))
    lines = capsys.readouterr().out.splitlines()
    assert [line[2:30].strip() for line in lines] == [
        *("eager", "OpenVINO f32", "OpenVINO default", "OpenVINO, a new frame"),
        *("channels_last", "channels_last, bf16 autocast"),
    ]
    assert "1.00 of the default (1.00 to 1.00)" in lines[2]


def test_an_int8_network_takes_turns_with_that_of_which_it_is_made(tmp_path):
    module = runpy.run_path(str(BENCHMARKS / "int8.py"))
    module["written"].__globals__["CLIP"] = CLIP
    paths = module["written"]("test_efficientnet_vtn", "mixed", tmp_path)
    clip = np.load(tmp_path / "clips.npy")[:1]
    taken = module["milliseconds"](paths, clip, rounds=2)
    assert {name: len(times) for name, times in taken.items()} == {"default": 2, "int8": 2, "f32": 2}
    assert b"FakeQuantize" in paths["int8"].read_bytes()
    assert b"FakeQuantize" not in paths["default"].read_bytes()


def test_predictions_and_a_plain_loop_answer_the_same_videos(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "predicting.py"))
    videos = module["make_videos"](tmp_path / "videos", 2, seconds=1)
    model_path = module["export"](tmp_path, name="test_efficientnet_baseline", clip=CLIP)
    both = module["commands"](videos, model_path, num_clips=2)
    assert all(used > 0 for command in both.values() for used in module["timed"](command))
    answers = (tmp_path / "answers.csv").read_text().splitlines()[1:]
    told = subprocess.run(both["plain loop"], check=True, capture_output=True, text=True).stdout.splitlines()
    for lines in (answers, told):
        assert [str(video) in line for video, line in zip(videos, lines, strict=True)] == [True, True]


def test_a_long_video_is_joined_of_short_ones(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = runpy.run_path(str(BENCHMARKS / "timeline_memory.py"))
    monkeypatch.setitem(module["render"].__globals__, "PART_SECONDS", 3)
    module["render"](tmp_path / "part.mp4", width=64, height=48)
    video = Video(module["joined"](tmp_path / "part.mp4", tmp_path / "long.mp4", minutes=0.2))
    assert (video.num_frames, video.fps) == (120, 10)
    assert video.seconds == pytest.approx(12, abs=0.2)
