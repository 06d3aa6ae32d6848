"""Exported networks against PyTorch on the same processor, whole clips and streams.

    python benchmarks/deployment.py [MODEL ...] [--int8] [--seconds 20]

Exports networks with random weights as the workflow does, and runs single clips of 16 frames at 224 px: PyTorch as it
comes, in channels_last and with bf16 autocast, OpenVINO at float32 and at the processor's default precision, and, with
--int8, quantised by NNCF on random clips: for its speed alone. Of a stream, one more frame by encoder and decoder. All
take turns; ratios are medians over the rounds, with the 10th and the 90th percentile. At
stride 1 a stream makes one pass of the encoder a frame, where the whole network makes 16.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import openvino as ov
import torch

from kinema.deployment.onnx_model import export_onnx
from kinema.deployment.parts import export_parts
from kinema.deployment.saving import save_ir
from kinema.deployment.streaming import stream_networks
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.benchmark.rounds import Rounds, Run, in_rounds, quantiles
from kinema.inference.predictors.openvino import compiled_network, core
from kinema.inference.predictors.predictor import INPUT
from kinema.inference.scorers import EncoderDecoder
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model

MODELS = ("resnet34_vtn", "mobilenetv2_vtn", "efficientnet_lite0_vtn")
LENGTH, SIZE, CLASSES = 16, 224, 400
CALIBRATION_CLIPS = 4
DEFAULT = "OpenVINO default"


def network(name: str) -> Recognizer:
    clip = Clip(length=LENGTH, size=SIZE)
    return create_model(name, num_classes=CLASSES, clip=clip, network=Network(encoder_weights="none")).eval()


def exported(model: Recognizer, folder: Path) -> ov.Model:
    """The IR as it is shipped, with weights of float16."""
    save_checkpoint(folder / "model.pth", model, labels=[str(number) for number in range(CLASSES)], settings={})
    export_onnx(checkpoint_path=folder / "model.pth", out=folder / "model.onnx", opset=20)
    save_ir(ov.convert_model(folder / "model.onnx"), folder / "model.xml", weights="float16")
    return core().read_model(folder / "model.xml")


def quantised(whole: ov.Model, clips: np.ndarray) -> ov.Model:
    """In INT8, of these clips one by one; its answers are worth nothing."""
    import nncf

    calibration = nncf.Dataset([clips] * CALIBRATION_CLIPS)
    return nncf.quantize(whole, calibration, preset=nncf.QuantizationPreset.MIXED, subset_size=CALIBRATION_CLIPS)


def in_pytorch(model: Recognizer, clips: np.ndarray, *, bf16: bool = False) -> Run:
    tensor = torch.from_numpy(clips)

    @torch.inference_mode()
    def run() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            model(tensor)

    return run


def in_openvino(whole: ov.Model, clips: np.ndarray, *, precision: str | None = None) -> Run:
    compiled = compiled_network(whole, precision=precision)
    return lambda: compiled({INPUT: clips})[0]


def next_frame(model: Recognizer, clips: np.ndarray) -> Run:
    """Encoder and decoder at the default precision, as they take one more frame."""
    encoder, decoder = stream_networks(export_parts(model)[1:], opset=20)
    scorer = EncoderDecoder(compiled_network(encoder), compiled_network(decoder), spec=model.spec)
    for frame in clips[0]:
        scorer.push(frame)

    def run() -> None:
        scorer.push(clips[0, 0])
        scorer.logits()

    return run


def contestants(name: str, folder: Path, *, with_int8: bool) -> dict[str, Run]:
    """All that take turns, by name."""
    clips = np.random.default_rng(0).integers(0, 256, (1, LENGTH, 3, SIZE, SIZE), np.uint8)
    model = network(name)
    whole = exported(model, folder)
    runs = {
        "eager": in_pytorch(model, clips),
        "OpenVINO f32": in_openvino(whole, clips, precision="f32"),
        DEFAULT: in_openvino(whole, clips),
        "OpenVINO, a new frame": next_frame(model, clips),
    }
    if with_int8:
        runs["OpenVINO INT8"] = in_openvino(quantised(whole, clips), clips)
    last = network(name).to(memory_format=torch.channels_last)
    return runs | {
        "channels_last": in_pytorch(last, clips),
        "channels_last, bf16 autocast": in_pytorch(last, clips, bf16=True),
    }


def report(rounds: Rounds, names: list[str]) -> None:
    usual = names.index(DEFAULT)
    for number, name in enumerate(names):
        ms = 1000 * rounds.quantiles(number).median
        ratio = quantiles(rounds.ratios(number, usual))
        print(f"  {name:28s} {ms:7.1f} ms, {ratio.median:6.2f} of the default ({ratio.low:.2f} to {ratio.high:.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--int8", action="store_true", help="quantise as well, which takes a minute or two")
    parser.add_argument("--seconds", type=float, default=20)
    arguments = parser.parse_args()
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            runs = contestants(name, Path(folder), with_int8=arguments.int8)
        rounds = in_rounds(list(runs.values()), seconds=arguments.seconds)
        print(f"{name}, {LENGTH} frames at {SIZE} px, {torch.get_num_threads()} threads, {rounds.num_rounds} rounds")
        report(rounds, list(runs))


if __name__ == "__main__":
    main()
