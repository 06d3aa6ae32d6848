"""A .pth or .safetensors -> plain tensors, compared with those that a module wants: one clear error for what differs.

Nothing is unpickled: `weights_only=True` everywhere.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinema.words import listed

PLAIN_TYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool}
PLAIN_TYPES |= {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}


def read_torch_file(path: Path, *, expected: str) -> Any:
    """Content of a .pth or .safetensors file, on the CPU; ValueError where it is not one."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file; expected {expected}")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # zip, pickle, safetensors and torch each raise their own
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"{path}: cannot be read as {expected}: {reason[0]}") from None


def tensors_of(content: Any, *, where: str) -> dict[str, Tensor]:
    """The state dict in a file, at the top or under `state_dict`, without DataParallel's `module.` in front."""
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    try:
        check_plain_tensors(content)
    except ValueError as error:
        raise ValueError(f"{where}: found no state dict (at the top or under `state_dict`): {error}") from None
    return {key.removeprefix("module."): value for key, value in content.items()}


def check_plain_tensors(content: Any) -> None:
    """ValueError where something is no dictionary of names and tensors of numbers that are all there."""
    if not isinstance(content, Mapping) or not content:
        raise ValueError(f"expected names and tensors, found an empty or other {type(content).__name__}")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ValueError(f"expected names and tensors, found {str(name)[:60]!r}: {type(value).__name__}")
        if value.layout != torch.strided or value.is_nested or value.device.type != "cpu":
            raise ValueError(f"{name} is no tensor with all its numbers ({value.layout}, on {value.device})")
        if value.dtype not in PLAIN_TYPES:
            raise ValueError(f"{name} is a tensor of {value.dtype}")
        if value.untyped_storage().nbytes() < value.numel() * value.element_size():
            raise ValueError(f"{name} {tuple(value.shape)} has fewer numbers than its shape says")


def check_same_tensors(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], *, where: str) -> None:
    """ValueError that lists what is missing, left over, misshapen or of another kind, unless all agree."""
    raise_for(differences(found, wanted), where=where)


def differences(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Keys that are missing, left over, misshapen, or integers in place of fractions and the other way round."""
    return {
        "missing": [key for key in wanted if key not in found],
        "left over": [key for key in found if key not in wanted],
        "misshapen": [
            f"{key} {tuple(found[key].shape)} instead of {tuple(value.shape)}"
            for key, value in wanted.items()
            if key in found and found[key].shape != value.shape
        ],
        "of another kind": [
            f"{key} {found[key].dtype} instead of {value.dtype}"
            for key, value in wanted.items()
            if key in found and found[key].is_floating_point() != value.is_floating_point()
        ],
    }


def raise_for(complaints: Mapping[str, list[str]], *, where: str) -> None:
    """One ValueError for lists of keys by kind of complaint; nothing where all of them are empty."""
    if any(complaints.values()):
        raise ValueError(f"{where}: the tensors do not fit this network; {listed(complaints)}")
