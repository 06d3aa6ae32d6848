"""A recognizer -> the graphs that are exported of it."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kinema.deployment.carried import Carried, looks_back
from kinema.inference.predictors.predictor import INPUT, OUTPUT
from kinema.models.names import EXPORT_OBSTACLES, LARGEST_ONNX, TRACED
from kinema.models.recognizer import FrameRecognizer, Recognizer
from kinema.words import too_large

FRAMES, EMBEDDINGS = "frames", "embeddings"
STATE, NEXT_STATE = "state", "next_state"


@dataclass(frozen=True)
class ExportPart:
    """One graph of an exported model, with an example of its input.

    The example has a batch of two or more, because exporters take a batch of one for a constant. `state`: an example
    of a second input, with which there is a second output, `next_state`, that is given with the next frame.
    `is_traced`: torch's older exporter takes it, by tracing.
    """

    name: str
    module: nn.Module
    input_name: str
    output_name: str
    example: Tensor
    state: Tensor | None = None
    is_traced: bool = False

    @property
    def inputs(self) -> dict[str, Tensor]:
        """Examples of all inputs by name."""
        return {self.input_name: self.example} | ({} if self.state is None else {STATE: self.state})

    @property
    def output_names(self) -> list[str]:
        """Of all outputs."""
        return [self.output_name, *([] if self.state is None else [NEXT_STATE])]


def export_parts(model: Recognizer) -> list[ExportPart]:
    """The whole network (clips -> logits), then encoder and decoder where it is separable, or its encoder looks back.

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
    if not isinstance(model, FrameRecognizer) or not (model.separable or looks_back(model.encoder)):
        return [whole]
    return [whole, *_streaming_parts(model)]


def _streaming_parts(model: FrameRecognizer) -> list[ExportPart]:
    """`encoder` (a frame of a stream -> its embedding) and `decoder` (embeddings -> logits)."""
    spec, seen = model.spec, 1 + model.differences
    frames = torch.zeros(2, seen * spec.channels, spec.size, spec.size, dtype=torch.uint8)
    encoder: nn.Module
    encoder = of_frames = StreamEncoder(model)
    with torch.no_grad():
        one = of_frames.seen(frames[:1].to(model.pixel_mean.device))
        shape = model.decoder.embed(model.encoder(one)).shape[1:]
    state = None
    if not model.separable and (carried := Carried(model.encoder, one)).size:  # a large shift_div shifts nothing
        encoder, state = CarryingEncoder(of_frames, carried), torch.zeros(2, carried.size)
    embeddings = torch.zeros(2, spec.num_frames - model.differences, shape.numel())
    return [
        ExportPart("encoder", encoder, FRAMES, EMBEDDINGS, frames, state),
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
        self.register_buffer("order", torch.tensor(turned, device=model.pixel_mean.device), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """Frames -> embeddings, each in one row whatever its shape is."""
        return self.model.decoder.embed(self.model.encoder(self.seen(frames))).flatten(1)

    def seen(self, frames: Tensor) -> Tensor:
        """What the network's own encoder is given of them: normalised (N, C, H, W), or the difference of two."""
        channels = self.model.spec.channels
        seen = [self._normalized(frames[:, at : at + channels]) for at in range(0, frames.shape[1], channels)]
        return seen[1] - seen[0] if self.model.differences else seen[0]

    def _normalized(self, frame: Tensor) -> Tensor:
        return self.model.normalized(frame.index_select(1, self.order))


class CarryingEncoder(nn.Module):
    """The same of an encoder that looks back: with each frame it takes the state (N, S) behind the one before.

    That of the first frame of a stream is zero, as there is nothing before a clip.
    """

    def __init__(self, of_frames: StreamEncoder, carried: Carried):
        super().__init__()
        self.of_frames, self.carried = of_frames, carried

    def forward(self, frames: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Frames and states -> embeddings, each in one row, and the states to be given with the next frames."""
        model = self.of_frames.model
        maps, next_state = self.carried.encode(model.encoder, self.of_frames.seen(frames), state)
        return model.decoder.embed(maps).flatten(1), next_state


class StreamDecoder(nn.Module):
    """The decoder on embeddings that lie in one row each: (B, T, E) -> logits (B, K)."""

    def __init__(self, decoder: nn.Module, shape: torch.Size):
        super().__init__()
        self.decoder = decoder
        self.shape = shape

    def forward(self, embeddings: Tensor) -> Tensor:
        """Embeddings -> logits."""
        return self.decoder(embeddings.unflatten(2, self.shape))
