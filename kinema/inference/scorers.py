"""Frames one after the other -> logits of the clip of the last ones: what a timeline asks, however the network runs."""

import functools
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import openvino as ov

from kinema.inference.predictors.openvino import compiled_network, read_openvino
from kinema.inference.predictors.predictor import Predictor
from kinema.inference.predictors.streaming import Encoded, encoder_frames
from kinema.inference.spec import InputSpec

log = logging.getLogger(__name__)
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
    """Runs the encoder once a frame and the decoder, which is small, once a clip; `predictors.streaming` has the forms.

    Of a model of differences the encoder sees each frame with the one before. What an encoder carries from frame to
    frame is carried over the whole stream, not from the start of each clip: no frame is encoded twice.
    """

    def __init__(self, encoder: ov.CompiledModel, decoder: ov.CompiledModel, *, spec: InputSpec):
        self._encode, self._decoder = Encoded(encoder), decoder
        self._seen: deque[np.ndarray] = deque(maxlen=frames_seen(encoder, spec))
        self._embeddings: deque[np.ndarray] = deque(maxlen=decoder.inputs[0].shape[1])

    def push(self, frame: np.ndarray) -> None:
        """See ClipScorer."""
        self._seen.append(frame)
        if len(self._seen) == self._seen.maxlen:
            (frames,) = encoder_frames(np.stack(self._seen), seen=len(self._seen))
            self._embeddings.append(self._encode(frames))

    def logits(self) -> np.ndarray:
        """See ClipScorer."""
        return np.array(self._decoder([np.stack(self._embeddings, axis=1)])[0])[0]


def streaming_scorers(
    model_path: Path, spec: InputSpec, *, precision: str | None, threads: int | None, exact: bool
) -> Callable[[], ClipScorer | None] | None:
    """What makes scorers of the encoder and the decoder beside a model; None where there are none.

    They are read when the first is made; ValueError then, where they cannot be read or take other frames. With `exact`
    it makes none of an encoder that carries a state: such a one sees more than the frames of a window.
    """
    folder = model_path.parent / STREAMING
    paths = [folder / name for name in (ENCODER, DECODER)]
    if not all(path.is_file() for path in paths):
        return None

    @functools.cache
    def compiled() -> list[ov.CompiledModel] | None:
        networks = [read_openvino(path)[0] for path in paths]
        if not take_clips_of(*networks, spec=spec):
            what = f"{ENCODER} and {DECODER} take other frames than {model_path.name}"
            raise ValueError(f"{folder}: {what}; make them again, or delete the folder")
        if exact and len(networks[0].inputs) > 1:
            log.info("%s is for live streams: what its encoder carries on is of frames before a window, too", folder)
            return None
        return [compiled_network(network, precision=precision, threads=threads) for network in networks]

    def scorer() -> ClipScorer | None:
        networks = compiled()
        return EncoderDecoder(*networks, spec=spec) if networks else None

    return scorer


def take_clips_of(encoder: ov.Model, decoder: ov.Model, *, spec: InputSpec) -> bool:
    """Whether encoder and decoder take frames of these, and clips of so many; the encoder maybe a state as well."""
    ports = [*encoder.inputs, *encoder.outputs[1:], *decoder.inputs]
    if len(decoder.inputs) != 1 or any(port.partial_shape.is_dynamic for port in ports):
        return False
    carried = [[list(port.shape) for port in ports[1:]] for ports in (encoder.inputs, encoder.outputs)]
    if carried[0] != carried[1] or len(carried[0]) > 1:
        return False
    frames, embeddings = (list(network.inputs[0].shape) for network in (encoder, decoder))
    seen = frames_seen(encoder, spec)
    expected = [1, seen * spec.channels, spec.size, spec.size]
    return frames == expected and embeddings[:2] == [1, spec.num_frames + 1 - seen]


def frames_seen(encoder: ov.Model | ov.CompiledModel, spec: InputSpec) -> int:
    """How many frames an encoder takes at once: 1, or 2 where it sees what differs."""
    return max(1, encoder.inputs[0].shape[1] // spec.channels)
