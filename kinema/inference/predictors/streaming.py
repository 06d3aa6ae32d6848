"""Encoder and decoder of a stream as one predictor of clips: each frame is encoded, then the clip is decoded.

The two take what Open Model Zoo's action recognition demo gives: a frame uint8 (1, 3, H, W) of B, G, R; embeddings
(1, T, E). A model of differences takes two neighbouring frames, (1, 6, H, W), the earlier one first, and gives one
embedding less than there are frames. The encoder of a network that mixes a frame with earlier ones takes a state
(1, S) with each frame, and gives the next one; it is zero where a stream begins.
"""

from pathlib import Path

import numpy as np
import openvino as ov

from kinema.inference.predictors.openvino import compiled_network
from kinema.inference.predictors.predictor import Predictor


def streaming_predictor(
    encoder: Path | ov.Model, decoder: Path | ov.Model, *, precision: str | None = None, threads: int | None = None
) -> Predictor:
    """Predictor of R, G, B clips, as of the whole network; it encodes every frame of every clip."""
    encode = compiled_network(encoder, precision=precision, threads=threads)
    decode = compiled_network(decoder, precision=precision, threads=threads)

    def predict(clips: np.ndarray) -> np.ndarray:
        channels = clips.shape[2]
        seen = encode.inputs[0].shape[1] // channels
        logits = []
        for clip in clips:
            encoded = Encoded(encode)
            rows = [encoded(frame) for frame in encoder_frames(clip, seen=seen)]
            logits.append(np.array(decode([np.stack(rows, axis=1)])[0]))
        return np.concatenate(logits)

    return predict


class Encoded:
    """The frames of one stream, encoded one after the other; what is carried from one to the next is kept here."""

    def __init__(self, encoder: ov.CompiledModel):
        self._encoder = encoder
        self.state = first_state(encoder)

    def __call__(self, frames: np.ndarray) -> np.ndarray:
        """The next of `encoder_frames` -> its embedding (1, E)."""
        embedding, *self.state = map(np.array, self._encoder([frames, *self.state]).values())
        return embedding


def first_state(encoder: ov.CompiledModel) -> list[np.ndarray]:
    """What an encoder takes with the first frame of a stream, beside it: zeros (1, S), or nothing."""
    return [np.zeros(port.shape, np.float32) for port in encoder.inputs[1:]]


def encoder_frames(clip: np.ndarray, *, seen: int = 1) -> np.ndarray:
    """R, G, B frames (T, C, H, W) -> what the encoder takes, one after the other: (T + 1 - seen, 1, seen * C, H, W)."""
    frames = clip[:, ::-1] if clip.shape[1] == 3 else clip
    joined = np.concatenate([frames[start : len(frames) + 1 - seen + start] for start in range(seen)], axis=1)
    return np.ascontiguousarray(joined[:, None])
