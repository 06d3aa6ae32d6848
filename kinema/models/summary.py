"""What a model costs: parameters, and multiplications a clip. Nothing is computed and no weights are held for it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.model_name import parse_model_name
from kinema.models.names import CLIP_NETWORKS, DECODERS, ENCODERS, EXPORT_OBSTACLES, HUB_NETWORKS, STREAMS
from kinema.models.registry import create_model

SHOWN_ENCODER = "resnet34"  # carries the decoders and the streams in the table of all models


@dataclass(frozen=True)
class Summary:
    """One row of the table. GMACs are billions of multiply-adds of one clip; normalisation and activations are free."""

    model_name: str
    input: str
    parameters: int
    gmacs: float
    separable: bool
    exportable: bool


def known_models() -> list[str]:
    """One name for every encoder, decoder, stream and clip network; all other combinations exist as well."""
    return [
        *(f"{encoder}_vtn" for encoder in ENCODERS),
        *(f"{SHOWN_ENCODER}_{decoder}" for decoder in DECODERS if decoder != "vtn"),
        *(f"{SHOWN_ENCODER}_vtn_{stream}" for stream in STREAMS),
        *CLIP_NETWORKS,
    ]


def summarise(
    model_name: str,
    *,
    num_classes: int,
    clip: Clip,
    network: Network,
    architecture: dict[str, Any] | None = None,
) -> Summary:
    """Count the parameters and operations of a model on tensors without numbers; `architecture`: see `create_model`."""
    if architecture is None and parse_model_name(model_name).encoder in HUB_NETWORKS:
        raise ValueError(
            f"model '{model_name}': what it is stands in the files that network.encoder_weights names, so its name "
            "alone does not say what it costs; the leaderboard counts what was trained."
        )
    network = network.model_copy(update={"encoder_weights": "none", "weights": None})
    with torch.device("meta"):
        options: dict[str, Any] = {"num_classes": num_classes, "clip": clip, "network": network}
        model = create_model(model_name, architecture=architecture, **options)
        model.eval().requires_grad_(False)  # the counter's hooks fail at views of parameters that have gradients
        clips = torch.zeros(1, clip.length, model.spec.channels, clip.size, clip.size)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model.forward_normalized(clips)
    return Summary(
        model_name=model.name,
        input=model.spec.modality,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        gmacs=counter.get_total_flops() / 2e9,
        separable=model.separable,
        exportable=model.name not in EXPORT_OBSTACLES,
    )


def as_table(rows: Iterable[Summary]) -> str:
    """Lines of text; `no*` marks models that cannot be exported."""
    head = ("model", "input", "M parameters", "GMACs", "separable", "exportable")
    cells: list[Sequence[str]] = [head]
    for row in rows:
        yes = ("yes" if row.separable else "no", "yes" if row.exportable else "no")
        cells.append((row.model_name, row.input, f"{row.parameters / 1e6:.2f}", f"{row.gmacs:.2f}", *yes))
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = []
    for line in cells:
        words = [
            word.rjust(width) if column in (2, 3) else word.ljust(width)
            for column, (word, width) in enumerate(zip(line, widths, strict=True))
        ]
        lines.append("  ".join(words).rstrip())
    return "\n".join(lines)
