"""A whole network from uint8 clips to logits: an encoder (pretrained, as a rule), then a decoder.

Normalisation is its first step, so training, evaluation and the exported graph cannot disagree about it.
"""

# B = clips, T = frames of a clip, F = those that an encoder is given, C = channels, N = frames of any clips
# E = shape of an embedding, K = classes

from typing import Any

import torch
from torch import Tensor, nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.spec import InputSpec
from kinema.models.decoder import FrameDecoder
from kinema.models.model_name import ModelName
from kinema.models.param_groups import layered_groups, plain_groups


class Recognizer(nn.Module):
    """An action-recognition network. It knows all that is needed to build it again.

    `separable`: frames are encoded one by one, so that a stream can keep their embeddings. `has_evidence`: it has
    logits for every frame, see `evidence`. Clips of fewer than `min_frames` frames are refused.
    """

    encoder: Any
    decoder: Any
    separable = False
    has_evidence = False
    memory_format = torch.contiguous_format  # 3D convolutions were not faster with channels last, 2D ones are
    min_frames = 1
    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        name: ModelName,
        encoder: nn.Module,
        decoder: nn.Module,
        *,
        num_classes: int,
        spec: InputSpec,
        clip: Clip,
        network: Network,
    ):
        super().__init__()
        self.name = str(name)
        self.encoder = encoder
        self.decoder = decoder
        self.num_classes = num_classes
        self.clip = clip
        self.network = network
        # not persistent, because the spec is saved
        self.register_buffer("pixel_mean", torch.empty(spec.channels, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.empty(spec.channels, 1, 1), persistent=False)
        self.set_spec(spec)

    def set_spec(self, spec: InputSpec) -> None:
        """Expect other input, and normalise it by the spec's mean and std."""
        self.spec = spec
        # in pixel values, so that one subtraction and one division do
        self.pixel_mean.copy_(255 * torch.tensor(spec.mean).view(-1, 1, 1))
        self.pixel_std.copy_(255 * torch.tensor(spec.std).view(-1, 1, 1))

    @property
    def architecture(self) -> dict[str, Any] | None:
        """What the encoder is, in JSON types, where the model's name does not say it."""
        return getattr(self.encoder, "architecture", None)

    def forward(self, clips: Tensor) -> Tensor:
        """uint8 clips (B, T, C, H, W), channels as in the spec -> logits (B, K).

        Length and size may differ from the spec.
        """
        self._check_layout(clips)
        return self.forward_normalized(self.normalized(clips))

    def forward_normalized(self, clips: Tensor) -> Tensor:
        """Float clips (B, T, C, H, W) that are normalised already -> logits (B, K)."""
        raise NotImplementedError

    def features(self, clips: Tensor) -> Tensor:
        """uint8 clips (B, T, C, H, W) -> what the decoder reads of the encoder's output, (B, ...).

        No parameter of the decoder decides it, so that of a frozen encoder it can be kept.
        """
        self._check_layout(clips)
        return self._features(self.normalized(clips))

    def from_features(self, features: Tensor) -> Tensor:
        """Features (B, ...) -> the logits (B, K) that `forward` gives of their clips."""
        raise NotImplementedError

    def _features(self, clips: Tensor) -> Tensor:
        """Of float clips (B, T, C, H, W) that are normalised already."""
        raise NotImplementedError

    def evidence(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives of clips, to the bit, and the logits of each frame (B, F, K), whose mean it is.

        They are of the last F of the T frames: all, or all but the first where the network sees each less the one
        before. Networks without `has_evidence` have none.
        """
        raise NotImplementedError

    def normalized(self, pixels: Tensor) -> Tensor:
        """uint8 pixels (..., C, H, W) -> float, less the mean, by the std."""
        if pixels.dtype != torch.uint8:
            raise ValueError(f"frames are {pixels.dtype}, expected uint8 pixels; the network normalises them itself")
        return (pixels.to(self.pixel_mean.dtype) - self.pixel_mean) / self.pixel_std

    def param_groups(
        self, *, lr: float, encoder_lr_factor: float, layer_decay: float, weight_decay: float
    ) -> list[dict[str, Any]]:
        """Optimizer groups: the encoder learns at `lr` times its factor; biases and norms (1-D) are not decayed.

        Factor 0 freezes the encoder's parameters and leaves them out. Empty groups are left out too. With a
        `layer_decay` below 1, each of the encoder's layers learns at so much of the rate of the one behind it, and the
        last one at the encoder's; ValueError where timm knows no order of its layers.
        """
        self.encoder.requires_grad_(encoder_lr_factor > 0)
        rate = lr * encoder_lr_factor
        if rate and layer_decay < 1:
            encoders = self.encoder.values() if isinstance(self.encoder, nn.ModuleDict) else [self.encoder]
            bodies: list[Any] = [one.body for one in encoders]
            try:
                groups = layered_groups(bodies, lr=rate, layer_decay=layer_decay, weight_decay=weight_decay)
            except ValueError as error:
                raise ValueError(f"model '{self.name}': {error}") from None
        else:
            groups = plain_groups("encoder", self.encoder, lr=rate, weight_decay=weight_decay)
        return groups + plain_groups("decoder", self.decoder, lr=lr, weight_decay=weight_decay)

    def _check_layout(self, clips: Tensor) -> None:
        if clips.ndim != 5 or clips.shape[2] != self.spec.channels:
            raise ValueError(
                f"clips have the shape {tuple(clips.shape)}, expected (B, T, {self.spec.channels}, H, W): "
                f"model '{self.name}' takes {self.spec.modality}"
            )
        if clips.shape[1] < self.min_frames:
            raise ValueError(f"model '{self.name}': {clips.shape[1]} frames, expected at least {self.min_frames}")


class FrameRecognizer(Recognizer):
    """A 2D encoder on every frame, then a decoder over the embeddings of a clip.

    Where the name says differences, the encoder sees each frame less the one before: T frames give T - 1 embeddings.
    """

    memory_format = torch.channels_last

    def __init__(self, name: ModelName, encoder: nn.Module, decoder: Any, **options: Any):
        super().__init__(name, encoder, decoder, **options)
        self.differences = name.takes_differences
        self.min_frames = 1 + self.differences
        self.separable = not decoder.mixes_frames
        self.has_evidence = isinstance(decoder, FrameDecoder)

    def forward_normalized(self, clips: Tensor) -> Tensor:
        """Float clips (B, T, C, H, W) that are normalised already -> logits (B, K)."""
        return self.decoder(self._embeddings(clips))

    def evidence(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """See `Recognizer.evidence`."""
        self._check_layout(clips)
        logits_BFK = self.decoder.frame_logits(self._embeddings(self.normalized(clips)))
        return logits_BFK.mean(1), logits_BFK

    def from_features(self, features: Tensor) -> Tensor:
        """Features (B, F, C, h, w) -> logits (B, K)."""
        return self.decoder(_embedded(self.decoder, features))

    def _features(self, clips: Tensor) -> Tensor:
        return _features_of_frames(self.encoder, self.decoder, self._seen(clips))

    def _embeddings(self, clips: Tensor) -> Tensor:
        self._check_layout(clips)
        return _embeddings_of_frames(self.encoder, self.decoder, self._seen(clips))

    def _seen(self, clips: Tensor) -> Tensor:
        """What the encoder is given of clips (B, T, C, H, W): F of T frames."""
        return clips[:, 1:] - clips[:, :-1] if self.differences else clips

    def encode(self, frames: Tensor) -> Tensor:
        """uint8 frames (N, C, H, W) -> embeddings (N, *E), of a network that is `separable`.

        With differences, neighbouring frames of one video -> embeddings (N - 1, *E).
        """
        assert self.separable
        normalized = self.normalized(frames)
        if self.differences:
            normalized = normalized[1:] - normalized[:-1]
        return self.decoder.embed(self.encoder(normalized))


class ClipRecognizer(Recognizer):
    """A network over space and time, then a linear classifier."""

    def __init__(self, name: ModelName, encoder: Any, decoder: nn.Module, **options: Any):
        super().__init__(name, encoder, decoder, **options)
        self.min_frames = encoder.min_frames

    def forward_normalized(self, clips: Tensor) -> Tensor:
        """Float clips (B, T, C, H, W) that are normalised already -> logits (B, K)."""
        self._check_layout(clips)
        return self.from_features(self._features(clips))

    def from_features(self, features: Tensor) -> Tensor:
        """Features (B, C) -> logits (B, K)."""
        return self.decoder(features)

    def _features(self, clips: Tensor) -> Tensor:
        return self.encoder(clips.transpose(1, 2))


class JoinedClipRecognizer(ClipRecognizer):
    """A network over space and time whose maps (B, C, t, h, w) a decoder joins, as it joins those of single frames."""

    def from_features(self, features: Tensor) -> Tensor:
        """Features (B, t, C, h, w) -> logits (B, K)."""
        return self.decoder(_embedded(self.decoder, features))

    def _features(self, clips: Tensor) -> Tensor:
        return self.encoder(clips.transpose(1, 2)).transpose(1, 2)


class TwoStreamRecognizer(Recognizer):
    """Two frame networks, one on the first three channels (RGB) and one on motion; the mean of their logits.

    Motion is the differences of RGB frames where the name says so, else it is the channels behind RGB.
    """

    memory_format = torch.channels_last

    def __init__(self, name: ModelName, encoder: nn.Module, decoder: nn.Module, **options: Any):
        super().__init__(name, encoder, decoder, **options)
        assert isinstance(encoder, nn.ModuleDict)
        assert isinstance(decoder, nn.ModuleDict)
        self.differences = name.takes_differences
        self.min_frames = 1 + self.differences
        self.has_evidence = all(isinstance(stream, FrameDecoder) for stream in decoder.values())

    def forward_normalized(self, clips: Tensor) -> Tensor:
        """Float clips (B, T, C, H, W) that are normalised already -> logits (B, K)."""
        rgb, motion = (self.decoder[name](found) for name, found in self._embeddings(clips).items())
        return (rgb + motion) / 2

    def evidence(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """See `Recognizer.evidence`; what lies between two frames counts for both, by the share of time it has."""
        self._check_layout(clips)
        found = self._embeddings(self.normalized(clips))
        rgb, motion = (self.decoder[name].frame_logits(embeddings) for name, embeddings in found.items())
        return (rgb.mean(1) + motion.mean(1)) / 2, (rgb + _spread(motion, rgb.shape[1])) / 2

    def from_features(self, features: Tensor) -> Tensor:
        """Features (B, F, C, h, w), those of RGB first, one more than of motion where that is differences."""
        of_rgb = (features.shape[1] + self.differences) // 2
        parts = {"rgb": features[:, :of_rgb], "motion": features[:, of_rgb:]}
        rgb, motion = (self.decoder[name](_embedded(self.decoder[name], part)) for name, part in parts.items())
        return (rgb + motion) / 2

    def _features(self, clips: Tensor) -> Tensor:
        parts = [
            _features_of_frames(self.encoder[name], self.decoder[name], frames)
            for name, frames in self._seen(clips).items()
        ]
        return torch.cat(parts, 1)

    def _embeddings(self, clips: Tensor) -> dict[str, Tensor]:
        """Of both streams by name."""
        self._check_layout(clips)
        return {
            name: _embeddings_of_frames(self.encoder[name], self.decoder[name], frames)
            for name, frames in self._seen(clips).items()
        }

    def _seen(self, clips: Tensor) -> dict[str, Tensor]:
        """What the encoders are given of clips (B, T, C, H, W)."""
        rgb = clips[:, :, :3]
        motion = rgb[:, 1:] - rgb[:, :-1] if self.differences else clips[:, :, 3:]
        return {"rgb": rgb, "motion": motion}


def _embeddings_of_frames(encoder: nn.Module, decoder: Any, frames_BTCHW: Tensor) -> Tensor:
    """The embeddings of each frame (B, T, *E)."""
    num_frames = frames_BTCHW.shape[1]
    embeddings = decoder.embed(encoder(frames_BTCHW.flatten(0, 1), num_frames=num_frames))
    return embeddings.unflatten(0, (-1, num_frames))


def _features_of_frames(encoder: nn.Module, decoder: Any, frames_BTCHW: Tensor) -> Tensor:
    """Maps of each frame (B, T, C, h, w); of one place, the mean, where the decoder looks at nothing else."""
    num_frames = frames_BTCHW.shape[1]
    maps = encoder(frames_BTCHW.flatten(0, 1), num_frames=num_frames)
    return (maps if decoder.takes_maps else maps.mean((2, 3), keepdim=True)).unflatten(0, (-1, num_frames))


def _embedded(decoder: Any, features_BTChw: Tensor) -> Tensor:
    """The embeddings (B, T, *E) of such maps."""
    return decoder.embed(features_BTChw.flatten(0, 1)).unflatten(0, (-1, features_BTChw.shape[1]))


def _spread(logits_BFK: Tensor, length: int) -> Tensor:
    """F steps over the same time as `length` steps (B, T, K): each is the mean over its part of it."""
    number = logits_BFK.shape[1]
    if number == length:
        return logits_BFK
    return logits_BFK.repeat_interleave(length, 1).unflatten(1, (length, number)).mean(2)
