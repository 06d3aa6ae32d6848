"""model.pth -> model.onnx: uint8 clips in, logits out, normalisation inside, labels and input spec on board."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch

import kinema
from kinema.deployment.parts import ExportPart, export_parts
from kinema.digests import file_digest
from kinema.files import atomic_path
from kinema.inference.description import Description
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.probabilities import average_named
from kinema.input_error import InputError
from kinema.models.loading.checkpoint import Checkpoint, load_checkpoint
from kinema.models.made_of import remove_what_is_of_another
from kinema.records.calibration import CalibrationFile

log = logging.getLogger(__name__)


def export_onnx(*, checkpoint_path: Path, calibration_path: Path | None, out: Path, opset: int) -> None:
    """Write the ONNX model, batch dimension free.

    What its evaluation says of its confidences travels with it. InputError where calibration.json is of another model.
    """
    remove_what_is_of_another(checkpoint_path)
    trained = load_checkpoint(checkpoint_path)
    calibration = calibration_of(checkpoint_path, calibration_path) if calibration_path else None
    whole = export_parts(trained.model)[0]
    model = part_to_onnx(whole, opset=opset)
    for key, value in describe(trained, calibration=calibration).to_metadata().items():
        model.metadata_props.add(key=key, value=value)
    with atomic_path(out) as temporary:
        onnx.save(model, temporary)
    onnx.checker.check_model(out)
    log.info("%s: opset %d, %.1f MB", out, opset, out.stat().st_size / 1e6)


def part_to_onnx(part: ExportPart, *, opset: int) -> onnx.ModelProto:
    """The graph of a part in evaluation mode."""
    if part.is_traced:
        return _traced(part, opset=opset)
    with _out_of_place(part.module):
        program = torch.onnx.export(
            part.module.eval(),
            (part.example,),
            dynamo=True,
            opset_version=opset,
            input_names=[part.input_name],
            output_names=[part.output_name],
            dynamic_shapes=({0: torch.export.Dim("batch", min=part.min_batch)},),
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def _out_of_place(module: torch.nn.Module) -> Iterator[None]:
    """Activations that work in place make the same graph, but the exporter takes up to a third longer for them."""
    changed: list[Any] = [one for one in module.modules() if getattr(one, "inplace", False) is True]
    for one in changed:
        one.inplace = False
    try:
        yield
    finally:
        for one in changed:
            one.inplace = True


def _traced(part: ExportPart, *, opset: int) -> onnx.ModelProto:
    """By torch's older exporter, which records one run: all but the batch is fixed, as it is in the input spec."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of every size that becomes a constant, and of its age
        torch.onnx.export(
            part.module.eval(),
            (part.example,),
            file.name,
            dynamo=False,
            opset_version=opset,
            input_names=[part.input_name],
            output_names=[part.output_name],
            dynamic_axes={part.input_name: {0: "batch"}, part.output_name: {0: "batch"}},
        )
        return onnx.load(file.name)


def describe(
    trained: Checkpoint, frames: FrameSpec | None = None, *, calibration: CalibrationFile | None = None
) -> Description:
    """What a user of the exported model needs to know; `frames` is how those of its training were made."""
    return Description(
        trained.model.name,
        tuple(trained.labels),
        trained.model.spec,
        kinema.__version__,
        frames,
        calibration.temperature if calibration else None,
        calibration.threshold if calibration else None,
        calibration.num_clips if calibration else None,
        average_named(calibration.average if calibration else "probabilities"),
    )


def calibration_of(checkpoint_path: Path, calibration_path: Path) -> CalibrationFile:
    """What the evaluation of this model found; InputError where the file is of another model."""
    found = CalibrationFile.read(calibration_path)
    if found.model != file_digest(checkpoint_path):
        raise InputError(f"{calibration_path}: is not of {checkpoint_path}; {CalibrationFile.AGAIN}")
    return found


def read_metadata(onnx_path: Path) -> dict[str, str]:
    """What an ONNX file says of itself, by name."""
    return {entry.key: entry.value for entry in onnx.load(onnx_path, load_external_data=False).metadata_props}
