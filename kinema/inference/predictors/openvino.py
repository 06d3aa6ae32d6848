"""An OpenVINO IR (model.xml with its model.bin) as a predictor."""

import functools
import json
from pathlib import Path

import numpy as np
import openvino as ov

from kinema.inference.description import KEYS
from kinema.inference.predictors.predictor import INPUT, Form, Predictor, Sizes

SERVED = "kinema"  # key of `model_info` with all metadata as one JSON object


@functools.cache
def core() -> ov.Core:
    """The one Core of this process, which stays until it ends.

    A Core's CPU plugin gives the thread a stack for signal handlers, and puts back the stack of before when it goes
    (`SigAltStackSetup` in OpenVINO's plugins/intel_cpu; so in 2026.4.1). Where two go in the order in which they came,
    what the second puts back is that of the first, which is unmapped: the next signal that has a handler (Ctrl-C, the
    end of a process that was started) is a segmentation fault.
    """
    return ov.Core()


def openvino_predictor(
    network: Path | ov.Model, *, precision: str | None = None, threads: int | None = None, device: str = "CPU"
) -> Predictor:
    """Predictor of an IR; `precision` "f32" forces float32, None leaves the device its default.

    On many CPUs that default is bfloat16: it is what users get, and 100 times further from PyTorch.
    """
    compiled = compiled_network(network, precision=precision, threads=threads, device=device)

    def predict(clips: np.ndarray) -> np.ndarray:
        return np.array(compiled({INPUT: clips})[0])

    return predict


def compiled_network(
    network: Path | ov.Model, *, precision: str | None = None, threads: int | None = None, device: str = "CPU"
) -> ov.CompiledModel:
    """An IR on a device; the options are those of `openvino_predictor`."""
    options: dict[str, str | int] = {"PERFORMANCE_HINT": "LATENCY"}
    if precision:
        options["INFERENCE_PRECISION_HINT"] = precision
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    return core().compile_model(network, device, options)


def read_openvino(path: Path) -> tuple[ov.Model, dict[str, str]]:
    """The network in a model.xml and its metadata; ValueError where it is no IR."""
    if not path.with_suffix(".bin").is_file():
        raise ValueError(f"{path}: {path.with_suffix('.bin').name} with the weights is not beside it; copy both files")
    try:
        network = core().read_model(path)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{path}: no OpenVINO IR, or cut off ({reason}); copy model.xml and model.bin anew") from None
    return network, _metadata(network)


def openvino_form(network: ov.Model) -> Form:
    """Shapes of what a network takes and gives."""
    return Form(*([_sizes(port.partial_shape) for port in ports] for ports in (network.inputs, network.outputs)))


def _sizes(shape: ov.PartialShape) -> Sizes:
    if shape.rank.is_dynamic:
        return []
    return [None if size.is_dynamic else size.get_length() for size in shape]


def add_metadata(network: ov.Model, values: dict[str, str], *, labels: tuple[str, ...]) -> None:
    """Put metadata into a network.

    Open Model Zoo's programs read `model_info/labels`. OpenVINO Model Server tells its clients `model_info` and nothing
    else, so all is there once more.
    """
    for key, value in values.items():
        network.set_rt_info(value, ["kinema", key])
    network.set_rt_info(" ".join(label.replace(" ", "_") for label in labels), ["model_info", "labels"])
    network.set_rt_info(json.dumps(values, ensure_ascii=False), ["model_info", SERVED])


def _metadata(network: ov.Model) -> dict[str, str]:
    present = [key for key in KEYS if network.has_rt_info(["kinema", key])]
    return {key: network.get_rt_info(["kinema", key]).astype(str) for key in present}
