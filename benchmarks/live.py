"""Live recognition, `kinema demo`: frames a second, and what a new frame costs.

    python benchmarks/live.py [--model efficientnet_lite0_vtn] [--size 224] [--seconds 10] [--rounds 3]

Renders a video (640 x 360, 30 frames a second, h264) and exports a network with random weights for clips of 16 frames,
stride 2, as model.xml and as streaming/. All take turns in every round; numbers are medians over the rounds.

End to end, in frames of the video a second: decoding alone; the demo as it is, without an output and with one (h264);
and a plain loop that decodes, prepares each frame, and runs the whole network on the last 16 of them at each. A new
frame: milliseconds and encoder passes of encoder and decoder, and of the whole network, on frames in memory, at every
frame.
"""

import argparse
import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import openvino as ov
import torch
from generated_videos import FPS, render

from kinema.deployment.onnx_model import part_to_onnx
from kinema.deployment.parts import export_parts
from kinema.deployment.streaming import stream_networks
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.description import Description
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.live_demo.output import video_file
from kinema.inference.live_demo.source import open_source
from kinema.inference.live_demo.stream_model import StreamModel, load_stream
from kinema.inference.live_demo.watch import Watch
from kinema.inference.model import Model, load
from kinema.inference.predictors.openvino import add_metadata
from kinema.inference.scorers import ClipScorer, WholeClips
from kinema.models.registry import create_model

OPSET = 20
LABELS = tuple(f"class {number}" for number in range(6))
PLAIN_FRAMES = 20  # of the plain loop, which is slow


def export(name: str, clip: Clip, folder: Path) -> None:
    """model.xml and streaming/, with what they say of themselves, weights of float16."""
    torch.manual_seed(0)
    model = create_model(name, num_classes=len(LABELS), clip=clip, network=Network(encoder_weights="none")).eval()
    parts = export_parts(model)
    onnx.save(part_to_onnx(parts[0], opset=OPSET), folder / "model.onnx")
    encoder, decoder = stream_networks(parts[1:], opset=OPSET)
    whole = ov.convert_model(folder / "model.onnx")
    networks = {"model": whole, "streaming/encoder": encoder, "streaming/decoder": decoder}
    rates = FrameRates(median=FPS, low=FPS, high=FPS)
    about = Description(name, LABELS, model.spec, "benchmark", FrameSpec(), frame_rates=rates)
    (folder / "streaming").mkdir()
    for place, network in networks.items():
        add_metadata(network, about.to_metadata(), labels=LABELS)
        ov.save_model(network, folder / f"{place}.xml")


def decode(video: Path) -> int:
    with open_source(str(video), frames=FrameSpec(), timeout_seconds=10) as source:
        return sum(1 for _ in source.video.pictures())


def demo(model: StreamModel, video: Path, *, out: Path | None = None) -> tuple[int, int]:
    """Frames and encoder passes."""
    with open_source(str(video), frames=FrameSpec(), timeout_seconds=10) as source, ExitStack() as files:
        sinks = []
        if out:
            written = video_file(out, fps=source.fps, time_base=source.time_base, is_live=False)
            sinks.append(files.enter_context(written))
        watch = Watch(source, model, top=3, threshold=None, smooth=1.0, sinks=sinks)
        watch.run(threading.Event())
    return watch.meter.num_frames, watch.num_passes


def plain_loop(model: Model, video: Path, *, num_frames: int) -> None:
    """As one writes it: at each frame the whole network on the last ones."""
    spec = model.description.spec
    scorer, kept = WholeClips(model.network, spec), 0
    with open_source(str(video), frames=FrameSpec(), timeout_seconds=10) as source:
        to_input = source.to_input(spec.size)
        for _, picture in islice(source.video.pictures(), num_frames + spec.num_frames - 1):
            scorer.push(to_input(picture))
            kept += 1
            if kept >= spec.num_frames:
                scorer.logits()


def milliseconds_a_frame(scorer: ClipScorer, frames: np.ndarray, *, length: int) -> float:
    """Of a new frame and the answer for the clip that ends with it."""
    for frame in frames[:length]:
        scorer.push(frame)
    scorer.logits()
    times: deque[float] = deque()
    for frame in frames[length:]:
        started_at = time.perf_counter()
        scorer.push(frame)
        scorer.logits()
        times.append(1000 * (time.perf_counter() - started_at))
    return statistics.median(times)


def seconds(work: Callable[[], object]) -> float:
    started_at = time.perf_counter()
    work()
    return time.perf_counter() - started_at


def end_to_end(folder: Path, video: Path, *, rounds: int, plain_frames: int = PLAIN_FRAMES) -> dict[str, list[float]]:
    """Frames a second of each round."""
    num_frames, out = decode(video), folder / "annotated.mp4"
    stream, whole = load_stream(folder / "streaming"), load(folder / "model.xml")
    works: dict[str, tuple[int, Callable[[], object]]] = {
        "decoding alone": (num_frames, lambda: decode(video)),
        "demo": (num_frames, lambda: demo(stream, video)),
        "demo -o": (num_frames, lambda: demo(stream, video, out=out)),
        "plain loop": (plain_frames, lambda: plain_loop(whole, video, num_frames=plain_frames)),
    }
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, (number, work) in works.items():
            found[name].append(number / seconds(work))
    return found


def new_frame(folder: Path, *, rounds: int, num_frames: int = 16) -> dict[str, list[float]]:
    """Milliseconds of each round."""
    model = load(folder / "model.xml")
    spec = model.description.spec
    shape = (spec.num_frames + num_frames, spec.channels, spec.size, spec.size)
    frames = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    found: dict[str, list[float]] = {"encoder and decoder": [], "the whole network": []}
    for _ in range(rounds):
        for name, scorer in zip(found, (model.scorer(), WholeClips(model.network, spec)), strict=True):
            found[name].append(milliseconds_a_frame(scorer, frames, length=spec.num_frames))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="efficientnet_lite0_vtn")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    clip = Clip(length=16, stride=2, size=arguments.size)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        render(folder / "video.mp4", seed=0, seconds=arguments.seconds)
        export(arguments.model, clip, folder)
        frames, passes = demo(load_stream(folder / "streaming"), folder / "video.mp4")
        print(f"{arguments.model}, {clip.length} frames of {clip.size} px, stride {clip.stride}")
        print(f"a video of {frames} frames, {passes} passes of the encoder ({clip.length * frames} of whole clips)")
        rates = end_to_end(folder, folder / "video.mp4", rounds=arguments.rounds)
        plain = statistics.median(rates["plain loop"])
        for what, found in rates.items():
            rate = statistics.median(found)
            print(f"{what:20s} {rate:7.1f} frames/s, {rate / plain:.1f} of the plain loop")
        costs = {what: statistics.median(found) for what, found in new_frame(folder, rounds=arguments.rounds).items()}
        for (what, cost), passes in zip(costs.items(), (1, clip.length), strict=True):
            print(f"{what:20s} {cost:7.1f} ms and {passes} passes of the encoder for a new frame")
        print(f"ratio {costs['the whole network'] / costs['encoder and decoder']:.1f}")


if __name__ == "__main__":
    main()
