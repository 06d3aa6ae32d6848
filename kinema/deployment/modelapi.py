"""The converted IR -> modelapi/model.xml, which OpenVINO Model API's ActionClassificationModel loads as it is.

That class takes one input of six dimensions, here N, S, T, H, W, C with one clip, and reads `model_info`: its labels
are split at white space. It gives the output as the confidence, so a softmax at the calibrated temperature is inside.
It infers the layout where none is set.
"""

import logging
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset13 as ops

from kinema.deployment.about import ModelFiles, describe
from kinema.deployment.ir_files import new_ir, remove_ir, sha256, weights_path
from kinema.deployment.judge import Judge, Precision
from kinema.deployment.logits import Sample, check_difference
from kinema.deployment.parity_sample import parity_clips
from kinema.deployment.saving import save_ir
from kinema.deployment.verify import ConvertedFiles
from kinema.digests import file_digest
from kinema.experiment.config import Settings
from kinema.inference.description import Description
from kinema.inference.predictors.openvino import add_metadata, compiled_network, openvino_predictor, read_openvino
from kinema.inference.predictors.predictor import Predictor
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.records.verification import Verification

log = logging.getLogger(__name__)
TYPE = "Action Classification"  # as Model API calls its class
LEAST = 1e-30  # a lower probability is taken for this


@dataclass(frozen=True)
class ModelApiFiles:
    """What is shipped for Model API; model.bin lies beside model.xml."""

    xml_path: Path
    verification_path: Path


def export_modelapi(
    *,
    converted: ConvertedFiles,
    model: ModelFiles,
    clips_path: Path,
    settings: Settings,
    shipped: ModelApiFiles,
    threads: int,
) -> None:
    """Write the variant of the IR where it passes: equal to the IR at float32, and `check_agreement` with PyTorch."""
    remove_ir(shipped.xml_path)
    shipped.verification_path.unlink(missing_ok=True)
    converted.check()
    trained = load_checkpoint(model.checkpoint_path)
    judge = Judge.of(trained, model, clips_path=clips_path, settings=settings)
    about = describe(trained, model, clips_path=clips_path)
    original, _ = read_openvino(converted.xml_path)
    network = modelapi_network(original.clone(), about)
    clips = parity_clips(clips_path, trained.model, count=settings.deployment.parity_clips)
    temperature = about.temperature or 1.0
    logits = openvino_predictor(original, precision="f32")(clips)
    again = _as_logits(network, temperature, "f32", threads=threads)
    parity = check_difference(
        Sample(clips, _shown(logits, temperature)),
        lambda clips: _shown(again(clips), temperature),
        what="the IR for Model API",
        tolerance=settings.deployment.parity_tolerance,
    )
    with new_ir(shipped.xml_path) as temporary:
        save_ir(network, temporary)
        results = judge.findings(partial(_as_logits, temporary, temperature, threads=threads))
        paths = {shipped.xml_path: temporary, weights_path(shipped.xml_path): weights_path(temporary)}
        digests = {place.name: sha256(path) for place, path in paths.items()}
        Verification(**results, parity=parity, sha256=digests, model=file_digest(model.checkpoint_path)).write(
            shipped.verification_path
        )
    log.info("%s equals the model: agreement %s", shipped.xml_path, results["agreement"])


def modelapi_network(network: ov.Model, about: Description) -> ov.Model:
    """uint8 (N, 1, T, H, W, C) -> probabilities (N, K), of uint8 (N, T, C, H, W) -> logits; `network` is used up."""
    spec = about.spec
    frames = [spec.num_frames, spec.size, spec.size, spec.channels]
    clips = ops.parameter(ov.PartialShape([-1, 1, *frames]), np.uint8, name="clips")
    flat = ops.reshape(clips, np.array([-1, *frames], np.int64), special_zero=False)
    turned = ops.transpose(flat, np.array([0, 1, 4, 2, 3], np.int64))
    (before,) = network.get_parameters()
    before.output(0).replace(turned.output(0))
    (result,) = network.get_results()
    logits = result.input_value(0)
    probabilities = ops.softmax(ops.divide(logits, np.float32(about.temperature or 1.0)), axis=1)
    probabilities.output(0).get_tensor().set_names({"probabilities"})
    clips.output(0).get_tensor().set_names({"clips"})
    made = ov.Model([probabilities.output(0)], [clips], "model")
    add_metadata(made, about.to_metadata(), labels=about.labels)
    for key, value in {"model_type": TYPE, "resize_type": "crop"}.items():
        made.set_rt_info(value, ["model_info", key])
    return made


def probabilities_of(network: Path | ov.Model, precision: Precision, *, threads: int) -> Predictor:
    """The variant as a function of clips (B, T, C, S, S) -> probabilities (B, K)."""
    compiled = compiled_network(network, precision=precision, threads=threads)

    def predict(clips: np.ndarray) -> np.ndarray:
        turned = np.ascontiguousarray(clips.transpose(0, 1, 3, 4, 2))
        return np.concatenate([np.array(compiled([clip[None, None]])[0]) for clip in turned])  # as Model API asks

    return predict


def _as_logits(network: Path | ov.Model, temperature: float, precision: Precision, *, threads: int) -> Predictor:
    """The same with what a softmax makes of logits undone, up to a number that it does not look at."""
    predict = probabilities_of(network, precision, threads=threads)
    return lambda clips: temperature * np.log(np.maximum(predict(clips), LEAST))


def _shown(logits: np.ndarray, temperature: float) -> np.ndarray:
    """What a softmax at float32 shows of logits: how far each is below the highest, until it cannot be told from 0."""
    below = logits - logits.max(axis=1, keepdims=True)
    return np.maximum(below, temperature * np.log(1e3 * LEAST))
