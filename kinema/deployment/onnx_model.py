"""model.pth -> model.onnx: uint8 clips in, logits out, normalisation inside, labels and input spec on board."""

import json
import logging
from pathlib import Path

import onnx
import torch

import kinema
from kinema.files import atomic_path
from kinema.models.checkpoint import Checkpoint, load_checkpoint

INPUT, OUTPUT = "clips", "logits"
log = logging.getLogger(__name__)


def export_onnx(*, checkpoint: Path, out: Path, opset: int) -> None:
    """Write the ONNX model, batch dimension free."""
    trained = load_checkpoint(checkpoint)
    spec = trained.model.spec
    # two clips: the exporter would take a batch of one for a constant
    example = torch.zeros(2, spec.num_frames, 3, spec.size, spec.size, dtype=torch.uint8)
    program = torch.onnx.export(
        trained.model.eval(),
        (example,),
        dynamo=True,
        opset_version=opset,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    for key, value in model_metadata(trained).items():
        model.metadata_props.add(key=key, value=value)
    with atomic_path(out) as temporary:
        onnx.save(model, temporary)
    onnx.checker.check_model(out)
    log.info("%s: opset %d, %.1f MB", out, opset, out.stat().st_size / 1e6)


def model_metadata(trained: Checkpoint) -> dict[str, str]:
    """What a user of the exported model needs to know, as JSON strings; none of it is typed by hand downstream."""
    return {
        "model": trained.model.name,
        "labels": json.dumps(trained.labels, ensure_ascii=False),
        "input_spec": json.dumps(trained.model.spec.to_dict()),
        "kinema_version": kinema.__version__,
    }
