"""model.pth -> the ONNX graph: uint8 clips in, logits out, normalisation inside."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import torch

from kinema.deployment.parts import ExportPart, export_parts
from kinema.files import atomic_path
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.made_of import remove_what_is_of_another

log = logging.getLogger(__name__)


def export_onnx(*, checkpoint_path: Path, out: Path, opset: int) -> None:
    """Write the ONNX graph, batch dimension free; rule verify gives it its metadata and ships it."""
    remove_what_is_of_another(checkpoint_path)
    trained = load_checkpoint(checkpoint_path)
    model = part_to_onnx(export_parts(trained.model)[0], opset=opset)
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
            tuple(part.inputs.values()),
            dynamo=True,
            opset_version=opset,
            input_names=list(part.inputs),
            output_names=part.output_names,
            # one dimension has one name: those of further inputs are found to be the same
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)}, {0: torch.export.Dim.AUTO})[: len(part.inputs)],
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
