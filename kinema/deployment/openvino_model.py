"""model.onnx -> OpenVINO IR, written only when it computes what the PyTorch model computes."""

import logging
from pathlib import Path

import numpy as np
import openvino as ov
import torch

from kinema.clips.dataset import ClipDataset
from kinema.config import Settings
from kinema.deployment.onnx_model import INPUT, model_metadata
from kinema.disk import full_disk_named
from kinema.evaluation.score import Predictor, evaluation_dataset, evaluation_subset, torch_predictor
from kinema.files import write_json
from kinema.models.checkpoint import load_checkpoint

log = logging.getLogger(__name__)


def convert(
    *, onnx: Path, checkpoint: Path, clips: Path, settings: Settings, shipped: Path, xml: Path, parity: Path
) -> None:
    """Write `xml` (with its .bin beside it) and the parity report.

    The IR that was written is read back and compared with PyTorch on real clips at float32; when they differ by more
    than `parity_tolerance` of the largest logit, the files are removed and a ValueError says by how much. The IR of an
    earlier model at `shipped` is removed first: it is not the IR of this checkpoint, whatever comes of this one.
    """
    for outdated in (shipped, shipped.with_suffix(".bin")):
        outdated.unlink(missing_ok=True)
    trained = load_checkpoint(checkpoint)
    network = ov.convert_model(onnx)
    for key, value in model_metadata(trained).items():
        network.set_rt_info(value, ["kinema", key])
    network.set_rt_info(" ".join(label.replace(" ", "_") for label in trained.labels), ["model_info", "labels"])
    xml.parent.mkdir(parents=True, exist_ok=True)
    with full_disk_named(xml):
        ov.save_model(network, xml, compress_to_fp16=settings.deployment.compress_to_fp16)
    subset = evaluation_subset(clips, settings.evaluation.subset)
    dataset = evaluation_dataset(clips, trained, subset=subset)
    sample = sample_clips(dataset, settings.deployment.parity_clips)
    expected = torch_predictor(trained.model, device="cpu")(sample)
    found = ir_predictor(xml, precision="f32")(sample)
    try:
        result = check_parity(expected, found, tolerance=settings.deployment.parity_tolerance)
    except ValueError:
        xml.unlink()
        xml.with_suffix(".bin").unlink()
        raise
    write_json(parity, {"num_clips": len(sample), **result})


def check_parity(expected: np.ndarray, found: np.ndarray, *, tolerance: float) -> dict[str, float]:
    """Largest difference of two logit arrays (N, K), absolute and as a fraction of the largest logit."""
    largest = float(np.abs(expected).max())
    difference = float(np.abs(expected - found).max())
    relative = difference / max(largest, 1e-30)
    if not relative <= tolerance:  # also catches NaN
        raise ValueError(
            f"the IR differs from PyTorch by {difference:.3g} on logits up to {largest:.3g}: {relative:.2e} of the "
            f"largest, more than deployment.parity_tolerance = {tolerance:g}. No model was written; try another "
            "deployment.opset, or compress_to_fp16: false."
        )
    log.info("parity: largest difference %.3g, %.2e of the largest logit", difference, relative)
    return {"max_abs_difference": difference, "max_abs_logit": largest, "relative_difference": relative}


def sample_clips(dataset: ClipDataset, count: int) -> np.ndarray:
    """`count` clips spread over the data set, uint8 (N, T, 3, S, S)."""
    rows = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int))
    return torch.stack([dataset[int(row)]["clip"] for row in rows]).numpy()


def ir_predictor(xml: Path, *, precision: str | None = None, threads: int | None = None) -> Predictor:
    """Predictor of an IR on the CPU; `precision` "f32" forces float32, None leaves the device its default.

    On many CPUs that default is bfloat16: it is what users get, and 100 times further from PyTorch.
    """
    options: dict[str, str | int] = {"PERFORMANCE_HINT": "LATENCY"}
    if precision:
        options["INFERENCE_PRECISION_HINT"] = precision
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    compiled = ov.Core().compile_model(xml, "CPU", options)

    def predict(clips: np.ndarray) -> np.ndarray:
        return np.array(compiled({INPUT: clips})[0])

    return predict
