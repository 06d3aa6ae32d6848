"""`kinema predict` over short videos, against a plain loop with OpenCV and the same IR.

    python benchmarks/predicting.py [--videos 100] [--video-seconds 2] [--rounds 5] [--clips 1]

Renders videos (640 x 360, h264, 30 frames a second) and exports efficientnet_lite0_vtn with random weights, 16 frames
at 224 px, stride 2. Both are processes of their own, from their start to the last answer: the command, which writes a
CSV, and the loop at the end of this file, which decodes every frame, scales and crops those of the clip, and prints a
class. They take turns; ratios are medians over the rounds, of wall time and of processor time.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import openvino as ov
from generated_videos import FPS, make_videos

from kinema.deployment.onnx_model import export_onnx
from kinema.deployment.saving import save_ir
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.description import Description
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.predictors.openvino import add_metadata
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.registry import create_model

MODEL = "efficientnet_lite0_vtn"
CLIP = Clip(length=16, stride=2, size=224)
LABELS = tuple(f"class {number}" for number in range(10))


def export(folder: Path, *, name: str = MODEL, clip: Clip = CLIP, fps: float = FPS) -> Path:
    """A model.xml with random weights, of videos of this rate."""
    model = create_model(name, num_classes=len(LABELS), clip=clip, network=Network(encoder_weights="none")).eval()
    save_checkpoint(folder / "model.pth", model, labels=LABELS, settings={})
    export_onnx(checkpoint_path=folder / "model.pth", out=folder / "converted.onnx", opset=20)
    network = ov.convert_model(folder / "converted.onnx")
    rates = FrameRates(low=fps, median=fps, high=fps)
    about = Description(name, LABELS, model.spec, "0", frames=FrameSpec(), num_clips=10, frame_rates=rates)
    add_metadata(network, about.to_metadata(), labels=LABELS)
    save_ir(network, folder / "model.xml", weights="float16")
    return folder / "model.xml"


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds of wall time and of processor time of a process."""
    started_at, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started_at, used


def commands(videos: list[Path], model_path: Path, *, num_clips: int) -> dict[str, list[str]]:
    """Both as a user starts them."""
    paths = [str(path) for path in videos]
    out = str(model_path.with_name("answers.csv"))
    predict = ["-m", "kinema.cli", "predict", *paths, "--model", str(model_path), "--output", out]
    loop = ["-c", LOOP, str(model_path), str(num_clips), *paths]
    return {
        "kinema predict": [sys.executable, *predict, "--clips", str(num_clips)],
        "plain loop": [sys.executable, *loop],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--video-seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clips", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        videos = make_videos(Path(folder) / "videos", arguments.videos, seconds=arguments.video_seconds)
        both = commands(videos, export(Path(folder)), num_clips=arguments.clips)
        rounds = [{name: timed(command) for name, command in both.items()} for _ in range(arguments.rounds)]
    for name in both:
        wall, used = (statistics.median(one[name][column] for one in rounds) for column in (0, 1))
        print(f"{name:15s} {wall:6.2f} s, {used:6.2f} s of processor time")
    predict, loop = both
    for column, what in enumerate(("wall time", "processor time")):
        ratio = statistics.median(one[predict][column] / one[loop][column] for one in rounds)
        print(f"{what} of kinema predict: {ratio:.2f} of the loop's")


LOOP = """
import json, sys
import cv2, numpy as np, openvino as ov

path, num_clips, *videos = sys.argv[1:]
network = ov.Core().read_model(path)
labels, spec = (json.loads(network.get_rt_info(["kinema", key]).astype(str)) for key in ("labels", "input_spec"))
length, stride, size = spec["num_frames"], spec["stride"], spec["size"]
compiled = ov.compile_model(network, "CPU", {"PERFORMANCE_HINT": "LATENCY"})
for video in videos:
    capture, frames = cv2.VideoCapture(video), []
    while True:
        read, frame = capture.read()
        if not read:
            break
        frames.append(frame)
    logits = []
    for first in np.linspace(0, max(0, len(frames) - length * stride), int(num_clips) + 2)[1:-1].astype(int):
        clip = []
        for number in np.resize(np.arange(first, min(first + length * stride, len(frames)), stride), length):
            frame, scale = frames[number], size / min(frames[number].shape[:2])
            frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            top, left = (frame.shape[0] - size) // 2, (frame.shape[1] - size) // 2
            clip.append(frame[top : top + size, left : left + size, ::-1].transpose(2, 0, 1))
        logits.append(compiled(np.stack(clip)[None])[0][0])
    print(video, labels[np.mean(logits, axis=0).argmax()])
"""


if __name__ == "__main__":
    main()
