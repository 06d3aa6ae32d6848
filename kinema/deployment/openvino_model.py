"""model.onnx -> OpenVINO IR, written only when it computes what the PyTorch model computes."""

import logging
from pathlib import Path

import numpy as np
import openvino as ov

from kinema.config import Deployment
from kinema.deployment.ir_files import ir_digests, new_ir, remove_ir
from kinema.deployment.onnx_model import model_metadata
from kinema.deployment.parity_sample import parity_clips
from kinema.deployment.parts import INPUT
from kinema.evaluation.predictors import Predictor, torch_predictor
from kinema.models.loading.checkpoint import Checkpoint, load_checkpoint
from kinema.records import write_json

log = logging.getLogger(__name__)


def convert(
    *,
    onnx_path: Path,
    checkpoint_path: Path,
    clips_path: Path,
    settings: Deployment,
    shipped_path: Path,
    xml_path: Path,
    parity_path: Path,
) -> None:
    """Write `xml_path` (with its .bin beside it) and the parity report, which has the digests of both.

    The IR is written and read back under a temporary name and compared with PyTorch on real clips at float32; when they
    differ by more than `parity_tolerance` of the largest logit, no IR is left and a ValueError says by how much. The IR
    of an earlier model at `shipped_path` is removed first: it is not the IR of this checkpoint, whatever comes of this
    one.
    """
    remove_ir(shipped_path)
    parity_path.unlink(missing_ok=True)
    trained = load_checkpoint(checkpoint_path)
    sample = parity_clips(clips_path, trained.model, count=settings.parity_clips)
    expected = torch_predictor(trained.model, device="cpu")(sample)
    with new_ir(xml_path) as temporary:
        ov.save_model(ir_network(onnx_path, trained), temporary, compress_to_fp16=settings.compress_to_fp16)
        found = ir_predictor(temporary, precision="f32")(sample)
        result = check_parity(expected, found, tolerance=settings.parity_tolerance)
        digests = ir_digests(temporary)
    write_json(parity_path, {"num_clips": len(sample), **result, "sha256": digests})


def ir_network(onnx_path: Path, trained: Checkpoint) -> ov.Model:
    """The converted graph, with what its users need to know as `rt_info`."""
    network = ov.convert_model(onnx_path)
    for key, value in model_metadata(trained).items():
        network.set_rt_info(value, ["kinema", key])
    network.set_rt_info(" ".join(label.replace(" ", "_") for label in trained.labels), ["model_info", "labels"])
    return network


def check_parity(expected: np.ndarray, found: np.ndarray, *, tolerance: float) -> dict[str, float]:
    """Largest difference of two logit arrays (N, K), absolute and as a fraction of the largest logit."""
    for name, logits in (("PyTorch model", expected), ("IR", found)):
        if not np.isfinite(logits).all():
            raise ValueError(
                f"the {name} gives logits that are not finite. No model was written; the weights are broken (train "
                "again), or too large for compress_to_fp16: true."
            )
    if expected.shape != found.shape:
        raise ValueError(f"the IR gives logits {found.shape}, PyTorch {expected.shape}. No model was written.")
    largest = float(np.abs(expected).max())
    difference = float(np.abs(expected - found).max())
    relative = difference / max(largest, 1e-30)
    if relative > tolerance:
        raise ValueError(
            f"the IR differs from PyTorch by {difference:.3g} on logits up to {largest:.3g}: {relative:.2e} of the "
            f"largest, more than deployment.parity_tolerance = {tolerance:g}. No model was written; try another "
            "deployment.opset, or compress_to_fp16: false."
        )
    log.info("parity: largest difference %.3g, %.2e of the largest logit", difference, relative)
    return {"max_abs_difference": difference, "max_abs_logit": largest, "relative_difference": relative}


def ir_predictor(xml_path: Path, *, precision: str | None = None, threads: int | None = None) -> Predictor:
    """Predictor of an IR on the CPU; `precision` "f32" forces float32, None leaves the device its default.

    On many CPUs that default is bfloat16: it is what users get, and 100 times further from PyTorch.
    """
    options: dict[str, str | int] = {"PERFORMANCE_HINT": "LATENCY"}
    if precision:
        options["INFERENCE_PRECISION_HINT"] = precision
    if threads:
        options["INFERENCE_NUM_THREADS"] = threads
    compiled = ov.Core().compile_model(xml_path, "CPU", options)

    def predict(clips: np.ndarray) -> np.ndarray:
        return np.array(compiled({INPUT: clips})[0])

    return predict
