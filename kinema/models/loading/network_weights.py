"""What `network.weights` names, a file of ours or of the reference toolkit -> a whole network, every tensor of it."""

import dataclasses
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from kinema.experiment.model_sections import Network
from kinema.models.loading.content import Content, checked, is_ours, read_content
from kinema.models.loading.reference import convert, recognise
from kinema.models.loading.tensors import (
    check_same_tensors,
    differences,
    raise_for,
    read_torch_file,
    tensors_of,
)
from kinema.models.recognizer import Recognizer
from kinema.words import STREAM, WEIGHTS, settings_in_words

logger = logging.getLogger(__name__)

# may differ between a network and the one it starts from
FREE_SETTINGS = {"weights", "encoder_weights", "dropout", "head_dropout", "drop_path_rate", "normalize"}
SHARED_SETTINGS = set(Network.model_fields) - FREE_SETTINGS


def load_weights(model: Recognizer, source: str | Path | Mapping[str, Any], *, where: str = "weights") -> None:
    """Fill `model` from a file, or from what was read from one, called `where` in errors.

    From then on its input is normalised as it was for that file.

    A missing, left-over or misshapen tensor is a ValueError. Where only the number of classes differs, the classifier
    stays as it was, with a warning.
    """
    if isinstance(source, Mapping):
        content: Any = source
    else:
        content, where = read_torch_file(Path(source), expected=WEIGHTS), str(source)
    if is_ours(content):
        start = _of_ours(checked(content, where=where), model, where=where)
    else:
        start = _of_reference(content, model, where=where)
    kept = _classifier(start, model)
    complaints = differences({**start.found, **kept}, model.state_dict())
    complaints["misshapen"] += start.misshapen
    raise_for(complaints, where=f"{where} for '{model.name}'")
    model.load_state_dict({**start.found, **kept})
    model.set_spec(dataclasses.replace(model.spec, mean=start.mean, std=start.std))
    if kept:
        text = "%s: %d classes, here %d: the classifier (%s) starts anew, all else is loaded"
        logger.warning(text, where, start.num_classes, model.num_classes, ", ".join(sorted(kept)))


def architecture_in(path: str | Path) -> dict[str, Any] | None:
    """What a model.pth says of an encoder whose name does not say what it is; None where it says nothing."""
    content = read_torch_file(Path(path), expected=WEIGHTS)
    return checked(content, where=str(path)).architecture if is_ours(content) else None


def load_streams(model: Recognizer, paths: Mapping[str, Path]) -> None:
    """Fill a two-stream network from the model.pth of each stream, `rgb` and `motion`, of the same classes."""
    found: dict[str, Tensor] = {}
    specs = []
    for stream, path in paths.items():
        content = read_content(path, expected=STREAM)
        check_settings(content.network.model_dump(include=SHARED_SETTINGS), model.network, where=str(path))
        for key, value in content.state_dict.items():
            part, _, rest = key.partition(".")
            found[f"{part}.{stream}.{rest}"] = value
        spec = content.input
        if spec.clip_in_words != model.spec.clip_in_words:
            raise ValueError(
                f"{path}: trained on clips of {spec.clip_in_words}; '{model.name}' has {model.spec.clip_in_words}. "
                "Streams see one clip: set the same `clip` for all three."
            )
        specs.append(spec)
    check_same_tensors(found, model.state_dict(), where=f"{' and '.join(map(str, paths.values()))} for '{model.name}'")
    if model.spec.modality == "rgb" and specs[0].std != specs[1].std:
        raise ValueError(f"{' and '.join(map(str, paths.values()))}: trained with other normalisations: {specs}")
    mean, std = (sum((getattr(spec, name) for spec in specs), ()) for name in ("mean", "std"))
    channels = model.spec.channels
    model.load_state_dict(found)
    model.set_spec(dataclasses.replace(model.spec, mean=mean[:channels], std=std[:channels]))


def classes_of(path: Path) -> list[str] | int:
    """Labels of the model in a file; the number of its classes where the file is one of the reference toolkit."""
    content = read_torch_file(path, expected=WEIGHTS)
    if is_ours(content):
        return list(checked(content, where=str(path)).labels)
    return recognise(tensors_of(content, where=str(path)), where=str(path)).num_classes


@dataclasses.dataclass(frozen=True)
class _Start:
    """Tensors of a file under our names, and what they were trained with."""

    found: dict[str, Tensor]
    num_classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    misshapen: list[str] = dataclasses.field(default_factory=list)


def _of_ours(content: Content, model: Recognizer, *, where: str) -> _Start:
    _check_name(content.model, model, where=where)
    check_settings(content.network.model_dump(include=SHARED_SETTINGS), model.network, where=where)
    spec = content.input
    if spec.clip_in_words != model.spec.clip_in_words:
        text = "%s: trained on clips of %s, here they have %s (`clip`)"
        logger.warning(text, where, spec.clip_in_words, model.spec.clip_in_words)
    return _Start(dict(content.state_dict), content.num_classes, spec.mean, spec.std)


def _of_reference(content: Any, model: Recognizer, *, where: str) -> _Start:
    state = tensors_of(content, where=where)
    published = recognise(state, where=where)
    _check_name(published.model_name, model, where=where)
    check_settings(published.settings, model.network, where=where)
    found, misshapen = convert(state, model, where=where)
    return _Start(found, published.num_classes, *published.normalisation(model.spec), misshapen)


def check_settings(trained: Mapping[str, Any], network: Network, *, where: str) -> None:
    """ValueError where the network was configured otherwise than the one in the file."""
    wrong = {key: value for key, value in trained.items() if getattr(network, key) != value}
    if wrong:
        ours = {key: getattr(network, key) for key in wrong}
        raise ValueError(
            f"{where}: its network has {settings_in_words(wrong)}; the configured one {settings_in_words(ours)}. "
            "Set them under `network`."
        )


def _check_name(model_name: str, model: Recognizer, *, where: str) -> None:
    if model_name != model.name:
        raise ValueError(
            f"{where}: these are weights of '{model_name}', the model is '{model.name}'; choose one of the two"
        )


def _classifier(start: _Start, model: Recognizer) -> dict[str, Tensor]:
    """Tensors of ours that have a row for each class, where the file has another number of classes."""
    if start.num_classes == model.num_classes:
        return {}
    rows = (start.num_classes, model.num_classes)
    return {
        key: value
        for key, value in model.state_dict().items()
        if key.startswith("decoder.") and key in start.found and value.ndim and start.found[key].ndim
        if (len(start.found[key]), len(value)) == rows and start.found[key].shape[1:] == value.shape[1:]
    }
