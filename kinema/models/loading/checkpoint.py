"""A trained model as one file: weights, labels, input spec and the settings it was made with.

Checkpoints are plain tensors, numbers and strings. Loading unpickles nothing and fetches no pretrained weights.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from kinema import __version__
from kinema.files import atomic_path
from kinema.models.loading.content import Content, read_content, sealed
from kinema.models.loading.tensors import check_same_tensors
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.words import CHECKPOINT


@dataclass(frozen=True)
class Checkpoint:
    """A model in evaluation mode, on the CPU, with the names of its classes and the settings of its training."""

    model: Recognizer
    labels: list[str]
    settings: dict[str, Any]


def save_checkpoint(path: str | Path, model: Recognizer, *, labels: Sequence[str], settings: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all; `settings` are JSON types, kept for the record."""
    if len(labels) != model.num_classes:
        raise ValueError(f"{path}: {len(labels)} labels for a model of {model.num_classes} classes")
    content = {
        "kinema_version": __version__,
        "model": model.name,
        "num_classes": model.num_classes,
        "labels": [str(label) for label in labels],
        "input": model.spec.to_dict(),
        "clip": model.clip.model_dump(mode="json"),
        "network": model.network.model_dump(mode="json"),
        "settings": json.loads(json.dumps(settings)),  # what is not plain must fail now, not when it is read
        "state_dict": {key: value.detach().cpu() for key, value in model.state_dict().items()},
    }
    if model.architecture:
        content["architecture"] = model.architecture
    with atomic_path(Path(path)) as temporary:
        torch.save(sealed(content), temporary)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """The model in a file that `save_checkpoint` wrote; ValueError for any other file."""
    path = Path(path)
    content = read_content(path, expected=CHECKPOINT)
    try:
        model = _rebuild(content)
    except (TypeError, ValueError, RuntimeError, MemoryError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: a damaged or edited checkpoint: {reason}") from error
    return Checkpoint(model=model.eval(), labels=list(content.labels), settings=dict(content.settings))


def _rebuild(content: Content) -> Recognizer:
    network = content.network
    model = create_model(
        content.model,
        num_classes=content.num_classes,
        clip=content.clip,
        network=network.model_copy(update={"encoder_weights": "none", "weights": None}),
        spec=content.input,
        architecture=content.architecture,
    )
    check_same_tensors(content.state_dict, model.state_dict(), where="state_dict")
    model.load_state_dict(content.state_dict)
    model.network = network  # as it was trained, so that saving again keeps the record
    return model
