"""Encoder and decoder as one network from uint8 clips to logits.

Normalisation is its first step, so training, evaluation and the exported graph cannot disagree about it.
"""

# B = clips, T = frames of a clip, N = frames of any clips, E = embedding width, K = classes

from typing import Any

import torch
from torch import Tensor, nn

from kinema.config import Clip, Network
from kinema.models.decoder import Decoder
from kinema.models.encoders import FrameEncoder
from kinema.models.spec import InputSpec


class Recognizer(nn.Module):
    """An action-recognition network. It knows all that is needed to build it again."""

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        name: str,
        encoder: FrameEncoder,
        decoder: Decoder,
        *,
        num_classes: int,
        spec: InputSpec,
        clip: Clip,
        network: Network,
    ):
        super().__init__()
        self.name = name
        self.encoder = encoder
        self.decoder = decoder
        self.num_classes = num_classes
        self.spec = spec
        self.clip = clip
        self.network = network
        # in pixel values, so that one subtraction and one division do; not persistent, because the spec is saved
        self.register_buffer("pixel_mean", 255 * torch.tensor(spec.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", 255 * torch.tensor(spec.std).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor) -> Tensor:
        """uint8 RGB clips (B, T, 3, H, W) -> logits (B, K). Length and size may differ from the spec."""
        self._check_layout(clips)
        return self._decode_frames(self.encode(clips.flatten(0, 1)), num_frames=clips.shape[1])

    def forward_normalized(self, clips: Tensor) -> Tensor:
        """Float clips (B, T, 3, H, W) that are normalised already -> logits (B, K)."""
        self._check_layout(clips)
        embeddings = self.decoder.embed(self.encoder(clips.flatten(0, 1)))
        return self._decode_frames(embeddings, num_frames=clips.shape[1])

    def encode(self, frames: Tensor) -> Tensor:
        """uint8 RGB frames (N, 3, H, W) -> embeddings (N, E)."""
        if frames.dtype != torch.uint8:
            raise ValueError(f"frames are {frames.dtype}, expected uint8 pixels; the network normalises them itself")
        normalized = (frames.to(self.pixel_mean.dtype) - self.pixel_mean) / self.pixel_std
        return self.decoder.embed(self.encoder(normalized))

    def decode(self, embeddings: Tensor) -> Tensor:
        """Embeddings (B, T, E) -> logits (B, K)."""
        return self.decoder(embeddings)

    def param_groups(self, *, lr: float, encoder_lr_factor: float, weight_decay: float) -> list[dict[str, Any]]:
        """Optimizer groups: the encoder learns at `lr` times its factor; biases and norms (1-D) are not decayed.

        Factor 0 freezes the encoder's parameters and leaves them out. Empty groups are left out too.
        """
        self.encoder.requires_grad_(encoder_lr_factor > 0)
        groups = []
        for part, rate in (("encoder", lr * encoder_lr_factor), ("decoder", lr)):
            parameters = [p for p in getattr(self, part).parameters() if p.requires_grad]
            matrices = [p for p in parameters if p.ndim > 1]
            vectors = [p for p in parameters if p.ndim <= 1]
            groups += [
                {"name": part, "params": matrices, "lr": rate, "weight_decay": weight_decay},
                {"name": f"{part}_1d", "params": vectors, "lr": rate, "weight_decay": 0.0},
            ]
        return [group for group in groups if group["params"]]

    def _decode_frames(self, embeddings_NE: Tensor, *, num_frames: int) -> Tensor:
        return self.decode(embeddings_NE.unflatten(0, (-1, num_frames)))

    @staticmethod
    def _check_layout(clips: Tensor) -> None:
        if clips.ndim != 5 or clips.shape[2] != 3:
            raise ValueError(f"clips have the shape {tuple(clips.shape)}, expected (B, T, 3, H, W)")
