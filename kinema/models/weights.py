"""A whole network's start from a file: a checkpoint of ours or of the reference toolkit, every tensor of it."""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from kinema.models.recognizer import Recognizer
from kinema.models.reference import check_settings, convert, recognise
from kinema.models.spec import InputSpec
from kinema.models.state import CHECKPOINT_FORMAT, differences, raise_for, read_torch_file, tensors_of

logger = logging.getLogger(__name__)

EXPECTED = "a model.pth of kinema or a checkpoint of the reference toolkit (`network.weights`)"


def load_weights(model: Recognizer, source: str | Path | Mapping[str, Any]) -> None:
    """Fill `model` from a file, or from what was read from one; its input is normalised as in that file from then on.

    A missing, left-over or misshapen tensor is a ValueError. Where only the number of classes differs, the classifier
    stays as it was, with a warning.
    """
    if isinstance(source, Mapping):
        content, where = source, "weights"
    else:
        content, where = read_torch_file(Path(source), expected=EXPECTED), str(source)
    misshapen: list[str] = []
    if isinstance(content, Mapping) and content.get("format") == CHECKPOINT_FORMAT:
        name, num_classes = content["model"], content["num_classes"]
        _check_name(name, model, where=where)
        found, spec = dict(content["state_dict"]), InputSpec.from_dict(content["input"])
        mean, std = spec.mean, spec.std
    else:
        state = tensors_of(content, where=where)
        published = recognise(state, where=where)
        _check_name(published.name, model, where=where)
        check_settings(published, model.network, where=where)
        found, misshapen = convert(state, model, where=where)
        num_classes, (mean, std) = published.num_classes, published.normalisation(model.spec)
    replaced = _classifier(found, model, num_classes=num_classes)
    complaints = differences({**found, **replaced}, model.state_dict())
    complaints["misshapen"] += misshapen
    raise_for(complaints, where=f"{where} for '{model.name}'")
    model.load_state_dict({**found, **replaced})
    model.set_spec(dataclasses.replace(model.spec, mean=mean, std=std))
    if replaced:
        logger.warning(
            "%s: %d classes, here %d: the classifier (%s) starts anew, all else is loaded",
            where,
            num_classes,
            model.num_classes,
            ", ".join(sorted(replaced)),
        )


def _check_name(name: str, model: Recognizer, *, where: str) -> None:
    if name != model.name:
        raise ValueError(f"{where}: these are weights of '{name}', the model is '{model.name}'; choose one of the two")


def _classifier(found: Mapping[str, Tensor], model: Recognizer, *, num_classes: int) -> dict[str, Tensor]:
    """Tensors of ours that have a row for each class, where the file has another number of classes."""
    if num_classes == model.num_classes:
        return {}
    return {
        key: value
        for key, value in model.state_dict().items()
        if key.startswith("decoder.") and key in found and value.ndim and found[key].ndim
        if (len(found[key]), len(value)) == (num_classes, model.num_classes)
        if found[key].shape[1:] == value.shape[1:]
    }
