"""Scoring clips out of shards, as `evaluate` (PyTorch) and `verify` (OpenVINO) do, against the bare networks.

    python benchmarks/scoring.py [--model efficientnet_lite0_vtn] [--size 224] [--videos 4] [--rounds 3]

Renders ten-second videos (640 x 360, h264), prepares them at 8/7 of the network's size, and scores ten clips of 16
frames, stride 2, of each. The bare networks see the same clips, which are in memory, in batches of the same size. All
take turns in every round; ratios are medians over the rounds. `first clip` is the time until the loader has it, which
a run pays once.
"""

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from generated_videos import extracted_index, make_videos

from kinema.clips.table import ClipIndex
from kinema.deployment.onnx_model import export_onnx
from kinema.evaluation.evidence import EvidenceCollector
from kinema.evaluation.predictors import torch_predictor
from kinema.evaluation.score import score
from kinema.evaluation.views import ViewDataset
from kinema.experiment.data_sections import Clip, Media
from kinema.experiment.model_sections import Evaluation, Network
from kinema.inference.predictors.openvino import openvino_predictor
from kinema.inference.predictors.predictor import Predictor
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model

CLIPS_PER_VIDEO = 10
TIMES = 3  # that OpenVINO, which is fast, sees the clips in a round
BATCH = Evaluation().batch_size


def network(name: str, clip: Clip, labels: list[str]) -> Recognizer:
    return create_model(name, num_classes=len(labels), clip=clip, network=Network(encoder_weights="none")).eval()


def exported(model: Recognizer, labels: list[str], folder: Path, *, threads: int) -> Predictor:
    """The network in OpenVINO, at the device's own precision."""
    save_checkpoint(folder / "model.pth", model, labels=labels, settings={})
    export_onnx(checkpoint_path=folder / "model.pth", out=folder / "model.onnx", opset=20)
    ov.save_model(ov.convert_model(folder / "model.onnx"), folder / "model.xml")
    return openvino_predictor(folder / "model.xml", threads=threads)


def dataset_of(videos: int, folder: Path, clip: Clip) -> ViewDataset:
    """Clips of generated videos, as many of each as testing videos have."""
    index = extracted_index(
        make_videos(folder / "videos", videos), folder / "data", Media(short_side=clip.size * 8 // 7), clip=clip
    )
    spaced = ClipIndex.load(folder / "data" / "clips.parquet", subset=index.subset, clip=clip, is_spaced=True)
    return ViewDataset(spaced, clip=clip, views=Evaluation())


def bare(predict: Predictor, clips: np.ndarray) -> None:
    for begin in range(0, len(clips), BATCH):
        predict(clips[begin : begin + BATCH])


def seconds(work) -> float:
    started_at = time.perf_counter()
    work()
    return time.perf_counter() - started_at


def ratios(
    dataset: ViewDataset, model: Recognizer, openvino: Predictor, *, rounds: int, threads: int
) -> dict[str, list[tuple[float, float]]]:
    """Seconds of scoring and of the bare network in each round, by what runs the network."""
    clips = np.stack([dataset[row]["clip"][:, 0].numpy() for row in range(len(dataset))])
    pytorch = torch_predictor(model, device="cpu")
    watched = partial(torch_predictor, model, device="cpu")
    options = {"batch_size": BATCH, "num_threads": threads}
    again = list(range(len(dataset))) * TIMES
    scored = {
        "PyTorch": lambda: score(watched(watch=EvidenceCollector(dataset).add), dataset, **options),
        "OpenVINO": lambda: score(openvino, dataset, rows=again, **options),
    }
    alone = {"PyTorch": lambda: bare(pytorch, clips), "OpenVINO": lambda: [bare(openvino, clips) for _ in range(TIMES)]}
    for predict in (pytorch, openvino):
        predict(clips[:BATCH])  # what is done once
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in scored}
    for _ in range(rounds):
        for name in scored:
            times[name].append((seconds(scored[name]), seconds(alone[name])))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="efficientnet_lite0_vtn")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    clip = Clip(length=16, stride=2, size=arguments.size, num_val_clips=CLIPS_PER_VIDEO)
    with tempfile.TemporaryDirectory() as folder:
        dataset = dataset_of(arguments.videos, Path(folder), clip)
        labels = dataset.index.labels
        model = network(arguments.model, clip, labels)
        openvino = exported(model, labels, Path(folder), threads=arguments.threads)
        print(f"{arguments.model}, {len(dataset)} clips of 16 frames at {clip.size} px, {arguments.threads} threads")
        times = ratios(dataset, model, openvino, rounds=arguments.rounds, threads=arguments.threads)
    for name, rounds in times.items():
        number = len(dataset) * (TIMES if name == "OpenVINO" else 1)
        scored, alone = (number / statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(bare / found for found, bare in rounds)
        print(f"{name:9s} {scored:6.1f} clips/s out of shards, {alone:6.1f} bare: ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
