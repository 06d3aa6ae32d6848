import subprocess
import sys

import pytest
import timm
from timm.models import get_arch_pretrained_cfgs

from kinema.models import model_name
from kinema.models.model_name import (
    ModelName,
    _names_in_timm_files,
    canonical,
    model_modules,
    parse_model_name,
    split_variant,
    timm_name,
)
from kinema.models.names import DECODERS


@pytest.mark.parametrize(
    ("text", "encoder", "decoder"),
    [
        ("resnet34_vtn", "resnet34", "vtn"),
        ("se-resnext101-32x4d_vtn", "se_resnext101_32x4d", "vtn"),
        ("efficientnet_lite0-baseline", "efficientnet_lite0", "baseline"),
        ("resnet26d_vtn", "resnet26d", "vtn"),  # timm's own name
    ],
)
def test_a_name_has_two_parts(text, encoder, decoder):
    name = parse_model_name(text)
    assert name == ModelName(encoder=encoder, decoder=decoder)
    assert str(name) == canonical(text) == f"{encoder}_{decoder}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("inception-i3d", ModelName("inception_i3d")),
        ("r2+1d_34", ModelName("r2+1d_34")),
        ("resnet34_attn_lstm", ModelName("resnet34", "attn_lstm")),
        ("resnet34_vtn_rgbdiff", ModelName("resnet34", "vtn", "rgbdiff")),
        ("se-resnext101-32x4d_vtn_two-stream-flow", ModelName("se_resnext101_32x4d", "vtn", "two_stream_flow")),
        ("rmnet_lstm_flow", ModelName("rmnet", "lstm", "flow")),
    ],
)
def test_streams_and_clip_networks(text, name):
    assert parse_model_name(text) == name
    assert str(name) == canonical(text)


def test_the_longest_decoder_wins(monkeypatch):
    monkeypatch.setitem(DECODERS, "lite0_vtn", "kinema.models.vtn")
    assert parse_model_name("resnet18_lite0_vtn") == ModelName("resnet18", "lite0_vtn")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("resnet34_vtn", ("resnet34_vtn", None)),
        ("resnet34_vtn@lr3e-4", ("resnet34_vtn", "lr3e-4")),
        ("resnet34_vtn@A-b@c", ("resnet34_vtn", "A-b@c")),
        ("resnet34_vtn@", ("resnet34_vtn", "")),
    ],
)
def test_the_variant_follows_the_first_at(text, parts):
    assert split_variant(text) == parts


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "resnet34_vtm",
            r"'resnet34_vtm': it is no .*did you mean 'resnet34_vtn'.*baseline, gru, lstm, tcn, tsm, vtn.*any timm",
        ),
        ("resnet43_vtn", r"unknown encoder 'resnet43'; did you mean 'resnet34_vtn'"),
        ("r2+1d_43", r"did you mean 'r2\+1d_34'"),
        ("resnet34_vtn_flo", r"did you mean 'resnet34_vtn_flow'"),
        ("vtn", r"'vtn': it is no clip network and does not end in a known decoder"),
        ("_vtn", r"'_vtn': it is no clip network and does not end in a known decoder"),
        ("", r"model '': .*does not end in a known decoder\. A model is ENCODER_DECODER"),
    ],
)
def test_unknown_names_are_explained(text, message):
    with pytest.raises(ValueError, match=message):
        parse_model_name(text)


def test_a_model_has_its_own_modules():
    assert model_modules("resnet34-vtn@lr3e-4") == ["kinema.models.vtn"]
    assert model_modules("rmnet_lstm_flow") == ["kinema.models.lstm", "kinema.models.rmnet"]
    assert model_modules("r3d_18") == ["kinema.models.resnet3d"]


def test_our_names_for_timm_models():
    assert timm_name("efficientnet_lite0") == "tf_efficientnet_lite0"
    assert timm_name("resnet26d") == "resnet26d"


@pytest.mark.parametrize("text", ["resnet34_vtn", "resnet26d_vtn", "mobilenetv3_large_100.ra_in1k_lstm"])
def test_names_are_read_without_torch_or_timm(text):
    code = (
        f"import sys; from kinema.models.model_name import parse_model_name; parse_model_name('{text}');"
        "sys.exit(bool({'torch', 'timm'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_files_of_timm_name_what_it_has():
    found = _names_in_timm_files()
    assert set(timm.list_models()) == {name for name in found if "." not in name}
    published = set(timm.list_pretrained())
    assert len(found & published) > 0.95 * len(published)
    for name in found:
        architecture, point, _ = name.partition(".")
        assert not point or name in get_arch_pretrained_cfgs(architecture)


def test_a_timm_whose_files_are_written_otherwise_is_asked_itself(monkeypatch):
    monkeypatch.setattr(model_name, "_names_in_timm_files", frozenset)
    assert parse_model_name("resnet26d_vtn").encoder == "resnet26d"
    with pytest.raises(ValueError, match="unknown encoder 'resnet43'"):
        parse_model_name("resnet43_vtn")
