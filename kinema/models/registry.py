"""The only door to models: `create_model("resnet34_vtn", ...)`."""

import importlib
from collections.abc import Callable
from typing import TypeVar

from kinema.config import Clip, Network
from kinema.models.decoder import Decoder
from kinema.models.encoders import create_encoder
from kinema.models.names import DECODERS, parse_model_name
from kinema.models.recognizer import Recognizer
from kinema.models.spec import InputSpec

DecoderClass = TypeVar("DecoderClass", bound=type[Decoder])

_registered: dict[str, type[Decoder]] = {}


def register_decoder(name: str) -> Callable[[DecoderClass], DecoderClass]:
    """Class decorator that makes a decoder known by name; a second one of that name is an error."""

    def register(cls: DecoderClass) -> DecoderClass:
        if name in _registered:
            raise ValueError(f"decoder '{name}' is registered twice, by {_registered[name]} and {cls}; rename one")
        _registered[name] = cls
        return cls

    return register


def create_model(
    name: str, *, num_classes: int, clip: Clip, network: Network, spec: InputSpec | None = None
) -> Recognizer:
    """The network behind a name, its encoder started as `network.encoder_weights` says.

    `spec` is for rebuilding a trained model: without it, mean and std are those of the encoder's weights.
    """
    if num_classes < 1:
        raise ValueError(f"model '{name}': num_classes is {num_classes}, expected at least 1")
    model_name = parse_model_name(name)
    encoder = create_encoder(model_name.encoder, network.encoder_weights)
    decoder = _decoder_class(model_name.decoder)(
        encoder.num_features, num_classes=num_classes, clip=clip, network=network
    )
    spec = spec or InputSpec(
        num_frames=clip.length, stride=clip.stride, size=clip.size, mean=encoder.mean, std=encoder.std
    )
    return Recognizer(str(model_name), encoder, decoder, num_classes=num_classes, spec=spec, clip=clip, network=network)


def _decoder_class(name: str) -> type[Decoder]:
    module = DECODERS[name]
    importlib.import_module(module)
    assert name in _registered, f"{module} does not register the decoder '{name}'"
    return _registered[name]
