"""A checkpoint of the reference toolkit -> a model.pth of ours, ready to be evaluated, exported or trained further."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from kinema.config import Clip, Network
from kinema.digests import file_digest
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
    source: Path,
    *,
    out: Path | None = None,
    labels: Path | None = None,
    model: str | None = None,
    stride: int = 2,
    size: int = 224,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> tuple[Path, Recognizer]:
    """Write `out`, by default `<model name>.pth`, from the file `source`; every tensor must find its place.

    `labels` is an annotation.json or a text file, one label a line; without it classes are named by their numbers.
    `model` is the model that the file is expected to hold. `mean` and `std` (of pixel / 255) are those of training,
    where they were not the published ones.
    """
    content = read_torch_file(source, expected=REFERENCE)
    if is_ours(content):
        raise ValueError(f"{source}: it is a model.pth of kinema already")
    state = tensors_of(content, where=str(source))
    found = recognise(state, where=str(source))
    if model and canonical(model) != found.name:
        raise ValueError(f"{source}: its keys are of '{found.name}', not of '{model}'")
    names = read_labels(labels) if labels else [str(number) for number in range(found.num_classes)]
    try:
        clip = Clip(length=found.num_frames or NUM_FRAMES, stride=stride, size=size)
        network = Network(encoder_weights="none", **found.settings)
    except ValidationError as error:
        raise ValueError(f"{source}: no network can have what it says: {explained(error.errors())}") from None
    recognizer = create_model(found.name, num_classes=len(names), clip=clip, network=network)
    load_weights(recognizer, state, where=str(source))
    changed = {key: tuple(value) for key, value in (("mean", mean), ("std", std)) if value is not None}
    recognizer.set_spec(dataclasses.replace(recognizer.spec, **changed))  # type: ignore[arg-type]
    settings = {"imported_from": source.name, "digest": file_digest(source)}
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
