"""model.onnx -> OpenVINO IR, written only when it computes what the PyTorch model computes."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino as ov

from kinema.clips.table import ClipIndex, mapped_path, subsets_of
from kinema.deployment.frame_rates import training_rates
from kinema.deployment.ir_files import ir_digests, new_ir, remove_ir
from kinema.deployment.onnx_model import describe, read_metadata
from kinema.deployment.parity_sample import parity_clips
from kinema.evaluation.predictors import torch_predictor
from kinema.experiment.model_sections import Deployment
from kinema.inference.description import Description
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.predictors.openvino import add_metadata, openvino_predictor
from kinema.media.reader import FrameReader
from kinema.models.loading.checkpoint import Checkpoint, load_checkpoint
from kinema.records.parity import Parity

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
        network = ir_network(onnx_path, trained, frames_of(clips_path), frame_rates=training_rates(clips_path))
        ov.save_model(network, temporary, compress_to_fp16=settings.compress_to_fp16)
        found = openvino_predictor(temporary, precision="f32")(sample)
        result = check_parity(expected, found, tolerance=settings.parity_tolerance)
        digests = ir_digests(temporary)
    Parity(num_clips=len(sample), **result, sha256=digests).write(parity_path)


def ir_network(
    onnx_path: Path, trained: Checkpoint, frames: FrameSpec, *, frame_rates: FrameRates | None = None
) -> ov.Model:
    """The converted graph, with what its users need to know as `rt_info`."""
    network = ov.convert_model(onnx_path)
    exported = Description.from_metadata(read_metadata(onnx_path), where=onnx_path)
    about = replace(
        describe(trained, frames),
        temperature=exported.temperature,
        threshold=exported.threshold,
        frame_rates=frame_rates,
    )
    add_metadata(network, about.to_metadata(), labels=about.labels)
    return network


def frames_of(clips_path: Path) -> FrameSpec:
    """How the frames of a data set were made; its shards are all of one recipe."""
    index = ClipIndex(mapped_path(clips_path), subsets_of(clips_path)[0])
    return FrameSpec.of(FrameReader().media(index.shard(0)))


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
