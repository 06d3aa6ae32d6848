"""A checkpoint of the reference toolkit -> a model.pth of ours, ready to be evaluated, exported or trained further."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from kinema.digests import file_digest
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.loading.content import is_ours
from kinema.models.loading.network_weights import load_weights
from kinema.models.loading.reference import recognise
from kinema.models.loading.tensors import read_torch_file, tensors_of
from kinema.models.made_of import remove_what_is_of_another
from kinema.models.model_name import canonical
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.words import REFERENCE, explained

NUM_FRAMES = 16  # of published models whose keys do not tell


def import_checkpoint(
    reference_path: Path,
    *,
    out: Path | None = None,
    labels_path: Path | None = None,
    model_name: str | None = None,
    stride: int = 2,
    size: int = 224,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> tuple[Path, Recognizer]:
    """Write `out`, by default `<model name>.pth`, from a file of the reference; every tensor must find its place.

    `labels_path` is an annotation.json or a text file, one label a line; without it classes are named by their numbers.
    `model_name` is the model that the file is expected to hold. `mean` and `std` (of pixel / 255) are those of
    training, where they were not the published ones.
    """
    content = read_torch_file(reference_path, expected=REFERENCE)
    if is_ours(content):
        raise ValueError(f"{reference_path}: it is a model.pth of kinema already")
    state = tensors_of(content, where=str(reference_path))
    found = recognise(state, where=str(reference_path))
    if model_name and canonical(model_name) != found.model_name:
        raise ValueError(f"{reference_path}: its keys are of '{found.model_name}', not of '{model_name}'")
    names = read_labels(labels_path) if labels_path else [str(number) for number in range(found.num_classes)]
    try:
        clip = Clip(length=found.num_frames or NUM_FRAMES, stride=stride, size=size)
        network = Network(encoder_weights="none", **found.settings)
    except ValidationError as error:
        raise ValueError(f"{reference_path}: no network can have what it says: {explained(error.errors())}") from None
    recognizer = create_model(found.model_name, num_classes=len(names), clip=clip, network=network)
    load_weights(recognizer, state, where=str(reference_path))
    changed = {key: tuple(value) for key, value in (("mean", mean), ("std", std)) if value is not None}
    recognizer.set_spec(dataclasses.replace(recognizer.spec, **changed))  # type: ignore[arg-type]
    settings = {"imported_from": reference_path.name, "digest": file_digest(reference_path)}
    out = out or Path(f"{recognizer.name}.pth")
    save_checkpoint(out, recognizer.eval(), labels=names, settings=settings)
    remove_what_is_of_another(out)
    return out, recognizer


def read_labels(path: Path) -> list[str]:
    """Labels in class order: the list `labels` of an annotation.json, or the lines of a text file."""
    text = path.read_text(encoding="utf-8")
    labels = json.loads(text)["labels"] if path.suffix == ".json" else text.splitlines()
    if not labels or not all(isinstance(label, str) and label.strip() for label in labels):
        raise ValueError(f"{path}: expected one label a line, in the order of the classes")
    return labels
