"""The ONNX graph -> OpenVINO IR: gate 1, at which both must compute what the PyTorch model computes."""

from pathlib import Path

import openvino as ov

from kinema.deployment.ir_files import digests_of, new_ir, remove_ir, weights_path
from kinema.deployment.logits import Sample, check_difference, check_rounded
from kinema.deployment.parity_sample import parity_clips
from kinema.deployment.saving import save_ir
from kinema.evaluation.predictors import torch_predictor
from kinema.experiment.model_sections import Deployment
from kinema.inference.predictors.onnxruntime import onnxruntime_predictor
from kinema.inference.predictors.openvino import openvino_predictor
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_served
from kinema.models.recognizer import Recognizer
from kinema.records.parity import Parity


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
    """Write `xml_path` (with its .bin beside it) and the parity report, which has the digests of what was compared.

    ONNX Runtime and OpenVINO are compared with PyTorch on real clips at float32, see `check_difference`; where one of
    them differs, no IR is left and a ValueError says by how much. The model.xml and model.onnx of before, in the folder
    of `shipped_path`, are removed first: they are not of this checkpoint, whatever comes of this one.
    """
    for path in (shipped_path, xml_path):
        remove_ir(path)
    shipped_path.with_suffix(".onnx").unlink(missing_ok=True)
    remove_served(shipped_path.parent)
    parity_path.unlink(missing_ok=True)
    sample = parity_sample(clips_path, load_checkpoint(checkpoint_path).model, count=settings.parity_clips)
    with new_ir(xml_path) as temporary:
        network = ov.convert_model(onnx_path)
        made = onnxruntime_predictor(onnx_path), openvino_predictor(network, precision="f32")
        options = {"tolerance": settings.parity_tolerance}
        legs = {
            "onnx": check_difference(sample, made[0], what="model.onnx in ONNX Runtime", **options),
            "openvino": check_difference(sample, made[1], what="the IR", **options),
        }
        save_ir(network, temporary, weights=settings.weights)
        stored = openvino_predictor(temporary, precision="f32")
        legs["stored"] = check_rounded(sample, stored, what=f"the IR with weights of {settings.weights}")
    Parity(
        num_clips=len(sample.clips),
        largest_logit=sample.largest,
        spread=sample.spread,
        **legs,
        weights=settings.weights,
        sha256=digests_of([onnx_path, xml_path, weights_path(xml_path)]),
    ).write(parity_path)


def parity_sample(clips_path: Path, model: Recognizer, *, count: int) -> Sample:
    """Real clips with PyTorch's logits; ValueError where these show nothing."""
    clips = parity_clips(clips_path, model, count=count)
    return Sample(clips, torch_predictor(model, device="cpu")(clips))
