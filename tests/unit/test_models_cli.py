"""`kinema models` and `kinema import-checkpoint`, and the figures behind the table."""

import json
import re

import pytest
import torch

from kinema.cli import main
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.models.loading.importing import read_labels
from kinema.models.names import DECODERS, EXPORT_OBSTACLES, INSEPARABLE
from kinema.models.registry import create_model
from kinema.models.summary import known_models, summarise

# Published: millions of parameters, billions of multiply-adds of a clip of 16 x 224 x 224, for 400 classes. VTNs whose
# encoder is not 512 wide reduce it behind the mean of the map instead of before, which saves this much of the latter.
PUBLISHED = {
    "resnet34_vtn": (28.85, 58.73, 0),
    "mobilenetv2_vtn": (10.45, 5.43, 16 * 48 * 1280 * 512 / 1e9),
    "se-resnext101-32x4d_vtn": (55.52, 128.5, 16 * 48 * 2048 * 512 / 1e9),
    "inception_i3d": (12.70, 27.79, 0),
    "r3d_18": (33.37, 162.8, 0),
    "resnet50_vtn": (32.12, 66.3, 16 * 48 * 2048 * 512 / 1e9),
    "resnet34_vtn_rgbdiff": (28.85, 55.06, 0),
    "resnet34_vtn_two_stream_flow": (57.70, 116.84, 0),
    "resnet34_lstm": (25.90, 58.69, 0),
    "resnet34_attn_lstm": (23.62, 58.65, 0),
    "densenet201_3d": (26.14, 45.09, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "published"), PUBLISHED.items())
def test_parameters_and_multiply_adds_are_the_published_ones(name, published):
    parameters, gmacs, saved = published
    found = summarise(name, num_classes=400, clip=Clip(), network=Network())
    assert found.parameters / 1e6 == pytest.approx(parameters, rel=2e-3)
    assert found.gmacs == pytest.approx(gmacs - saved, rel=2e-3)


def test_the_table_tells_what_can_be_split_and_exported(capsys, monkeypatch):
    monkeypatch.setitem(EXPORT_OBSTACLES, "mvit_v2_s", "for a reason")
    assert main(["models", "resnet18_vtn_flow", "mvit_v2_s", "--frames", "4", "--size", "64", "--classes", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["model", "input", "M", "parameters", "GMACs", "separable", "exportable"]
    assert re.fullmatch(r"resnet18_vtn_flow +flow +18\.\d\d +0\.\d\d +yes +yes", lines[1])
    assert re.fullmatch(r"mvit_v2_s +rgb +34\.\d\d +\d\.\d\d +no +no", lines[2])
    assert lines[-1].startswith("mvit_v2_s cannot be exported: for a reason")
    assert len(known_models()) == len(set(known_models())) > 40


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_is_counted(decoder):
    found = summarise(f"resnet18_{decoder}", num_classes=5, clip=Clip(length=4, size=64), network=Network())
    assert found.parameters > 11e6
    assert found.gmacs > 4 * 0.14
    assert found.separable == (decoder not in INSEPARABLE)


def test_what_stands_in_files_cannot_be_counted_by_a_name(capsys):
    assert main(["models", "vjepa2_attn_pool"]) == 2
    said = capsys.readouterr().err
    assert "model 'vjepa2_attn_pool': what it is stands in the files that network.encoder_weights names" in said
    assert said.count("\n") == 1


def test_an_unknown_model_is_one_line(capsys):
    assert main(["models", "resnet43_vtn"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("kinema: model 'resnet43_vtn': unknown encoder 'resnet43'; did you mean")
    assert error.count("\n") == 1


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A file as the reference wrote it: a ResNet-18 baseline of three classes."""
    model = create_model("resnet18_baseline", num_classes=3, clip=Clip(), network=Network(encoder_weights="none"))
    children = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
    state = {}
    for key, value in model.state_dict().items():
        child, _, rest = key.removeprefix("encoder.body.").partition(".")
        name = f"resnet.{children[child]}.{rest}" if child in children else key.removeprefix("decoder.")
        state[f"module.{name}"] = value
    path = tmp_path_factory.mktemp("published") / "save_200.pth"
    torch.save({"epoch": 200, "state_dict": state, "optimizer": {}}, path)
    return path, model.eval()


def test_a_published_file_becomes_a_model_that_gives_the_same_logits(published, tmp_path, capsys):
    path, model = published
    labels, out = tmp_path / "labels.txt", tmp_path / "model.pth"
    labels.write_text("run\nwalk\nsit down\n")
    command = ["import-checkpoint", str(path), "--out", str(out), "--labels", str(labels), "--size", "64"]
    assert main([*command, "--std", "1", "1", "1", "--model", "resnet18-baseline"]) == 0
    assert capsys.readouterr().out == f"{out}: resnet18_baseline, 3 classes, 16 frames, from {path}\n"
    loaded = load_checkpoint(out)
    assert loaded.labels == ["run", "walk", "sit down"]
    assert (loaded.model.clip.size, loaded.model.spec.std, loaded.model.spec.mean[0]) == (64, (1, 1, 1), 0.485)
    assert loaded.settings["imported_from"] == "save_200.pth"
    clips = torch.rand(1, 2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.model.forward_normalized(clips), model.forward_normalized(clips))


def test_without_labels_classes_are_numbers_and_the_file_is_named_after_the_model(published, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["import-checkpoint", str(published[0])]) == 0
    assert load_checkpoint("resnet18_baseline.pth").labels == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "resnet18_vtn"], "its keys are of 'resnet18_baseline', not of 'resnet18_vtn'"),
        (["--mean", "103"], "mean is .*expected 3 numbers between 0 and 1"),
        (["--labels", "empty.txt"], "empty.txt: expected one label a line"),
    ],
)
def test_what_is_asked_for_wrongly_is_one_line(published, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("a\n\nb\n")
    assert main(["import-checkpoint", str(published[0]), *arguments]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.pth"))


def test_a_model_of_ours_is_not_imported_twice(published, tmp_path, capsys):
    out = tmp_path / "model.pth"
    assert main(["import-checkpoint", str(published[0]), "--out", str(out)]) == 0
    assert main(["import-checkpoint", str(out)]) == 2
    assert "it is a model.pth of kinema already" in capsys.readouterr().err


def test_labels_come_from_an_annotation_too(tmp_path):
    path = tmp_path / "annotation.json"
    path.write_text(json.dumps({"labels": ["b", "a"], "database": {}}))
    assert read_labels(path) == ["b", "a"]
