"""INT8 against the precision that OpenVINO takes by itself, and against float32: one clip, the whole network.

    python benchmarks/int8.py [--models resnet34_vtn ...] [--recipe mixed] [--rounds 15]

Networks are random and take 16 frames of 224 pixels; what they answer does not matter here. They are exported as rule
convert does, with weights of float16, and quantised on a few random clips. All take turns in every round; milliseconds
and ratios are medians over the rounds. How good an INT8 model is stands in int8/quantization.json.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import openvino as ov

from kinema.deployment.onnx_model import part_to_onnx
from kinema.deployment.parts import export_parts
from kinema.deployment.recipes import quantise
from kinema.deployment.saving import fold_constants, save_ir
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.predictors.openvino import compiled_network, core, openvino_predictor
from kinema.models.registry import create_model

CLIP = Clip(length=16, stride=2, size=224)
CALIBRATED_ON, WARM_UP = 4, 3
FLAGS = ("avx_vnni", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


def written(name: str, recipe: str, folder: Path) -> dict[str, Path]:
    """The IR as it is shipped, and the quantised one."""
    model = create_model(name, num_classes=400, clip=CLIP, network=Network(encoder_weights="none"))
    onnx.save(part_to_onnx(export_parts(model)[0], opset=20), folder / "model.onnx")
    network = ov.convert_model(folder / "model.onnx")
    fold_constants(network)
    save_ir(network, folder / "float32.xml")
    save_ir(network, folder / "model.xml", weights="float16")
    shape = (CALIBRATED_ON, CLIP.length, 3, CLIP.size, CLIP.size)
    np.save(folder / "clips.npy", np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    quantise(folder / "float32.xml", folder / "clips.npy", recipe=recipe, weights="float16", out=folder / "int8.xml")
    return {"default": folder / "model.xml", "int8": folder / "int8.xml"}


def milliseconds(paths: dict[str, Path], clip: np.ndarray, *, rounds: int) -> dict[str, list[float]]:
    predictors = {name: openvino_predictor(path) for name, path in paths.items()}
    predictors["f32"] = openvino_predictor(paths["default"], precision="f32")
    taken: dict[str, list[float]] = {name: [] for name in predictors}
    for number in range(WARM_UP + rounds):
        for name, predict in predictors.items():
            started_at = time.perf_counter()
            predict(clip)
            if number >= WARM_UP:
                taken[name].append(1e3 * (time.perf_counter() - started_at))
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["resnet34_vtn", "mobilenetv2_vtn", "efficientnet_lite0_vtn"])
    parser.add_argument("--recipe", default="mixed")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    known = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    print(core().get_property("CPU", "FULL_DEVICE_NAME"), *(flag for flag in FLAGS if flag in known))
    print(
        "| model | f32 ms | default ms | INT8 ms | f32 / INT8 | default / INT8 | size |\n|---|---|---|---|---|---|---|"
    )
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            paths = written(name, arguments.recipe, Path(folder))
            precision = compiled_network(paths["default"]).get_property("INFERENCE_PRECISION_HINT").get_type_name()
            clip = np.load(Path(folder) / "clips.npy")[:1]
            taken = milliseconds(paths, clip, rounds=arguments.rounds)
            size = (
                paths["int8"].with_suffix(".bin").stat().st_size / paths["default"].with_suffix(".bin").stat().st_size
            )
        middle = {key: statistics.median(times) for key, times in taken.items()}
        by = {key: statistics.median(np.divide(taken[key], taken["int8"])) for key in ("f32", "default")}
        numbers = f"{middle['f32']:.0f} | {middle['default']:.0f} ({precision}) | {middle['int8']:.0f}"
        print(f"| {name} | {numbers} | {by['f32']:.2f} | {by['default']:.2f} | {size:.2f} |", flush=True)


if __name__ == "__main__":
    main()
