"""A recognizer -> the graphs that are exported of it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kinema.inference.predictors.predictor import INPUT, OUTPUT
from kinema.models.names import EXPORT_OBSTACLES, LARGEST_ONNX, TRACED
from kinema.models.recognizer import FrameRecognizer, Recognizer
from kinema.words import too_large

FRAMES, EMBEDDINGS = "frames", "embeddings"


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
    is_traced: bool = False


def export_parts(model: Recognizer) -> list[ExportPart]:
    """The whole network (clips -> logits), then encoder and decoder where it is separable.

    A model that cannot be exported is a ValueError that says why.
    """
    if model.name in EXPORT_OBSTACLES:
        raise ValueError(f"model '{model.name}' cannot be exported: {EXPORT_OBSTACLES[model.name]}")
    num_bytes = 4 * sum(parameter.numel() for parameter in model.parameters())
    if num_bytes >= LARGEST_ONNX:
        raise ValueError(f"model {too_large(model.name, num_bytes, limit=LARGEST_ONNX)}")
    spec = model.spec
    clips = torch.zeros(2, spec.num_frames, spec.channels, spec.size, spec.size, dtype=torch.uint8)
    whole = ExportPart("model", model, INPUT, OUTPUT, clips, is_traced=model.name in TRACED)
    return [whole, *(_streaming_parts(model) if isinstance(model, FrameRecognizer) and model.separable else [])]


def _streaming_parts(model: FrameRecognizer) -> list[ExportPart]:
    """`encoder` (a frame of a stream -> its embedding) and `decoder` (embeddings -> logits)."""
    spec, seen = model.spec, 1 + model.differences
    frames = torch.zeros(2, seen * spec.channels, spec.size, spec.size, dtype=torch.uint8)
    one = torch.zeros(seen, spec.channels, spec.size, spec.size, dtype=torch.uint8)
    with torch.no_grad():
        shape = model.encode(one.to(model.pixel_mean.device)).shape[1:]
    embeddings = torch.zeros(2, spec.num_frames - model.differences, shape.numel())
    return [
        ExportPart("encoder", StreamEncoder(model), FRAMES, EMBEDDINGS, frames),
        ExportPart("decoder", StreamDecoder(model.decoder, shape), EMBEDDINGS, OUTPUT, embeddings),
    ]


class StreamEncoder(nn.Module):
    """The encoder in the convention of streaming programs: uint8 frames (N, C, H, W), B, G, R -> embeddings (N, E).

    A model of differences takes two neighbouring frames, (N, 2 * C, H, W): the earlier one, then the later one. Optical
    flow has its own two channels in their order.
    """

    order: Tensor

    def __init__(self, model: FrameRecognizer):
        super().__init__()
        self.model = model
        channels = range(model.spec.channels)
        turned = list(channels)[::-1] if len(channels) == 3 else list(channels)
        self.register_buffer("order", torch.tensor(turned), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames -> embeddings, each in one row whatever its shape is."""
        channels = self.model.spec.channels
        seen = [self._normalized(frames[:, at : at + channels]) for at in range(0, frames.shape[1], channels)]
        pixels = seen[1] - seen[0] if self.model.differences else seen[0]
        return self.model.decoder.embed(self.model.encoder(pixels)).flatten(1)

    def _normalized(self, frame: Tensor) -> Tensor:
        return self.model.normalized(frame.index_select(1, self.order))


class StreamDecoder(nn.Module):
    """The decoder on embeddings that lie in one row each: (B, T, E) -> logits (B, K)."""

    def __init__(self, decoder: nn.Module, shape: torch.Size):
        super().__init__()
        self.decoder = decoder
        self.shape = shape

    def forward(self, embeddings: Tensor) -> Tensor:
        """Embeddings -> logits."""
        return self.decoder(embeddings.unflatten(2, self.shape))
