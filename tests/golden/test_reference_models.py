"""Weights and logits of the reference toolkit: our models must load every tensor and give the same numbers."""

import dataclasses
import hashlib
import importlib.util
import json
import logging
import re

import numpy as np
import pytest
import torch

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.clip_network import create_clip_encoder
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint
from kinema.models.loading.network_weights import load_weights
from kinema.models.loading.reference import recognise
from kinema.models.registry import create_model

pytestmark = pytest.mark.real

LAYER = "self_attention_decoder.layers.0."
# Key list -> the model it is recognised as.
PUBLISHED = {
    "inception_i3d": "inception_i3d",
    "mobilenetv2_vtn": "mobilenetv2_vtn",
    "resnet34_attn_lstm": "resnet34_attn_lstm",
    "resnet34_attn_single": "resnet34_attn_lstm",
    "resnet34_baseline": "resnet34_baseline",
    "resnet34_baseline_decoder": "resnet34_baseline",
    "resnet34_baseline_encoder": "resnet34_baseline",
    "resnet34_lstm": "resnet34_lstm",
    "resnet34_vtn": "resnet34_vtn",
    "resnet34_vtn_101cls": "resnet34_vtn",
    "resnet34_vtn_decoder": "resnet34_vtn",
    "resnet34_vtn_encoder": "resnet34_vtn",
    "resnet34_vtn_flow": "resnet34_vtn_flow",
    "resnet34_vtn_no_layer_norm": "resnet34_vtn",
    "resnet34_vtn_rgbdiff": "resnet34_vtn_rgbdiff",
    "resnet34_vtn_two_stream": "resnet34_vtn_two_stream",
    "resnet34_vtn_two_stream_flow": "resnet34_vtn_two_stream_flow",
    "resnet50_vtn": "resnet50_vtn",
    "rmnet_vtn": "rmnet_vtn",
    "se-resnext101-32x4d_vtn": "se_resnext101_32x4d_vtn",
    "se-resnext101-32x4d_vtn_rgbdiff": "se_resnext101_32x4d_vtn_rgbdiff",
}
WITH_LOGITS = ["resnet34_vtn", "mobilenetv2_vtn", "inception_i3d", "resnet34_lstm", "se-resnext101-32x4d_vtn"]
NEVER_PUBLISHED = ["densenet201", "r2+1d_18", "r2+1d_34", "r3d_18", "r3d_34"]


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


def loaded(state, **changes):
    published = recognise(state, where="test")
    network = Network(encoder_weights="none", **{**published.settings, **changes})
    model = create_model(published.model_name, num_classes=published.num_classes, clip=Clip(), network=network)
    load_weights(model, state)
    return model.eval()


@pytest.fixture(scope="module")
def state(shared, fill):
    return state_of(fill, keys_of(shared, "resnet34_vtn"))


def test_every_key_list_is_covered(shared):
    names = {path.name.removesuffix(".keys.json") for path in (shared / "golden/models").glob("*.keys.json")}
    assert names == {*PUBLISHED, *NEVER_PUBLISHED}


def test_filled_values_are_those_of_the_reference(shared, state):
    for entry in keys_of(shared, "resnet34_vtn")["entries"]:
        found = hashlib.sha256(state[entry["name"]].numpy().tobytes()).hexdigest()
        assert found.startswith(entry["sha256"]), entry["name"]


@pytest.mark.slow
@pytest.mark.parametrize("name", WITH_LOGITS)
def test_logits_are_those_of_the_reference(shared, fill, name):
    keys = keys_of(shared, name)
    golden = np.load(shared / "golden" / "models" / f"{name}.npz")
    model = loaded(state_of(fill, keys))
    for kind, block in (("fine", 1), ("coarse", keys["coarse_block"])):
        clips = fill.clip(keys["seed"], keys["input_shape"], block)
        assert hashlib.sha256(clips.tobytes()).hexdigest() == str(golden[f"{kind}_input_sha256"])
        with torch.no_grad():
            found = model.forward_normalized(torch.from_numpy(clips)).numpy()
        expected = golden[f"{kind}_logits_f64"]
        error = np.abs(found - expected).max() / np.abs(expected).max()
        print(f"{name} {kind}: {error:.2e} of the largest logit")
        assert error < 2e-5


def output_of(model, name, keys, fill, block):
    """What the reference's model of this key list gives, computed by ours."""
    kind, shape, seed = keys["input_kind"], keys["input_shape"], keys["seed"]
    if kind == "rgb+flow":
        both = [torch.from_numpy(fill.clip(seed + i, part, block)) for i, part in enumerate(shape)]
        return model.forward_normalized(torch.cat(both, 2))
    given = torch.from_numpy(fill.clip(seed, shape, block))
    if kind == "frames":
        return model.decoder.embed(model.encoder(given))
    if kind in ("embeddings", "frame_logits"):
        return model.decoder(given)
    if "attn" not in name:
        return model.forward_normalized(given)
    steps = []  # the reference keeps the steps; where it takes a mean, it is over the wrong axis
    hook = model.decoder.fc.register_forward_hook(lambda module, inputs, logits: steps.append(logits))
    model.forward_normalized(given)
    hook.remove()
    return steps[0].mean(0) if kind == "rgb" else steps[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PUBLISHED if name not in WITH_LOGITS])
def test_outputs_have_the_spread_and_the_peak_that_the_reference_noted(shared, fill, name):
    keys = keys_of(shared, name)
    model = loaded(state_of(fill, keys))
    with torch.no_grad():
        found = output_of(model, name, keys, fill, block=1).double()
    noted = keys["runs"]["fine"]
    assert list(found.flatten(2).squeeze().shape if found.ndim > 3 else found.shape) == [
        side for number, side in enumerate(noted["shape"]) if side > 1 or number < 2
    ]
    assert float(found.std()) == pytest.approx(noted["std"], rel=1e-5)
    assert float(found.abs().max()) == pytest.approx(noted["absmax"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "model"), PUBLISHED.items())
def test_every_tensor_of_every_family_is_loaded(shared, name, model):
    keys = keys_of(shared, name)
    state = {
        f"module.{entry['name']}": torch.full(entry["shape"], 0.5).to(getattr(torch, entry["dtype"]))
        for entry in keys["entries"]
    }
    from kinema.models.positions import position_table

    for key in state:
        if key.endswith("position_encoding.enc.weight"):
            state[key] = position_table(*state[key].shape)
    state = {key.removeprefix("module."): value for key, value in state.items()}
    published = recognise(state, where=name)
    assert (published.model_name, published.num_classes) == (model, keys["entries"][-1]["shape"][0])
    assert published.num_frames == (16 if "vtn" in name else None)
    ours = loaded(state).state_dict()
    assert all((value == 0.5).all() for value in ours.values() if value.is_floating_point())
    positions = sum(value.numel() for key, value in state.items() if "position_encoding" in key)
    parameters = sum(value.numel() for value in loaded(state).parameters())
    assert parameters == keys["parameters"] - positions  # the table is computed here


@pytest.mark.parametrize(("keys", "name"), [("densenet201", "densenet201_3d"), ("r3d_34", "r3d_34")])
def test_clip_networks_have_the_layers_of_the_reference(shared, keys, name):
    """DenseNet's names and shapes; shapes alone of R3D, whose names are torchvision's here."""
    entries = {e["name"]: tuple(e["shape"]) for e in keys_of(shared, keys)["entries"]}
    theirs = {
        re.sub(r"\.(norm|conv)\.([12])\.", r".\1\2.", key): shape
        for key, shape in entries.items()
        if key.split(".")[0] not in ("classifier", "fc")
    }
    ours = {key: tuple(value.shape) for key, value in create_clip_encoder(name, "none").body.state_dict().items()}
    assert (ours == theirs) if name == "densenet201_3d" else (sorted(ours.values()) == sorted(theirs.values()))


@pytest.mark.parametrize("name", NEVER_PUBLISHED)
def test_what_was_never_published_is_not_guessed(shared, name):
    state = {entry["name"]: torch.zeros(entry["shape"]) for entry in keys_of(shared, name)["entries"]}
    with pytest.raises(ValueError, match="are of no family that the reference published; expected a VTN"):
        recognise(state, where=name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fc.bias": None}, r"1 missing: decoder.fc.bias"),
        ({"resnet.4.9.conv1.weight": (1,)}, r"1 left over: encoder.body.layer1.9.conv1.weight"),
        ({"resnet.3.weight": (1,)}, r"1 left over: resnet.3.weight"),
        ({"motion_decoder.fc.bias": (1,)}, r"1 left over: motion_decoder.fc.bias"),
        ({"resnet1.0.weight": (64, 3, 7, 7)}, r"1 left over: resnet1.0.weight"),
        ({"resnet.0.weight": (64, 3, 3, 3)}, r"1 misshapen: encoder.body.conv1.weight \(64, 3, 3, 3\) instead of"),
        ({LAYER + "slf_attn.w_ks": None}, r"1 missing: decoder.blocks.0.qkv.weight; 2 left over: .*w_qs, .*w_vs"),
        ({LAYER + "slf_attn.w_ks": (4, 512, 128)}, r"1 misshapen: .*w_ks \(4, 512, 128\) instead of \(8, 512, 64\)"),
        ({"self_attention_decoder.position_encoding.enc.weight": (16, 512)}, "not the sinusoid table"),
        ({"self_attention_decoder.position_encoding.enc.weight": None}, "enc.weight is missing"),
    ],
)
def test_what_does_not_fit_is_listed(state, change, message):
    model = create_model("resnet34_vtn", num_classes=400, clip=Clip(), network=Network(encoder_weights="none"))
    wrong = dict(state)
    for key, shape in change.items():
        wrong.pop(key, None)
        if shape:
            wrong[key] = torch.zeros(shape)
    before = model.decoder.fc.weight.clone()
    with pytest.raises(ValueError, match=message):
        load_weights(model, wrong)
    assert torch.equal(model.decoder.fc.weight, before)


def test_another_model_or_another_network_is_refused(state):
    settings = {"num_classes": 400, "clip": Clip()}
    other = create_model("resnet34_vtn_rgbdiff", network=Network(encoder_weights="none"), **settings)
    with pytest.raises(ValueError, match=r"weights of 'resnet34_vtn', the model is 'resnet34_vtn_rgbdiff'"):
        load_weights(other, state)
    plain = create_model("resnet34_vtn", network=Network(encoder_weights="none", layer_norm=False), **settings)
    with pytest.raises(ValueError, match=r"network has layer_norm: true; the configured one layer_norm: false"):
        load_weights(plain, state)


def test_network_weights_start_a_model_of_other_classes(tmp_path, state, caplog):
    path = tmp_path / "save_10.pth"
    torch.save({"epoch": 1, "state_dict": {f"module.{k}": v for k, v in state.items()}, "optimizer": {}}, path)
    with caplog.at_level(logging.WARNING):
        model = create_model("resnet34_vtn", num_classes=7, clip=Clip(), network=Network(weights=str(path)))
    assert "400 classes, here 7: the classifier (decoder.fc.bias, decoder.fc.weight) starts anew" in caplog.text
    assert torch.equal(model.encoder.body.conv1.weight, state["resnet.0.weight"])
    assert torch.equal(model.decoder.blocks[3].expand.bias, state["self_attention_decoder.layers.3.pos_ffn.w_1.bias"])
    assert not torch.equal(model.decoder.fc.weight, state["fc.weight"][:7])
    # and so does a checkpoint of ours, which is normalised as it was trained
    ours = tmp_path / "model.pth"
    model.set_spec(dataclasses.replace(model.spec, mean=(0.1, 0.1, 0.1), std=(0.3, 0.3, 0.3)))
    save_checkpoint(ours, model, labels=list("abcdefg"), settings={})
    tuned = create_model("resnet34_vtn", num_classes=3, clip=Clip(), network=Network(weights=str(ours)))
    assert torch.equal(tuned.encoder.body.conv1.weight, state["resnet.0.weight"])
    assert tuned.spec.mean == (0.1, 0.1, 0.1)
    assert tuned.pixel_mean.flatten().tolist() == pytest.approx([25.5] * 3)
    path.unlink()  # the file is not needed once its weights are inside
    assert torch.equal(load_checkpoint(ours).model.decoder.fc.weight, model.decoder.fc.weight)


def test_published_se_resnext_models_take_plain_pixels(shared, fill):
    model = loaded(state_of(fill, keys_of(shared, "se-resnext101-32x4d_vtn")))
    assert (model.spec.mean, model.spec.std) == ((0, 0, 0), (1, 1, 1))
    assert model.normalized(torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)).unique().tolist() == [1.0]
