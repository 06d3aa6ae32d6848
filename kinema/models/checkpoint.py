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
from kinema.config import Clip, Network
from kinema.files import atomic_path
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.models.spec import InputSpec
from kinema.models.state import CHECKPOINT_FORMAT, check_same_tensors, read_torch_file

FORMAT_VERSION = 1
EXPECTED = "a kinema checkpoint (model.pth of a training run)"


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
        "format": CHECKPOINT_FORMAT,
        "format_version": FORMAT_VERSION,
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
    with atomic_path(Path(path)) as temporary:
        torch.save(content, temporary)


def load_checkpoint(path: str | Path) -> Checkpoint:
    """The model in a file that `save_checkpoint` wrote; ValueError for any other file."""
    path = Path(path)
    content = read_torch_file(path, expected=EXPECTED)
    if not isinstance(content, dict) or content.get("format") != CHECKPOINT_FORMAT:
        raise ValueError(f"{path}: not {EXPECTED}; checkpoints of the reference: `kinema import-checkpoint`")
    if content.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{path}: checkpoint format {content.get('format_version')}, this is kinema {__version__}, which reads "
            f"format {FORMAT_VERSION}; it was written by kinema {content.get('kinema_version')}, use that version"
        )
    try:
        model = _rebuild(content)
    except (KeyError, TypeError, ValueError) as error:
        reason = " ".join(f"no entry {error}".split() if isinstance(error, KeyError) else str(error).split())
        raise ValueError(f"{path}: a damaged or edited checkpoint: {reason}") from error
    return Checkpoint(model=model.eval(), labels=list(content["labels"]), settings=dict(content["settings"]))


def _rebuild(content: dict[str, Any]) -> Recognizer:
    for key in ("labels", "settings", "state_dict"):
        if key not in content:
            raise KeyError(key)
    network = Network.model_validate(content["network"])
    model = create_model(
        content["model"],
        num_classes=content["num_classes"],
        clip=Clip.model_validate(content["clip"]),
        network=network.model_copy(update={"encoder_weights": "none", "weights": None}),
        spec=InputSpec.from_dict(content["input"]),
    )
    check_same_tensors(content["state_dict"], model.state_dict(), where="state_dict")
    model.load_state_dict(content["state_dict"])
    model.network = network  # as it was trained, so that saving again keeps the record
    return model
