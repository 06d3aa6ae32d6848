"""A recognizer -> the graphs that are exported of it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kinema.inference.predictors.predictor import INPUT, OUTPUT
from kinema.models.names import EXPORT_OBSTACLES, TRACED
from kinema.models.recognizer import FrameRecognizer, Recognizer


@dataclass(frozen=True)
class ExportPart:
    """One graph of an exported model, with an example of its input.

    The example has a batch of two or more, because exporters take a batch of one for a constant. `is_traced`: torch's
    older exporter takes it, by tracing.
    """

    name: str
    module: nn.Module
    input_name: str
    output_name: str
    example: Tensor
    min_batch: int = 1
    is_traced: bool = False


def export_parts(model: Recognizer) -> list[ExportPart]:
    """The whole network (clips -> logits), then encoder and decoder where it is separable.

    A model that cannot be exported is a ValueError that says why.
    """
    if model.name in EXPORT_OBSTACLES:
        raise ValueError(f"model '{model.name}' cannot be exported: {EXPORT_OBSTACLES[model.name]}")
    spec = model.spec
    clips = torch.zeros(2, spec.num_frames, spec.channels, spec.size, spec.size, dtype=torch.uint8)
    whole = ExportPart("model", model, INPUT, OUTPUT, clips, is_traced=model.name in TRACED)
    return [whole, *(_streaming_parts(model, clips) if isinstance(model, FrameRecognizer) else [])]


def _streaming_parts(model: FrameRecognizer, clips: Tensor) -> list[ExportPart]:
    """`encoder` (frames -> embeddings) and `decoder` (embeddings -> logits); differences take one frame more."""
    frames = clips[:, : 1 + model.differences].flatten(0, 1)
    with torch.no_grad():
        shape = model.encode(frames.to(model.pixel_mean.device)).shape[1:]
    embeddings = torch.zeros(2, model.spec.num_frames - model.differences, *shape)
    return [
        ExportPart("encoder", _Encode(model), "frames", "embeddings", frames, min_batch=1 + model.differences),
        ExportPart("decoder", model.decoder, "embeddings", OUTPUT, embeddings),
    ]


class _Encode(nn.Module):
    """`encode` as a module, which is what exporters take."""

    def __init__(self, model: FrameRecognizer):
        super().__init__()
        self.model = model

    def forward(self, frames: Tensor) -> Tensor:
        return self.model.encode(frames)
