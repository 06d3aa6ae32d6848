"""VTN weights published by the reference toolkit -> our networks, with the same logits.

For `<resnet>_vtn` and `<se_resnext>_vtn`. Every tensor of the file must find its place and every tensor of ours must be
filled: a wrong file is an error, never a quietly random network.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinema.models.recognizer import Recognizer
from kinema.models.state import differences, raise_for, read_torch_file, tensors_of
from kinema.models.vtn import VTNDecoder, position_table

POSITIONS = "self_attention_decoder.position_encoding.enc.weight"
# The reference numbers the children of an encoder; ours have names.
RESNET_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
SENET_CHILDREN = {str(number): f"layer{number}" for number in range(5)}
# Pattern of a key after `self_attention_decoder.layers.<block>.` -> ours after `decoder.blocks.<block>.`
BLOCK_KEYS = {
    "slf_attn.layer_norm.a_2": "attention_norm.scale",
    "slf_attn.layer_norm.b_2": "attention_norm.shift",
    "pos_ffn.layer_norm.a_2": "feedforward_norm.scale",
    "pos_ffn.layer_norm.b_2": "feedforward_norm.shift",
    "pos_ffn.w_1.weight": "expand.weight",
    "pos_ffn.w_1.bias": "expand.bias",
    "pos_ffn.w_2.weight": "contract.weight",
    "pos_ffn.w_2.bias": "contract.bias",
}
HEAD_KEYS = {
    "fc.weight": "decoder.fc.weight",
    "fc.bias": "decoder.fc.bias",
    "reduce_conv.weight": "decoder.reduce.weight",
    "reduce_conv.bias": "decoder.reduce.bias",
}


def load_reference(source: str | Path | Mapping[str, Any], model: Recognizer) -> None:
    """Fill `model` with a reference checkpoint: a file, or what was read from one."""
    if isinstance(source, Mapping):
        content, where = source, "reference state dict"
    else:
        content, where = read_torch_file(Path(source), expected="a checkpoint of the reference"), str(source)
    model.load_state_dict(convert_reference_state_dict(tensors_of(content, where=where), model))


def convert_reference_state_dict(state: Mapping[str, Tensor], model: Recognizer) -> dict[str, Tensor]:
    """Our complete state dict from the reference's; ValueError lists missing, left-over and misshapen keys."""
    if not isinstance(model.decoder, VTNDecoder):
        raise ValueError(f"model '{model.name}': reference weights are converted for ENCODER_vtn only")
    children = _children(model)
    remaining = {key.removeprefix("module."): value for key, value in state.items()}
    converted: dict[str, Tensor] = {}
    _check_positions(remaining.pop(POSITIONS, None))
    misshapen = [
        key for block in range(len(model.decoder.blocks)) for key in _fuse_heads(block, model, remaining, converted)
    ]
    unknown = []
    for key, value in remaining.items():
        if ours := _renamed(key, children):
            converted[ours] = _without_unit_axes(ours, value)
        else:
            unknown.append(key)
    complaints = differences(converted, model.state_dict())
    complaints["left over"] += unknown
    complaints["misshapen"] += misshapen
    raise_for(complaints, where=f"reference weights for '{model.name}'")
    return converted


def _children(model: Recognizer) -> dict[str, str]:
    names = {name for name, _ in model.encoder.body.named_children()}
    for children in (RESNET_CHILDREN, SENET_CHILDREN):
        if names >= set(children.values()):
            return children
    raise ValueError(f"model '{model.name}': reference weights are converted for ResNet and SE-ResNeXt encoders only")


def _renamed(key: str, children: Mapping[str, str]) -> str | None:
    """Our name of a key that is carried over as it is; None where there is none."""
    if key in HEAD_KEYS:
        return HEAD_KEYS[key]
    if match := re.fullmatch(r"resnet\.(\d+)\.(.+)", key):
        child = children.get(match[1])
        return f"encoder.body.{child}.{match[2]}" if child else None
    if match := re.fullmatch(r"self_attention_decoder\.layers\.(\d+)\.(.+)", key):
        ours = BLOCK_KEYS.get(match[2])
        return f"decoder.blocks.{match[1]}.{ours}" if ours else None
    return None


def _without_unit_axes(ours: str, value: Tensor) -> Tensor:
    """The decoder's 1x1 convolutions are linear layers here."""
    if ours.startswith("decoder.") and value.ndim > 2 and set(value.shape[2:]) == {1}:
        return value.flatten(1)
    return value


def _fuse_heads(block: int, model: Recognizer, remaining: dict[str, Tensor], converted: dict[str, Tensor]) -> list[str]:
    """Per-head matrices (heads, width, width / heads), applied from the right, become rows of one linear layer.

    Returns complaints about shapes: another number of heads would give a layer of the right size and wrong logits.
    """
    heads, width = model.network.num_heads, model.network.embedding
    expected = (heads, width, width // heads)
    keys = [f"self_attention_decoder.layers.{block}.slf_attn.w_{part}s" for part in "qkv"]
    if any(key not in remaining for key in keys):
        return []
    parts = {key: remaining.pop(key) for key in keys}
    wrong = [
        f"{key} {tuple(part.shape)} instead of {expected}" for key, part in parts.items() if part.shape != expected
    ]
    if not wrong:
        rows = [part.transpose(1, 2).flatten(0, 1) for part in parts.values()]
        converted[f"decoder.blocks.{block}.qkv.weight"] = torch.cat(rows)
    return wrong


def _check_positions(table: Tensor | None) -> None:
    """The table is computed here; a file with another one would give other logits."""
    if table is None:
        raise ValueError(f"reference weights: {POSITIONS} is missing")
    if table.ndim != 2 or not torch.allclose(table.float(), position_table(*table.shape), atol=1e-5):
        raise ValueError(f"reference weights: {POSITIONS} {tuple(table.shape)} is not the sinusoid table we compute")
