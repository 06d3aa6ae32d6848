"""Training from other models: what is taken over, and what is refused before the first step."""

import json
import runpy
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import training_runs
from corpus import CLIP, build

from kinema.clips.table import ClipIndex
from kinema.evaluation.evaluate import EvaluationFiles, evaluate
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Media
from kinema.experiment.model_sections import Network, Training
from kinema.media.plan import manifest_path
from kinema.media.shard import write_shard
from kinema.models.loading.checkpoint import load_checkpoint, save_checkpoint
from kinema.models.loading.network_weights import load_streams
from kinema.models.registry import create_model
from kinema.records.evaluation import Evaluation
from kinema.training.data import training_loader

NETWORK = Network(encoder_weights="none", embedding=32, num_blocks=1, num_heads=2, feedforward=32)
NAME = "test_efficientnet_vtn"


@pytest.fixture(scope="module")
def labels(prepared) -> list[str]:
    return ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP).labels


def saved(path, name, labels, *, seed=0, network=NETWORK):
    """A model.pth of random weights, and the model in it."""
    torch.manual_seed(seed)
    model = create_model(name, num_classes=len(labels), clip=CLIP, network=network)
    save_checkpoint(path, model, labels=labels, settings={})
    return load_checkpoint(path).model


def run_training(prepared, folder, starts, *, model=NAME, network=NETWORK, **recipe):
    training = Training(**{"epochs": 1, "batch_size": 2, "num_workers": 0} | recipe)
    settings = Settings(clip=CLIP, network=network, training=training)
    starts = {key: str(file) for key, file in starts.items()}
    return training_runs.run_training(prepared, folder, settings, model, starts)[0].model


def test_what_a_start_was_trained_on_is_compared(prepared, tmp_path, labels, caplog):
    saved(tmp_path / "given.pth", NAME, labels)
    longer = CLIP.model_copy(update={"length": 6})
    weights = NETWORK.model_copy(update={"weights": str(tmp_path / "given.pth")})
    create_model(NAME, num_classes=len(labels), clip=longer, network=weights)
    assert "given.pth: trained on clips of 4 frames, stride 2, 48 px, here they have 6 frames" in caplog.text
    saved(tmp_path / "motion.pth", f"{NAME}_rgbdiff", labels)
    fused = create_model(f"{NAME}_two_stream", num_classes=len(labels), clip=longer, network=NETWORK)
    with pytest.raises(ValueError, match=r"given\.pth: trained on clips of 4 frames.* 'test.*' has 6 .*set the same"):
        load_streams(fused, {"rgb": tmp_path / "given.pth", "motion": tmp_path / "motion.pth"})


def assert_same_weights(one, other):
    for key, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[key], rtol=0, atol=0, msg=key)


def test_a_given_model_is_not_changed(prepared, tmp_path, labels):
    given = saved(tmp_path / "given.pth", NAME, labels)
    weights = NETWORK.model_copy(update={"weights": str(tmp_path / "given.pth")})
    starts = {"network.weights": tmp_path / "given.pth"}
    assert_same_weights(run_training(prepared, tmp_path, starts, network=weights, train=False), given)
    assert pd.read_csv(tmp_path / "training.csv").empty
    assert json.loads((tmp_path / "training.json").read_text())["kept_epoch"] is None


def test_fine_tuning_starts_from_the_weights(prepared, tmp_path, labels):
    saved(tmp_path / "wide.pth", NAME, ["x", "y"])
    start = load_checkpoint(tmp_path / "wide.pth").model
    tuned = run_training(
        prepared, tmp_path, {"training.init_from": tmp_path / "wide.pth"}, encoder_lr_factor=0.0, lr=1e-9
    )
    assert_same_weights(tuned.encoder, start.encoder)
    torch.testing.assert_close(tuned.decoder.blocks.state_dict(), start.decoder.blocks.state_dict(), rtol=0, atol=1e-6)
    assert tuned.num_classes == len(labels)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("key", ["training.init_from", "network.weights"])
def test_a_checkpoint_of_the_reference_is_trained_on(prepared, tmp_path, shared, labels, key):
    """As its --resume-path did: the weights; its optimizer was not restored."""
    fill = runpy.run_path(str(shared / "golden/fill.py"))["fill"]
    entries = json.loads((shared / "golden/models/mobilenetv2_vtn.keys.json").read_text())["entries"]
    filled = {entry["name"]: np.array(fill(entry["name"], entry["shape"], entry["dtype"])) for entry in entries}
    state = {f"module.{name}": torch.from_numpy(values) for name, values in filled.items()}
    path = tmp_path / "save_100.pth"
    torch.save({"epoch": 100, "state_dict": state, "optimizer": {"state": {}, "param_groups": []}}, path)
    network = Network(weights=str(path) if key == "network.weights" else None, encoder_weights="none")
    tuned = run_training(
        prepared, tmp_path, {key: path}, model="mobilenetv2_vtn", network=network, lr=1e-9, freeze_batch_norm=True
    )
    assert tuned.num_classes == len(labels)
    (found,) = (value for name, value in tuned.state_dict().items() if name.endswith("conv_stem.weight"))
    torch.testing.assert_close(found, state["module.resnet.0.0.weight"], rtol=0, atol=1e-6)
    assert pd.read_csv(tmp_path / "training.csv").epoch.tolist() == [0]


@pytest.mark.slow
@pytest.mark.parametrize("joint", [False, True])
def test_two_streams(prepared, tmp_path, labels, joint):
    parts = {
        stream: saved(tmp_path / f"{stream}.pth", name, labels, seed=seed)
        for seed, (stream, name) in enumerate({"rgb": NAME, "motion": f"{NAME}_rgbdiff"}.items())
    }
    starts = {stream: tmp_path / f"{stream}.pth" for stream in parts}
    fused = run_training(prepared, tmp_path, starts, model=f"{NAME}_two_stream", joint=joint)
    clips = torch.randint(0, 255, (2, 4, 3, 48, 48), dtype=torch.uint8)
    with torch.inference_mode():
        mean = (parts["rgb"](clips) + parts["motion"](clips)) / 2
        assert torch.allclose(fused(clips), mean, atol=1e-5) is not joint
    assert len(pd.read_csv(tmp_path / "training.csv")) == joint


@pytest.mark.slow
def test_a_student_learns_from_its_teacher(prepared, tmp_path, labels):
    saved(tmp_path / "teacher.pth", f"{NAME}_rgbdiff", labels)
    taught = run_training(prepared, tmp_path / "a", {"training.teacher": tmp_path / "teacher.pth"})
    alone = run_training(prepared, tmp_path / "b", {})
    assert not torch.equal(taught.decoder.fc.weight, alone.decoder.fc.weight)
    record = json.loads((tmp_path / "a/training.json").read_text())
    assert record["starts"] == {"training.teacher": str(tmp_path / "teacher.pth")}


@pytest.mark.parametrize(
    ("key", "options", "message"),
    [
        ("training.teacher", {}, r"its 2 classes are not the 6 labels .* for example close, grow"),
        ("training.init_from", {"train": False}, r"file\.pth: its 2 classes are not the 6 labels"),
        (
            "training.init_from",
            {"network": NETWORK.model_copy(update={"num_blocks": 2})},
            "num_blocks: 1; the configured",
        ),
    ],
)
def test_what_does_not_fit_is_refused(prepared, tmp_path, key, options, message):
    saved(tmp_path / "file.pth", NAME, ["x", "y"])
    with pytest.raises(ValueError, match=message):
        run_training(prepared, tmp_path, {key: tmp_path / "file.pth"}, **options)


@pytest.mark.slow
def test_a_flow_model_is_trained_and_scored_on_flow(prepared, tmp_path):
    for shard in ("0000", "0001"):
        manifest, table = manifest_path(prepared / "plan.json", shard), tmp_path / f"{shard}.parquet"
        write_shard(manifest, table_path=table, media=Media(short_side=64, modality="flow"), ffmpeg=None, workers=1)
    shutil.copy(prepared / "annotation.json", tmp_path)
    build(tmp_path, allowed=0.2)
    assert run_training(tmp_path, tmp_path, {}, model=f"{NAME}_flow").spec.modality == "flow"
    evaluate(
        checkpoint_path=tmp_path / "model.pth",
        clips_path=tmp_path / "clips.parquet",
        settings=Settings(),
        threads=1,
        out=EvaluationFiles.inside(tmp_path),
    )
    assert Evaluation.read(tmp_path / "evaluation.json").scores.num_videos == 6


def test_frames_of_another_kind_are_refused(prepared):
    with pytest.raises(
        ValueError, match=r"0\d+\.parquet: its frames are rgb, the model takes flow; choose a model for rgb"
    ):
        training_loader(prepared / "clips.parquet", Settings(clip=CLIP), modality="flow")
