"""Weights and logits of the reference toolkit: our VTN must give the same numbers."""

import hashlib
import importlib.util
import json

import numpy as np
import pytest
import torch

from kinema.config import Clip, Network
from kinema.models.reference import convert_reference_state_dict, load_reference
from kinema.models.registry import create_model

pytestmark = pytest.mark.real

CLASSES = 400
LAYER = "self_attention_decoder.layers.0."


@pytest.fixture(scope="module")
def fill(shared):
    spec = importlib.util.spec_from_file_location("golden_fill", shared / "golden" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def keys_of(shared, name):
    return json.loads((shared / "golden" / "models" / f"{name}.keys.json").read_text(encoding="utf-8"))


def state_of(fill, keys):
    return {
        entry["name"]: torch.from_numpy(np.array(fill.fill(entry["name"], entry["shape"], entry["dtype"])))
        for entry in keys["entries"]
    }


def model_of(name, *, num_classes=CLASSES, **changes):
    return create_model(
        name, num_classes=num_classes, clip=Clip(), network=Network(encoder_weights="none", **changes)
    ).eval()


@pytest.fixture(scope="module")
def state(shared, fill):
    return state_of(fill, keys_of(shared, "resnet34_vtn"))


def test_filled_values_are_those_of_the_reference(shared, state):
    for entry in keys_of(shared, "resnet34_vtn")["entries"]:
        found = hashlib.sha256(state[entry["name"]].numpy().tobytes()).hexdigest()
        assert found.startswith(entry["sha256"]), entry["name"]


@pytest.mark.parametrize(
    "name",
    ["resnet34_vtn", pytest.param("se-resnext101-32x4d_vtn", marks=pytest.mark.slow)],
)
def test_logits_are_those_of_the_reference(shared, fill, name):
    keys = keys_of(shared, name)
    golden = np.load(shared / "golden" / "models" / f"{name}.npz")
    model = model_of(name)
    load_reference(state_of(fill, keys), model)
    for kind, block in (("fine", 1), ("coarse", keys["coarse_block"])):
        clips = fill.clip(keys["seed"], keys["input_shape"], block)
        assert hashlib.sha256(clips.tobytes()).hexdigest() == str(golden[f"{kind}_input_sha256"])
        with torch.no_grad():
            found = model.forward_normalized(torch.from_numpy(clips)).numpy()
        expected = golden[f"{kind}_logits_f64"]
        error = np.abs(found - expected).max() / np.abs(expected).max()
        print(f"{name} {kind}: {error:.2e} of the largest logit")
        assert error < 2e-5


@pytest.mark.parametrize(
    ("keys", "model", "options"),
    [
        ("resnet34_vtn_no_layer_norm", "resnet34_vtn", {"layer_norm": False}),
        ("resnet34_vtn_101cls", "resnet34_vtn", {"num_classes": 101}),
        ("resnet50_vtn", "resnet50_vtn", {}),
    ],
)
def test_key_lists_convert_whole(shared, keys, model, options):
    state = {}
    for entry in keys_of(shared, keys)["entries"]:
        state[f"module.{entry['name']}"] = torch.zeros(entry["shape"], dtype=getattr(torch, entry["dtype"]))
    positions = "module.self_attention_decoder.position_encoding.enc.weight"
    from kinema.models.vtn import position_table

    state[positions] = position_table(*state[positions].shape)
    network = model_of(model, **options)
    network.load_state_dict(convert_reference_state_dict(state, network))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fc.bias": None}, r"1 missing: decoder.fc.bias"),
        ({"resnet.4.9.conv1.weight": (1,)}, r"1 left over: encoder.body.layer1.9.conv1.weight"),
        ({"motion_decoder.fc.bias": (1,)}, r"1 left over: motion_decoder.fc.bias"),
        ({"fc.weight": (101, 512)}, r"1 misshapen: decoder.fc.weight \(101, 512\) instead of \(400, 512\)"),
        ({LAYER + "slf_attn.w_ks": None}, r"1 missing: decoder.blocks.0.qkv.weight; 2 left over: .*w_qs, .*w_vs"),
        ({LAYER + "slf_attn.w_ks": (4, 512, 128)}, r"1 misshapen: .*w_ks \(4, 512, 128\) instead of \(8, 512, 64\)"),
        ({"self_attention_decoder.position_encoding.enc.weight": (16, 512)}, "not the sinusoid table"),
        ({"self_attention_decoder.position_encoding.enc.weight": None}, "enc.weight is missing"),
    ],
)
def test_what_does_not_fit_is_listed(state, change, message):
    model = model_of("resnet34_vtn")
    wrong = dict(state)
    for key, shape in change.items():
        wrong.pop(key, None)
        if shape:
            wrong[key] = torch.zeros(shape)
    with pytest.raises(ValueError, match=message):
        convert_reference_state_dict(wrong, model)


def test_a_training_checkpoint_of_the_reference_is_read(tmp_path, state):
    torch.save(
        {"epoch": 1, "state_dict": {f"module.{k}": v for k, v in state.items()}, "optimizer": {}}, tmp_path / "s"
    )
    model = model_of("resnet34_vtn")
    load_reference(tmp_path / "s", model)
    assert torch.equal(model.decoder.fc.weight, state["fc.weight"])
