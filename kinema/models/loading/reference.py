"""Checkpoints of the reference toolkit -> our names and shapes, with the same logits.

The family, its encoder and its settings are recognised from the keys. Every tensor of a file must find its place and
every tensor of ours must be filled: a wrong file is an error, never a quietly random network.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from kinema.experiment.model_sections import Network
from kinema.inference.spec import InputSpec
from kinema.models.model_name import ModelName, parse_model_name
from kinema.models.positions import position_table
from kinema.models.recognizer import Recognizer

# Stream of a model -> the prefixes of its keys, and ours inside `encoder.` and `decoder.`
TWO = {"rgb_recoder.": "rgb.", "motion_decoder.motion_decoder.": "motion."}
PREFIXES: dict[str | None, dict[str, str]] = {
    None: {"": ""},
    "rgbdiff": {"motion_decoder.": ""},
    "flow": {"motion_decoder.": ""},
    "two_stream": TWO,
    "two_stream_flow": TWO,
}
POSITIONS = "self_attention_decoder.position_encoding.enc.weight"
# Blocks of the third stage, and whether they are bottlenecks -> ResNet
RESNETS = {(2, False): 18, (6, False): 34, (6, True): 50, (23, True): 101, (36, True): 152}
SE_RESNEXTS = {6: "se_resnext50_32x4d", 23: "se_resnext101_32x4d"}
# The published SE-ResNeXt models were trained on pixel / 255, without mean and std.
PLAIN_PIXELS = set(SE_RESNEXTS.values())
# The reference numbers the children of an encoder; ours have names. Patterns of whole keys; the first that fits counts.
RESNET = [
    (r"resnet\.0\.(.+)", r"conv1.\1"),
    (r"resnet\.1\.(.+)", r"bn1.\1"),
    *((rf"resnet\.{number}\.(.+)", rf"layer{number - 3}.\1") for number in range(4, 8)),
]
SE_RESNEXT = [(r"resnet\.([0-4])\.(.+)", r"layer\1.\2")]
RMNET = [(r"resnet\.0\.(stages\..+)", r"\1"), (r"resnet\.1\.(.+)", r"last.\1")]
MOBILENET_BLOCKS = [1, 2, 3, 4, 3, 3, 1]
MOBILENET_FIRST = ["conv_dw", "bn1", "", "conv_pw", "bn2"]
MOBILENET_LAYERS = ["conv_pw", "bn1", "", "conv_dw", "bn2", "", "conv_pwl", "bn3"]
DECODER = [
    (r"fc\.(.+)", r"fc.\1"),
    (r"reduce_conv\.(.+)", r"reduce.\1"),
    *(
        (rf"self_attention_decoder\.layers\.(\d+)\.{theirs}", rf"blocks.\1.{ours}")
        for theirs, ours in (
            (r"slf_attn\.layer_norm\.a_2", "attention_norm.scale"),
            (r"slf_attn\.layer_norm\.b_2", "attention_norm.shift"),
            (r"pos_ffn\.layer_norm\.a_2", "feedforward_norm.scale"),
            (r"pos_ffn\.layer_norm\.b_2", "feedforward_norm.shift"),
            (r"pos_ffn\.w_1\.(.+)", r"expand.\2"),
            (r"pos_ffn\.w_2\.(.+)", r"contract.\2"),
        )
    ),
]
LSTM = [(r"lstm\.(\w+_l0(?:_reverse)?)", r"lstm.\1")]
# whole clips at once, and step by step
ATTENTION_LSTM = [
    (r"lstm\.(?:lstm\.)?(\w+)_l0", r"cell.\1"),
    (r"(?:lstm\.attention|attn)\.linear_q\.(.+)", r"attention.\1"),
]
I3D = [(r"((?:Conv3d|Mixed)_.+)", r"\1")]


@dataclass(frozen=True)
class Published:
    """What the keys of a checkpoint tell: the model, and the settings that it was made with."""

    model_name: str
    num_classes: int
    settings: Mapping[str, int | bool]
    num_frames: int | None = None

    def normalisation(self, spec: InputSpec) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std that the published weights expect; those of `spec` where nothing else is known."""
        if parse_model_name(self.model_name).encoder not in PLAIN_PIXELS or spec.modality == "flow":
            return spec.mean, spec.std
        return (0.0, 0.0, 0.0, *spec.mean[3:]), (1.0, 1.0, 1.0, *spec.std[3:])


def recognise(state: Mapping[str, Tensor], *, where: str) -> Published:
    """The model behind the keys of a state dict; ValueError where it is none of the reference's families."""
    streams = _by_stream(state)
    name = _name(streams)
    if name is None:
        some = ", ".join(list(state)[:3])
        raise ValueError(
            f"{where}: its keys ({some}, ...) are of no family that the reference published; expected a VTN, LSTM, "
            "attention-LSTM, baseline or I3D checkpoint, or a model.pth of kinema"
        )
    keys = _main(streams)
    head = keys.get("fc.weight", keys.get("logits.conv_3d.weight", torch.empty(0)))
    if not _size(head, 0):
        raise ValueError(f"{where}: its classifier has no rows")
    positions = keys.get(POSITIONS)
    num_frames = None if positions is None else _size(positions, 0) + (name.stream == "rgbdiff")
    return Published(
        str(name), num_classes=_size(head, 0), settings=_settings(keys, name.decoder), num_frames=num_frames
    )


def convert(state: Mapping[str, Tensor], model: Recognizer, *, where: str) -> tuple[dict[str, Tensor], list[str]]:
    """Our names and shapes of a state dict, and complaints about misshapen attention heads.

    A key that has no place in a model of this family keeps its name.
    """
    name = parse_model_name(model.name)
    encoder, decoder = _encoder_patterns(name), _decoder_patterns(name)
    converted: dict[str, Tensor] = {}
    misshapen: list[str] = []
    for prefix, keys in _by_stream(state).items():
        stream = PREFIXES[name.stream].get(prefix)
        if stream is None:
            converted |= {prefix + key: value for key, value in keys.items()}
            continue
        if name.decoder == "vtn":
            _check_positions(keys.pop(POSITIONS, None), where=where)
            misshapen += _fuse_heads(keys, converted, model.network, prefix=prefix, stream=stream)
        for key, value in keys.items():
            ours = prefix + key
            if found := _renamed(key, encoder):
                ours = f"encoder.{stream}body.{found}"
            elif found := _renamed(key, decoder):
                ours, value = f"decoder.{stream}{found}", _without_unit_axes(value)
            converted[prefix + key if ours in converted else ours] = value
    return converted, misshapen


def _by_stream(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Keys by the prefix of their stream; without it, and with one name for encoders."""
    streams: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        prefix = next(prefix for prefix in (*TWO, "motion_decoder.", "") if key.startswith(prefix))
        keys, rest = streams.setdefault(prefix, {}), key.removeprefix(prefix)
        usual = re.sub(r"^resnet1\.", "resnet.", rest)
        keys[rest if usual in keys else usual] = value
    return streams


def _name(streams: Mapping[str, Mapping[str, Tensor]]) -> ModelName | None:
    keys = _main(streams)
    if "Conv3d_1a_7x7.conv_3d.weight" in keys:
        return ModelName("inception_i3d")
    encoder, decoder = _encoder_name(keys), _decoder_name(keys)
    return ModelName(encoder, decoder, _stream_name(streams)) if encoder and decoder else None


def _main(streams: Mapping[str, Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    return max(streams.values(), key=len)


def _encoder_name(keys: Mapping[str, Tensor]) -> str | None:
    if any(key.startswith("resnet.0.stages.") for key in keys):
        return "rmnet"
    if "resnet.0.0.weight" in keys:
        return "mobilenetv2"
    if "resnet.0.conv1.weight" in keys:
        return SE_RESNEXTS.get(_count(keys, r"resnet\.3\.(\d+)\."))
    bottleneck = any(key.startswith("resnet.6.0.conv3.") for key in keys)
    depth = RESNETS.get((_count(keys, r"resnet\.6\.(\d+)\."), bottleneck))
    return f"resnet{depth}" if depth else None


def _decoder_name(keys: Mapping[str, Tensor]) -> str | None:
    for decoder, pattern in (
        ("vtn", r"self_attention_decoder\."),
        ("attn_lstm", r"(lstm\.attention|attn)\."),
        ("lstm", r"lstm\."),
        ("baseline", r"fc\."),
    ):
        if any(re.match(pattern, key) for key in keys):
            return decoder
    return None


def _stream_name(streams: Mapping[str, Mapping[str, Tensor]]) -> str | None:
    for prefix, keys in streams.items():
        first = next((value for key, value in keys.items() if key.startswith("resnet.") and value.ndim == 4), None)
        if prefix.startswith("motion_decoder.") and first is not None:
            two = "rgb_recoder." in streams
            return {2: "two_stream_flow" if two else "flow"}.get(first.shape[1], "two_stream" if two else "rgbdiff")
    return None


def _count(keys: Mapping[str, Tensor], pattern: str) -> int:
    return len({match[1] for key in keys if (match := re.match(pattern, key))})


def _settings(keys: Mapping[str, Tensor], decoder: str | None) -> dict[str, int | bool]:
    if decoder == "vtn":
        found: dict[str, int | bool] = {
            "layer_norm": any("layer_norm" in key for key in keys),
            "num_blocks": _count(keys, r"self_attention_decoder\.layers\.(\d+)\."),
        }
        if (queries := keys.get("self_attention_decoder.layers.0.slf_attn.w_qs")) is not None:
            found |= {"num_heads": _size(queries, 0), "embedding": _size(queries, 1)}
        if (expand := keys.get("self_attention_decoder.layers.0.pos_ffn.w_1.weight")) is not None:
            found["feedforward"] = _size(expand, 0)
        return found
    recurrent = [value for key, value in keys.items() if key.endswith("weight_hh_l0")]
    if decoder in ("lstm", "attn_lstm") and recurrent:
        both = {"bidirectional": any(key.endswith("_l0_reverse") for key in keys)} if decoder == "lstm" else {}
        return {"hidden": _size(recurrent[0], 1), **both}
    return {}


def _size(tensor: Tensor, axis: int) -> int:
    """Length of an axis, 0 where there is none: a file may hold anything."""
    return tensor.shape[axis] if axis < tensor.ndim else 0


def _encoder_patterns(name: ModelName) -> list[tuple[str, str]]:
    if name.encoder in SE_RESNEXTS.values():
        return SE_RESNEXT
    return {"rmnet": RMNET, "mobilenetv2": _mobilenet(), "inception_i3d": I3D}.get(name.encoder, RESNET)


def _decoder_patterns(name: ModelName) -> list[tuple[str, str]]:
    if name.decoder is None:
        return [(r"logits\.conv_3d\.(.+)", r"fc.\1")]
    return {"lstm": LSTM, "attn_lstm": ATTENTION_LSTM}.get(name.decoder, []) + DECODER


def _mobilenet() -> list[tuple[str, str]]:
    """Stem, inverted residuals in a row (timm has them in stages), last convolution."""
    patterns = [(r"resnet\.0\.0\.(.+)", r"conv_stem.\1"), (r"resnet\.0\.1\.(.+)", r"bn1.\1")]
    number = 0
    for stage, num_blocks in enumerate(MOBILENET_BLOCKS):
        for block in range(num_blocks):
            number += 1
            layers = MOBILENET_LAYERS if stage else MOBILENET_FIRST
            patterns += [
                (rf"resnet\.{number}\.conv\.{theirs}\.(.+)", rf"blocks.{stage}.{block}.{ours}.\1")
                for theirs, ours in enumerate(layers)
                if ours
            ]
    last = number + 1
    return [*patterns, (rf"resnet\.{last}\.0\.(.+)", r"conv_head.\1"), (rf"resnet\.{last}\.1\.(.+)", r"bn2.\1")]


def _renamed(key: str, patterns: list[tuple[str, str]]) -> str | None:
    for pattern, ours in patterns:
        if match := re.fullmatch(pattern, key):
            return match.expand(ours)
    return None


def _without_unit_axes(value: Tensor) -> Tensor:
    """The decoders' 1x1 convolutions are linear layers here."""
    return value.flatten(1) if value.ndim > 2 and set(value.shape[2:]) == {1} else value


def _fuse_heads(
    keys: dict[str, Tensor], converted: dict[str, Tensor], network: Network, *, prefix: str, stream: str
) -> list[str]:
    """Per-head matrices (heads, width, width / heads), applied from the right, become rows of one linear layer.

    They are taken out of `keys`. Returns complaints about shapes: another number of heads would give a layer of the
    right size and wrong logits.
    """
    expected = (network.num_heads, network.embedding, network.embedding // network.num_heads)
    misshapen: list[str] = []
    for block in range(network.num_blocks):
        names = [f"self_attention_decoder.layers.{block}.slf_attn.w_{part}s" for part in "qkv"]
        if any(name not in keys for name in names):
            continue
        parts = {name: keys.pop(name) for name in names}
        wrong = [
            f"{prefix}{name} {tuple(part.shape)} instead of {expected}"
            for name, part in parts.items()
            if part.shape != expected
        ]
        misshapen += wrong
        if not wrong:
            rows = [part.transpose(1, 2).flatten(0, 1) for part in parts.values()]
            converted[f"decoder.{stream}blocks.{block}.qkv.weight"] = torch.cat(rows)
    return misshapen


def _check_positions(table: Tensor | None, *, where: str) -> None:
    """The table is computed here; a file with another one would give other logits."""
    if table is None:
        raise ValueError(f"{where}: {POSITIONS} is missing")
    if table.ndim != 2 or not torch.allclose(table.float(), position_table(*table.shape), atol=1e-5):
        raise ValueError(f"{where}: {POSITIONS} {tuple(table.shape)} is not the sinusoid table we compute")
