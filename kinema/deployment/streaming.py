"""model.pth -> streaming/encoder.xml and decoder.xml: a frame is encoded once, whatever clips it is part of.

In the conventions of Open Model Zoo's action recognition demo: the encoder takes uint8 (1, 3, H, W) of B, G, R, the
decoder a static (1, T, E). Both must compute what the whole network computes, and pass gate 2 together. An encoder that
looks back takes a state beside the frame; the gates begin each clip with zeros, as the whole network does.
"""

import logging
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import onnx
import openvino as ov

from kinema.deployment.about import ModelFiles, describe
from kinema.deployment.ir_files import new_ir, remove_ir, sha256, weights_path
from kinema.deployment.judge import Judge, Precision
from kinema.deployment.logits import check_difference, check_rounded
from kinema.deployment.onnx_model import part_to_onnx
from kinema.deployment.openvino_model import parity_sample
from kinema.deployment.parts import ExportPart, export_parts
from kinema.deployment.saving import save_ir
from kinema.digests import file_digest
from kinema.experiment.config import Settings
from kinema.files import write_text
from kinema.inference.description import Description
from kinema.inference.predictors.openvino import add_metadata
from kinema.inference.predictors.predictor import Predictor
from kinema.inference.predictors.streaming import streaming_predictor
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_what_is_of_another
from kinema.records.verification import Verification

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StreamingFiles:
    """What is shipped for streams; the .bin of each IR lies beside its .xml."""

    encoder_path: Path
    decoder_path: Path
    labels_path: Path
    verification_path: Path


def export_streaming(
    *, model: ModelFiles, clips_path: Path, settings: Settings, shipped: StreamingFiles, threads: int
) -> None:
    """Write the two networks, where they pass: `check_difference` at float32, `check_agreement` as they are shipped.

    ValueError where the model cannot be cut in two, or a gate refuses it; then nothing is left.
    """
    remove_what_is_of_another(model.checkpoint_path)
    for path in (shipped.encoder_path, shipped.decoder_path):
        remove_ir(path)
    for path in (shipped.labels_path, shipped.verification_path):
        path.unlink(missing_ok=True)
    trained = load_checkpoint(model.checkpoint_path)
    judge = Judge.of(trained, model, clips_path=clips_path, settings=settings, threads=threads)
    about = describe(trained, model, clips_path=clips_path)
    deployment = settings.deployment
    encoder, decoder = stream_networks(export_parts(trained.model)[1:], opset=deployment.opset)
    sample = parity_sample(clips_path, trained.model, count=deployment.parity_clips)
    exact, what = streaming_predictor(encoder, decoder, precision="f32"), "encoder and decoder"
    parity = check_difference(sample, exact, what=what, tolerance=deployment.parity_tolerance)
    with new_ir(shipped.encoder_path) as encoder_path, new_ir(shipped.decoder_path) as decoder_path:
        digests: dict[str, str] = {}
        for network, path, place in (
            (encoder, encoder_path, shipped.encoder_path),
            (decoder, decoder_path, shipped.decoder_path),
        ):
            _save(network, path, about=about, settings=settings)
            digests |= {place.name: sha256(path), weights_path(place).name: sha256(weights_path(path))}
        stored = stream_predictor(encoder_path, decoder_path, "f32", threads=threads)
        check_rounded(sample, stored, what=f"{what} with weights of {deployment.weights}")
        results = judge.findings(partial(stream_predictor, encoder_path, decoder_path, threads=threads))
        write_text(shipped.labels_path, "".join(f"{label}\n" for label in about.labels))
        Verification(**results, parity=parity, sha256=digests, model=file_digest(model.checkpoint_path)).write(
            shipped.verification_path
        )
    log.info("%s: encoder and decoder equal the model: agreement %s", shipped.encoder_path.parent, results["agreement"])


def stream_networks(parts: list[ExportPart], *, opset: int) -> list[ov.Model]:
    """Encoder and decoder with a batch of one; ValueError where there are none."""
    if not parts:
        raise ValueError(
            "this model looks at whole clips and cannot be cut into an encoder of frames and a decoder; use model.xml, "
            "or train tsm with network.bidirectional: false, which looks at earlier frames alone"
        )
    networks = []
    for part in parts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{part.name}.onnx"
            onnx.save(part_to_onnx(part, opset=opset), path)
            network = ov.convert_model(path)
        network.reshape({name: [1, *example.shape[1:]] for name, example in part.inputs.items()})
        networks.append(network)
    return networks


def stream_predictor(encoder_path: Path, decoder_path: Path, precision: Precision, *, threads: int) -> Predictor:
    """The two at a precision; None is the device's own."""
    return streaming_predictor(encoder_path, decoder_path, precision=precision, threads=threads)


def _save(network: ov.Model, path: Path, *, about: Description, settings: Settings) -> None:
    add_metadata(network, about.to_metadata(), labels=about.labels)
    save_ir(network, path, weights=settings.deployment.weights)
