"""From a list to a verified model.xml: clip networks of transformers, fine-tuned and as a frozen probe."""

import json

import pytest
import torch
from hub_folders import save_videomae, save_vjepa2
from project import Project, executed
from safetensors.torch import load_file

from kinema.models.loading.checkpoint import load_checkpoint

pytestmark = pytest.mark.workflow

TINY = "config/datasets/tiny.yaml"
TUNED, PROBE = "videomae@tuned", "vjepa2_attn_pool@probe"
VARIANTS = {
    "of_hub": {"network": {"encoder_weights": "hf:some-one/VideoMAE.2"}},
    "tuned": {"network": {"encoder_weights": "hf:models/videomae"}, "training": {"layer_decay": 0.75}},
    "probe": {"network": {"encoder_weights": "hf:models/vjepa2"}, "training": {"encoder_lr_factor": 0}},
}


def test_networks_of_transformers_are_trained_exported_and_verified(project: Project):
    save_videomae(project.root / "models/videomae", image_size=64)
    save_vjepa2(project.root / "models/vjepa2")
    variants = "".join(f"\n  {name}: {json.dumps(settings)}" for name, settings in VARIANTS.items())
    project.edit("config/config.yaml", "\nvariants:", f"\nvariants:{variants}")
    assert "weights" in project.planned("results/tiny/videomae@of_hub/model.xml"), "what the hub has is brought first"
    targets = [f"results/tiny/{name}/model.xml" for name in (TUNED, PROBE)]
    made = executed(project.snakemake(*targets))
    assert made == {"train", "evaluate", "export", "convert", "verify"}

    folder = project.root / "results/tiny"
    probe = load_checkpoint(folder / PROBE / "model.pth").model.encoder.body.network.state_dict()
    published = load_file(project.root / "models/vjepa2/model.safetensors")
    assert all(torch.equal(value, published[f"encoder.{key}"]) for key, value in probe.items())
    tuned = load_checkpoint(folder / TUNED / "model.pth").model.encoder.body.network.state_dict()
    published = load_file(project.root / "models/videomae/model.safetensors")
    assert not any(torch.equal(value, published[f"videomae.{key}"]) for key, value in tuned.items() if value.ndim > 1)
    record = json.loads((folder / TUNED / "training.json").read_text())
    assert record["starts"]["network.encoder_weights"] == "models/videomae/model.safetensors"
    assert "transformers" in record["versions"]
    parity = json.loads((folder / PROBE / "parity.json").read_text())
    assert max(parity[leg]["of_largest"] for leg in ("onnx", "openvino")) < 1e-4

    assert "Nothing to be done" in project.snakemake("-n", *targets)
    weights = project.root / "models/vjepa2/video_preprocessor_config.json"
    weights.write_text(weights.read_text().replace("0.5", "0.45"))
    assert project.planned(*targets) == {"train", "evaluate", "export", "convert", "verify"}
