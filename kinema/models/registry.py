"""The only door to models: `create_model("resnet34_vtn", ...)`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.inference.spec import CHANNELS, InputSpec
from kinema.models.clip_network import ClipEncoder, ClipHead, HubStart, create_clip_encoder, hub_networks
from kinema.models.decoder import Classifier, Decoder
from kinema.models.encoders import create_encoder
from kinema.models.loading.network_weights import architecture_in, load_weights
from kinema.models.model_name import ModelName, parse_model_name
from kinema.models.names import DECODERS, HUB_NETWORKS
from kinema.models.recognizer import (
    ClipRecognizer,
    FrameRecognizer,
    JoinedClipRecognizer,
    Recognizer,
    TwoStreamRecognizer,
)
from kinema.models.registered import Registered
from kinema.words import no_drop_path

decoders = Registered[type[Decoder]]("decoder", DECODERS)
register_decoder = decoders.register


def create_model(
    model_name: str,
    *,
    num_classes: int,
    clip: Clip,
    network: Network,
    spec: InputSpec | None = None,
    encoder_weights_path: str | Path | None = None,
    architecture: dict[str, Any] | None = None,
) -> Recognizer:
    """The network behind a name.

    It starts from `network.weights`, else its encoder starts as `network.encoder_weights` says; where these are
    published weights, `encoder_weights_path` is their file. Nothing is downloaded. `spec` and `architecture` are for
    rebuilding a trained model: without them, mean and std are those of the weights, and so is what the network is where
    its name does not say it.
    """
    if num_classes < 1:
        raise ValueError(f"model '{model_name}': num_classes is {num_classes}, expected at least 1")
    name = parse_model_name(model_name)
    # weights of the whole fill the encoder as well, so nothing is fetched for it
    start = network.model_copy(update={"encoder_weights": "none"}) if network.weights else network
    options: dict[str, Any] = {"num_classes": num_classes, "clip": clip, "network": start}
    options["weights_path"] = encoder_weights_path
    if name.encoder in HUB_NETWORKS:
        if architecture is None and network.weights:
            architecture = architecture_in(network.weights)
        encoder, decoder = _hub_network(name, architecture=architecture, **options)
    else:
        encoder, decoder = _encoder_and_decoder(name, **options)
    model = _kind(name)(
        name,
        encoder,
        decoder,
        num_classes=num_classes,
        spec=spec or _spec(name, encoder, clip, normalize=network.normalize),
        clip=clip,
        network=network,
    )
    if clip.length < model.min_frames:
        raise ValueError(
            f"model '{model_name}': clip.length is {clip.length}, it needs at least {model.min_frames} frames"
        )
    if network.weights:
        load_weights(model, network.weights)
    return model


def _kind(name: ModelName) -> type[Recognizer]:
    if name.is_clip_network:
        return JoinedClipRecognizer if name.decoder else ClipRecognizer
    return TwoStreamRecognizer if name.motion else FrameRecognizer


def _encoder_and_decoder(name: ModelName, **options: Any) -> tuple[nn.Module, nn.Module]:
    """Modules of one network, or module dicts of the two of a two-stream network."""
    if not name.decoder:
        network = options["network"]
        if network.drop_path_rate:
            raise ValueError(no_drop_path(name.encoder, network.drop_path_rate))
        encoder = create_clip_encoder(name.encoder, network.encoder_weights, weights_path=options["weights_path"])
        return encoder, _clip_head(encoder, options["num_classes"], network)
    if not name.motion:
        return _frame_network(name, **options)
    streams = {"rgb": None, "motion": name.motion}
    networks = {part: _frame_network(replace(name, stream=stream), **options) for part, stream in streams.items()}
    encoders = {part: encoder for part, (encoder, _) in networks.items()}
    return nn.ModuleDict(encoders), nn.ModuleDict({part: decoder for part, (_, decoder) in networks.items()})


def _hub_network(
    name: ModelName,
    *,
    num_classes: int,
    clip: Clip,
    network: Network,
    weights_path: str | Path | None,
    architecture: dict[str, Any] | None,
) -> tuple[nn.Module, nn.Module]:
    start = HubStart(
        weights=network.encoder_weights,
        clip=clip,
        pooled=name.decoder is None,
        drop_path_rate=network.drop_path_rate,
        weights_path=weights_path,
        architecture=architecture,
    )
    encoder = hub_networks[name.encoder](name.encoder, start)
    if not name.decoder:
        return encoder, _clip_head(encoder, num_classes, network)
    decoder = decoders[name.decoder](encoder.num_features, num_classes=num_classes, clip=clip, network=network)
    return encoder, decoder


def _clip_head(encoder: ClipEncoder, num_classes: int, network: Network) -> ClipHead:
    dropout = encoder.dropout if network.head_dropout is None else network.head_dropout
    return ClipHead(encoder.num_features, num_classes=num_classes, dropout=dropout)


def _frame_network(
    name: ModelName, *, num_classes: int, clip: Clip, network: Network, weights_path: str | Path | None
) -> tuple[nn.Module, nn.Module]:
    assert name.decoder
    channels = len(CHANNELS[name.modality])
    encoder = create_encoder(
        name.encoder,
        network.encoder_weights,
        channels=channels,
        size=clip.size,
        drop_path_rate=network.drop_path_rate,
        weights_path=weights_path,
    )
    decoder = decoders[name.decoder](encoder.num_features, num_classes=num_classes, clip=clip, network=network)
    if network.head_dropout and not any(isinstance(layer, Classifier) for layer in decoder.modules()):
        raise ValueError(
            f"decoder '{name.decoder}': network.head_dropout is {network.head_dropout}, but it has no `Classifier` "
            "(kinema.models.decoder), which is what drops; leave it at null"
        )
    decoder.adapt(encoder)
    return encoder, decoder


def _spec(name: ModelName, encoder: Any, clip: Clip, *, normalize: bool) -> InputSpec:
    modality = name.modality
    sources = [encoder]
    if isinstance(encoder, nn.ModuleDict):
        sources = [encoder["rgb"], encoder["motion"]] if modality == "rgb+flow" else [encoder["rgb"]]
    mean = tuple(number for source in sources for number in source.mean)
    std = tuple(number for source in sources for number in source.std)
    if not normalize and modality != "flow":  # flow stays centred: its zero is not black
        mean, std = (0.0, 0.0, 0.0, *mean[3:]), (1.0, 1.0, 1.0, *std[3:])
    return InputSpec(
        num_frames=clip.length,
        stride=clip.stride,
        size=clip.size,
        mean=mean,
        std=std,
        modality=modality,
        color_order=CHANNELS[modality],
        fps=clip.fps,
    )
