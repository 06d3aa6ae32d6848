"""What a model name means: `resnet34_vtn@lr3e-4` -> encoder `resnet34`, decoder `vtn`, variant `lr3e-4`.

A name is ENCODER_DECODER, ENCODER_DECODER_STREAM (`resnet34_vtn_rgbdiff`) or a clip network (`inception_i3d`). The
Snakefile imports this module on every call, so it knows names only: neither torch nor timm is imported, unless an
encoder is asked for that is found nowhere else.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from kinema.models.names import (
    CLIP_NETWORKS,
    DECODERS,
    ENCODERS,
    HUB_DECODERS,
    HUB_NETWORKS,
    MODALITIES,
    MOTION,
    OWN_ENCODERS,
    STREAMS,
    TRACED,
    unknown_model,
)


@dataclass(frozen=True)
class ModelName:
    """The parts of a model name, canonical; `str()` joins them again. A clip network needs no decoder."""

    encoder: str
    decoder: str | None = None
    stream: str | None = None

    def __str__(self) -> str:
        return "_".join(part for part in (self.encoder, self.decoder, self.stream) if part)

    @property
    def is_clip_network(self) -> bool:
        """Whether a network looks at whole clips, not at one frame after the other."""
        return self.encoder in CLIP_NETWORKS or self.encoder in HUB_NETWORKS

    @property
    def modality(self) -> str:
        """What the network takes: `rgb`, `flow` or `rgb+flow`."""
        return MODALITIES.get(self.stream or "", "rgb")

    @property
    def motion(self) -> str | None:
        """The stream of a two-stream network that is beside its RGB network; None for other networks."""
        return MOTION.get(self.stream or "")

    @property
    def takes_differences(self) -> bool:
        """Whether an encoder sees each RGB frame less the one before."""
        return "rgbdiff" in (self.stream, self.motion)


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
    if name in CLIP_NETWORKS or name in HUB_NETWORKS:
        return ModelName(name)
    pairs = [(decoder, stream) for decoder in DECODERS for stream in (None, *STREAMS)]
    known = {str(ModelName("", *pair)): pair for pair in pairs}
    for ending in sorted(known, key=len, reverse=True):
        encoder = name.removesuffix(f"_{ending}")
        if encoder and encoder != name:
            if encoder in HUB_NETWORKS:
                _check_hub_decoder(text, encoder, ending)
            elif encoder not in ENCODERS:
                _check_timm_name(text, encoder)
            return ModelName(encoder, *known[ending])
    raise ValueError(unknown_model(text, "it is no clip network and does not end in a known decoder"))


def modality_of(text: str) -> str:
    """What the model of a name takes: `rgb`, `flow` or `rgb+flow`."""
    return parse_model_name(text).modality


def timm_name(encoder: str) -> str:
    """The name under which timm has an encoder."""
    return ENCODERS.get(encoder, encoder)


def model_modules(text: str) -> list[str]:
    """Modules that belong to one model alone, for the staleness digest of its rules; a variant is allowed."""
    base, _ = split_variant(text)
    name = parse_model_name(base)
    return [*([DECODERS[name.decoder]] if name.decoder else []), *encoder_modules(text)]


def encoder_modules(text: str) -> list[str]:
    """Those of its encoder alone; none where timm has it."""
    base, _ = split_variant(text)
    name = parse_model_name(base)
    networks = CLIP_NETWORKS | HUB_NETWORKS | OWN_ENCODERS
    return [networks[name.encoder]] if name.encoder in networks else []


def model_facts(text: str) -> dict[str, str | None]:
    """What the tables of names say of a model; without modules. A variant is allowed."""
    base, _ = split_variant(text)
    name = parse_model_name(base)
    exporter = "tracing" if str(name) in TRACED else "dynamo"
    return {
        "encoder": timm_name(name.encoder),
        "modality": name.modality,
        "motion": name.motion,
        "exporter": exporter,
    }


def _check_hub_decoder(text: str, encoder: str, ending: str) -> None:
    """ValueError where what a clip network of transformers says of a clip is to be joined by a decoder of frames."""
    if ending not in HUB_DECODERS:
        others = " or ".join(f"'{encoder}_{decoder}'" for decoder in HUB_DECODERS)
        raise ValueError(f"model '{text}': '{encoder}' looks at whole clips of RGB; ask for '{encoder}' or {others}.")


@cache
def _names_in_timm_files() -> frozenset[str]:
    """Names of networks, and of their weights with a tag, in timm's files; none where those are written otherwise.

    Read in hundredths of a second, where importing timm takes PyTorch and seconds, at each start of Snakemake.
    """
    spec = find_spec("timm")
    folders = spec.submodule_search_locations or [] if spec else []
    files = (path for folder in folders for path in Path(folder, "models").glob("*.py"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    names = re.findall(r"^@register_model\ndef (\w+)\(", text, flags=re.MULTILINE)
    tagged = re.findall(r"""^ +['"](\w+\.\w+)['"]: """, text, flags=re.MULTILINE)
    return frozenset(names) | {name for name in tagged if name.partition(".")[0] in names}


def _check_timm_name(text: str, encoder: str) -> None:
    """ValueError where timm has no network of this name, or no weights of the tag behind its point."""
    if encoder in _names_in_timm_files():
        return
    import timm  # seconds to import: only for names that nothing else tells of

    architecture, point, tag = encoder.partition(".")
    if not timm.is_model(architecture):
        raise ValueError(unknown_model(text, f"unknown encoder '{encoder}'"))
    published = timm.models.get_arch_pretrained_cfgs(architecture)
    if point and encoder not in published:
        tags = sorted(name.partition(".")[2] for name in published if "." in name)
        there = f"it has {', '.join(tags)}" if tags else "it has none"
        raise ValueError(f"model '{text}': timm has no weights '{tag}' of '{architecture}'; {there}.")
