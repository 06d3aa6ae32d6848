"""The last gate: model.xml and model.onnx are there only when they say of every video what model.pth says."""

import logging
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import onnx

from kinema.deployment.about import ModelFiles, describe
from kinema.deployment.ir_files import check_digests, digests_of, new_ir, remove_ir, sha256, weights_path
from kinema.deployment.judge import Judge, Precision
from kinema.deployment.saving import save_ir
from kinema.digests import file_digest
from kinema.experiment.config import Settings
from kinema.files import atomic_path, write_text
from kinema.inference.description import Description
from kinema.inference.predictors.openvino import add_metadata, openvino_predictor, read_openvino
from kinema.inference.predictors.predictor import Predictor
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_served
from kinema.records.evaluation import Evaluation
from kinema.records.parity import Parity
from kinema.records.verification import Verification

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConvertedFiles:
    """What passed gate 1, and its report; model.bin lies beside model.xml."""

    onnx_path: Path
    xml_path: Path
    parity_path: Path

    def check(self) -> None:
        """ValueError where one of them is not the file that was compared."""
        digests = Parity.read(self.parity_path).sha256
        check_digests([self.onnx_path, self.xml_path, weights_path(self.xml_path)], digests)


@dataclass(frozen=True)
class ShippedFiles:
    """What is there of a model that passed both gates; model.bin lies beside model.xml."""

    onnx_path: Path
    xml_path: Path
    labels_path: Path
    verification_path: Path


def verify(
    *,
    converted: ConvertedFiles,
    model: ModelFiles,
    clips_path: Path,
    settings: Settings,
    shipped: ShippedFiles,
    threads: int,
) -> None:
    """Score the IR at the device's own precision; ship it where it agrees with PyTorch (see `check_agreement`).

    The network is given its description and scored as it will lie there. Only what passed the first gate is looked at:
    parity.json has its digests. model.onnx computes at float32, at which the first gate compared it. The shipped files
    of an earlier model are removed first, those in serving/, too, and model.xml is put there last. verification.json
    says what was found.
    """
    remove_ir(shipped.xml_path)
    remove_served(shipped.xml_path.parent)
    for path in (shipped.onnx_path, shipped.labels_path, shipped.verification_path):
        path.unlink(missing_ok=True)
    converted.check()
    trained = load_checkpoint(model.checkpoint_path)
    judge = Judge.of(trained, model, clips_path=clips_path, settings=settings, threads=threads)
    about = describe(trained, model, clips_path=clips_path)
    with new_ir(shipped.xml_path) as temporary:
        network, _ = read_openvino(converted.xml_path)
        add_metadata(network, about.to_metadata(), labels=about.labels)
        save_ir(network, temporary)
        results = judge.findings(partial(ir_predictor, temporary, threads=threads))
        digests = {
            shipped.xml_path.name: sha256(temporary),
            weights_path(shipped.xml_path).name: sha256(weights_path(temporary)),
        }
        write_onnx(converted.onnx_path, about, out=shipped.onnx_path)
        write_text(shipped.labels_path, "".join(f"{label}\n" for label in about.labels))
        record = Verification(
            **results,
            parity=None,
            sha256=digests | digests_of([shipped.onnx_path]),
            model=file_digest(model.checkpoint_path),
        )
        record.write(shipped.verification_path)
    coverage = Evaluation.read(model.evaluation_path).scores.coverage
    log.info(
        "%s equals the model, which says nothing about how good the model is: %s, coverage %.4f of the %s videos",
        shipped.xml_path,
        ", ".join(f"{key} {value}" for key, value in results.items()),
        math.floor(coverage * 10_000) / 10_000,
        judge.subset,
    )


def ir_predictor(xml_path: Path, precision: Precision, *, threads: int) -> Predictor:
    """An IR at a precision; None is the device's own."""
    return openvino_predictor(xml_path, precision=precision, threads=threads)


def write_onnx(path: Path, about: Description, *, out: Path) -> None:
    """An ONNX graph with its description as metadata."""
    graph = onnx.load(path)
    for key, value in about.to_metadata().items():
        graph.metadata_props.add(key=key, value=value)
    with atomic_path(out) as temporary:
        onnx.save(graph, temporary)
