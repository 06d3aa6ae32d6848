"""What a model name means: `resnet34_vtn@lr3e-4` -> encoder `resnet34`, decoder `vtn`, variant `lr3e-4`.

A name is ENCODER_DECODER, ENCODER_DECODER_STREAM (`resnet34_vtn_rgbdiff`) or a clip network (`inception_i3d`). The
Snakefile imports this module on every call, so it knows names only: neither torch nor timm is imported, unless an
encoder is asked for that is none of the well-known ones.
"""

import difflib
from dataclasses import dataclass

# Decoder -> the module that registers it. The workflow puts a digest of that one module into an experiment's rules.
DECODERS: dict[str, str] = {
    "attn_lstm": "kinema.models.lstm",
    "baseline": "kinema.models.baseline",
    "lstm": "kinema.models.lstm",
    "vtn": "kinema.models.vtn",
}

# What ENCODER_DECODER looks at, where it is not RGB frames -> the meaning. Every decoder can be used with each.
STREAMS: dict[str, str] = {
    "rgbdiff": "differences of neighbouring RGB frames",
    "flow": "optical flow",
    "two_stream": "RGB frames, and their differences in a second network; logits averaged",
    "two_stream_flow": "RGB frames, and optical flow in a second network; logits averaged",
}

# Stream -> what the network takes, where it is not RGB. A two-stream network -> the stream beside its RGB network.
MODALITIES: dict[str, str] = {"flow": "flow", "two_stream_flow": "rgb+flow"}
MOTION: dict[str, str] = {"two_stream": "rgbdiff", "two_stream_flow": "flow"}

# Network over whole clips -> the module that registers it.
CLIP_NETWORKS: dict[str, str] = {
    "densenet201_3d": "kinema.models.densenet3d",
    "inception_i3d": "kinema.models.i3d",
    "mc3_18": "kinema.models.resnet3d",
    "mvit_v2_s": "kinema.models.torchvision_video",
    "r2+1d_18": "kinema.models.resnet3d",
    "r2+1d_34": "kinema.models.resnet3d",
    "r2+1d_50": "kinema.models.resnet3d",
    "r2+1d_101": "kinema.models.resnet3d",
    "r2+1d_152": "kinema.models.resnet3d",
    "r3d_18": "kinema.models.resnet3d",
    "r3d_34": "kinema.models.resnet3d",
    "r3d_50": "kinema.models.resnet3d",
    "r3d_101": "kinema.models.resnet3d",
    "r3d_152": "kinema.models.resnet3d",
    "s3d": "kinema.models.torchvision_video",
    "swin3d_t": "kinema.models.torchvision_video",
}

# Our name -> timm's. Any other timm model works as well, by timm's own name.
ENCODERS: dict[str, str] = {
    "convnext_tiny": "convnext_tiny",
    "densenet121": "densenet121",
    "efficientnet_b0": "efficientnet_b0",
    "efficientnet_b2": "efficientnet_b2",
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite2": "tf_efficientnet_lite2",
    "efficientnet_lite4": "tf_efficientnet_lite4",
    "mobilenetv2": "mobilenetv2_100",
    "mobilenetv3_large_100": "mobilenetv3_large_100",
    "mobilenetv4_conv_small": "mobilenetv4_conv_small",
    "regnety_004": "regnety_004",
    "regnety_016": "regnety_016",
    "resnet18": "resnet18",
    "resnet34": "resnet34",
    "resnet50": "resnet50",
    "resnet101": "resnet101",
    "resnet152": "resnet152",
    "rmnet": "rmnet",
    "se_resnext50_32x4d": "legacy_seresnext50_32x4d",
    "se_resnext101_32x4d": "legacy_seresnext101_32x4d",
}

# Encoders that timm does not have -> the module that registers them.
OWN_ENCODERS: dict[str, str] = {"rmnet": "kinema.models.rmnet"}

# Models whose graph torch's older exporter takes, which knows no later operator set.
TRACED, TRACED_MAX_OPSET = ("swin3d_t",), 20
# Model -> why it cannot be exported. Measured at 16 x 224: torch's exporter was killed at 23 GB; what the older,
# tracing one makes has sequence operations.
EXPORT_OBSTACLES: dict[str, str] = {
    "mvit_v2_s": "torch's ONNX exporter needs more than 20 GB of memory for it, and OpenVINO cannot read what the "
    "older, tracing one makes. It can be trained and evaluated; deploy another model, for example swin3d_t"
}


@dataclass(frozen=True)
class ModelName:
    """The parts of a model name, canonical; `str()` joins them again. A clip network is an encoder without decoder."""

    encoder: str
    decoder: str | None = None
    stream: str | None = None

    def __str__(self) -> str:
        return "_".join(part for part in (self.encoder, self.decoder, self.stream) if part)


def canonical(name: str) -> str:
    """`-` and `_` are the same in model names; case is kept."""
    return name.replace("-", "_")


def split_variant(text: str) -> tuple[str, str | None]:
    """Model name and variant; what follows the first `@` is the variant, verbatim."""
    base, mark, variant = text.partition("@")
    return base, variant if mark else None


def parse_model_name(text: str) -> ModelName:
    """Parts of a model name (no variant); ValueError names what was asked, what exists and the nearest match."""
    name = canonical(text)
    if name in CLIP_NETWORKS:
        return ModelName(name)
    endings = {str(ModelName("", *pair)): pair for pair in _pairs()}
    for ending in sorted(endings, key=len, reverse=True):
        encoder = name.removesuffix(f"_{ending}")
        if encoder and encoder != name:
            if encoder not in ENCODERS and not _known_to_timm(encoder):
                raise ValueError(_unknown(text, f"unknown encoder '{encoder}'"))
            return ModelName(encoder, *endings[ending])
    raise ValueError(_unknown(text, "it is no clip network and does not end in a known decoder"))


def modality_of(text: str) -> str:
    """What a model takes: `rgb`, `flow` or `rgb+flow`."""
    return MODALITIES.get(parse_model_name(text).stream or "", "rgb")


def timm_name(encoder: str) -> str:
    """The name under which timm has an encoder."""
    return ENCODERS.get(encoder, encoder)


def model_modules(text: str) -> list[str]:
    """Modules that belong to one model alone, for the staleness digest of its rules; a variant is allowed."""
    base, _ = split_variant(text)
    name = parse_model_name(base)
    modules = [DECODERS[name.decoder] if name.decoder else CLIP_NETWORKS[name.encoder]]
    return [*modules, OWN_ENCODERS[name.encoder]] if name.encoder in OWN_ENCODERS else modules


def _pairs() -> list[tuple[str, str | None]]:
    return [(decoder, stream) for decoder in DECODERS for stream in (None, *STREAMS)]


def _known_to_timm(encoder: str) -> bool:
    import timm  # seconds to import: only for names that are not ours

    return bool(timm.is_model(encoder))


def _unknown(text: str, reason: str) -> str:
    candidates = [str(ModelName(encoder, *pair)) for encoder in ENCODERS for pair in _pairs()] + list(CLIP_NETWORKS)
    close = difflib.get_close_matches(canonical(text), candidates, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    return (
        f"model '{text}': {reason}{hint} A model is ENCODER_DECODER, ENCODER_DECODER_STREAM or a clip network. "
        f"Decoders: {', '.join(sorted(DECODERS))}. Streams: {', '.join(STREAMS)}. "
        f"Clip networks: {', '.join(CLIP_NETWORKS)}. Encoders: {', '.join(ENCODERS)}, or any timm model."
    )
