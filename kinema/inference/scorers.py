"""Frames one after the other -> logits of the clip of the last ones: what a timeline asks, however the network runs."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import openvino as ov

from kinema.inference.predictors.openvino import core, options_of
from kinema.inference.predictors.predictor import Predictor
from kinema.inference.spec import InputSpec

STREAMING = "streaming"  # folder beside a model
ENCODER, DECODER = "encoder.xml", "decoder.xml"


class ClipScorer(Protocol):
    """Takes the frames of a video at the stride of the model, and is asked about the last `num_frames` of them."""

    def push(self, frame: np.ndarray) -> None:
        """The next frame, uint8 (C, S, S), R, G, B."""

    def logits(self) -> np.ndarray:
        """Of the clip of the last frames, (K,); at least `num_frames` were pushed."""


class WholeClips:
    """Runs the whole network on each clip, which works for any: every frame is computed anew in each clip it is in."""

    def __init__(self, network: Predictor, spec: InputSpec):
        self._network = network
        self._frames: deque[np.ndarray] = deque(maxlen=spec.num_frames)

    def push(self, frame: np.ndarray) -> None:
        """See ClipScorer."""
        self._frames.append(frame)

    def logits(self) -> np.ndarray:
        """See ClipScorer."""
        return self._network(np.stack(self._frames)[None])[0]


class EncoderDecoder:
    """Runs the encoder once a frame, and the decoder, which is small, once a clip.

    The encoder takes a frame (1, 3, S, S), B, G, R from 0 to 255, the decoder what it gives of T frames, (1, T, E): so
    Open Model Zoo's action_recognition_demo has them.
    """

    def __init__(self, encoder: ov.CompiledModel, decoder: ov.CompiledModel, spec: InputSpec):
        self._encoder, self._decoder = encoder, decoder
        self._type = encoder.input(0).element_type.to_dtype()
        self._features: deque[np.ndarray] = deque(maxlen=spec.num_frames)

    def push(self, frame: np.ndarray) -> None:
        """See ClipScorer."""
        found = self._encoder(np.ascontiguousarray(frame[None, ::-1], self._type))[0]
        self._features.append(np.array(found).reshape(-1))

    def logits(self) -> np.ndarray:
        """See ClipScorer."""
        return np.array(self._decoder(np.stack(self._features)[None])[0]).reshape(-1)


def streaming_scorers(
    model_path: Path, spec: InputSpec, *, precision: str | None, threads: int | None
) -> Callable[[], ClipScorer] | None:
    """What makes scorers of the encoder and the decoder beside a model; None where there are none that take its frames.

    They are read when the first is made.
    """
    folder = model_path.parent / STREAMING
    paths = [folder / name for name in (ENCODER, DECODER)]
    if not all(path.is_file() for path in paths):
        return None
    networks = [core().read_model(path) for path in paths]
    expected = ([1, 3, spec.size, spec.size], [1, spec.num_frames])
    if not all(_takes(network, shape) for network, shape in zip(networks, expected, strict=True)):
        return None
    compiled: list[ov.CompiledModel] = []

    def make() -> ClipScorer:
        if not compiled:
            options = options_of(precision=precision, threads=threads)
            compiled.extend(core().compile_model(network, "CPU", options) for network in networks)
        encoder, decoder = compiled
        return EncoderDecoder(encoder, decoder, spec)

    return make


def _takes(network: ov.Model, shape: list[int]) -> bool:
    """Whether the one input has this shape, or begins with it."""
    found = network.inputs[0].partial_shape if len(network.inputs) == 1 else None
    return found is not None and found.is_static and list(found.to_shape())[: len(shape)] == shape
