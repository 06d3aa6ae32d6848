"""What a model name means: `resnet34_vtn@lr3e-4` -> encoder `resnet34`, decoder `vtn`, variant `lr3e-4`.

The Snakefile imports this module on every call, so it knows names only: neither torch nor timm is imported, unless an
encoder is asked for that is none of the well-known ones.
"""

import difflib
from dataclasses import dataclass

# Decoder -> the module that registers it. The workflow puts a digest of that one module into an experiment's rules.
DECODERS: dict[str, str] = {
    "baseline": "kinema.models.baseline",
    "vtn": "kinema.models.vtn",
}

# Our name -> timm's. Any other timm model that gives a feature map works as well, by timm's own name.
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
    "se_resnext50_32x4d": "legacy_seresnext50_32x4d",
    "se_resnext101_32x4d": "legacy_seresnext101_32x4d",
}


@dataclass(frozen=True)
class ModelName:
    """The two parts of a model name, canonical; `str()` joins them again."""

    encoder: str
    decoder: str

    def __str__(self) -> str:
        return f"{self.encoder}_{self.decoder}"


def canonical(name: str) -> str:
    """`-` and `_` are the same in model names; case is kept."""
    return name.replace("-", "_")


def split_variant(text: str) -> tuple[str, str | None]:
    """Model name and variant; what follows the first `@` is the variant, verbatim."""
    base, mark, variant = text.partition("@")
    return base, variant if mark else None


def parse_model_name(text: str) -> ModelName:
    """Parts of ENCODER_DECODER (no variant); ValueError names what was asked, what exists and the nearest match."""
    name = canonical(text)
    for decoder in sorted(DECODERS, key=len, reverse=True):
        encoder = name.removesuffix(f"_{decoder}")
        if encoder and encoder != name:
            if encoder not in ENCODERS and not _known_to_timm(encoder):
                raise ValueError(_unknown(text, f"unknown encoder '{encoder}'"))
            return ModelName(encoder=encoder, decoder=decoder)
    raise ValueError(_unknown(text, "it does not end in a known decoder"))


def timm_name(encoder: str) -> str:
    """The name under which timm has an encoder."""
    return ENCODERS.get(encoder, encoder)


def decoder_modules(text: str) -> list[str]:
    """Modules that belong to one model alone, for the staleness digest of its rules; a variant is allowed."""
    base, _ = split_variant(text)
    return [DECODERS[parse_model_name(base).decoder]]


def _known_to_timm(encoder: str) -> bool:
    import timm  # seconds to import: only for names that are not ours

    return bool(timm.is_model(encoder))


def _unknown(text: str, reason: str) -> str:
    candidates = [f"{encoder}_{decoder}" for encoder in ENCODERS for decoder in DECODERS]
    close = difflib.get_close_matches(canonical(text), candidates, n=1, cutoff=0.5)
    hint = f"; did you mean '{close[0]}'?" if close else "."
    return (
        f"model '{text}': {reason}{hint} A model is ENCODER_DECODER. Decoders: {', '.join(sorted(DECODERS))}. "
        f"Encoders: {', '.join(ENCODERS)}, or any timm model."
    )
