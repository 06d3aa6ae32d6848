"""Published weights are an input of training: downloaded first, once, and by the workflow alone."""

import json
import os

import pytest
import timm
import torch
from loopback import COMMIT, DEAD, serving
from project import Project, executed
from safetensors.torch import load_file, save, save_file

from kinema.models.loading.checkpoint import load_checkpoint

pytestmark = pytest.mark.workflow

MODEL_NAME, REPOSITORY = "mobilenetv2_vtn", "timm/mobilenetv2_100.ra_in1k"
TARGET = f"results/tiny/{MODEL_NAME}/model.pth"
FILE = "weights/timm/mobilenetv2_100.safetensors"
TINY = "config/datasets/tiny.yaml"


def published(project: Project) -> Project:
    """Its encoders start from published weights, where there are any, and stay as they were loaded."""
    project.edit(TINY, "encoder_weights: none", "encoder_weights: auto")
    project.edit(TINY, "epochs: 1", "epochs: 1\n  encoder_lr_factor: 0")
    return project


def network(project: Project, endpoint: str) -> dict[str, str]:
    """The environment of a user whose hub this is, and whose caches are empty."""
    caches = {name: str(project.root / "caches" / name) for name in ("HF_HOME", "TORCH_HOME")}
    return {"HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", **caches}


def test_without_network_a_workflow_ends_before_extraction(project):
    published(project).edit(TINY, "short_side: 64", "short_side: 72")  # other frames
    offline = network(project, DEAD)
    assert project.planned(TARGET) >= {"weights", "plan", "shard", "train"}
    output = project.snakemake(TARGET, check=False, environment=offline)
    assert executed(output) == {"weights"}
    assert f"InputError: {FILE}: cannot get the published weights of 'mobilenetv2_100.ra_in1k' from {DEAD}" in output
    assert "Three ways out: start otherwise, network.encoder_weights: none" in output
    assert not [path for path in (project.root / "weights").rglob("*") if path.is_file()]


def test_weights_are_downloaded_once_and_other_ones_train_anew(project):
    published(project)
    torch.manual_seed(0)
    tensors = timm.create_model("mobilenetv2_100").state_dict()
    with serving() as hub:
        hub.files = {f"{REPOSITORY}/model.safetensors": save(tensors)}
        assert executed(project.snakemake(TARGET, environment=network(project, hub.address))) == {"weights", "train"}
    body = load_checkpoint(project.root / TARGET).model.encoder.body.state_dict()
    assert torch.equal(body["conv_stem.weight"], tensors["conv_stem.weight"])
    record = json.loads((project.root / TARGET).with_name("training.json").read_text())
    assert record["starts"] == {"network.encoder_weights": FILE}
    assert (record["published"]["revision"], record["published"]["license"]) == (COMMIT, "apache-2.0")

    # from here on without network, and without the user's caches
    offline = network(project, DEAD) | {"HF_HOME": str(project.root / "empty")}
    assert "Nothing to be done" in project.snakemake(TARGET, environment=offline)
    project.edit(TINY, "epochs: 1", "epochs: 1\n  seed: 7")
    project.edit("kinema/models/loading/download.py", "TIMEOUT_SECONDS = 20.0", "TIMEOUT_SECONDS = 21.0")
    assert executed(project.snakemake(TARGET, environment=offline)) == {"weights", "train"}
    assert f"{FILE}: kept, it is as it was downloaded" in (project.root / f"logs/{FILE}.log").read_text()
    path = project.root / FILE
    content = path.read_bytes()
    path.unlink()
    assert "Nothing to be done" in project.snakemake(TARGET, environment=offline)
    path.write_bytes(content)
    assert "Nothing to be done" in project.snakemake(TARGET, environment=offline)
    save_file({key: value + 1 for key, value in load_file(path).items()}, path)
    os.utime(path, ns=(10**18, 10**18))
    assert project.planned(TARGET) == {"train"}


def test_a_model_that_starts_otherwise_needs_no_weights(project):
    assert "weights" not in project.planned(f"results/tiny/{MODEL_NAME}/model.xml")
    published(project)
    assert "weights" not in project.planned("results/tiny/efficientnet_lite0_vtn/model.xml"), "they come with pip"
    assert "weights" in project.planned(f"results/tiny/{MODEL_NAME}/model.xml")
