"""Models that start from other models: one command makes them all, and a change re-runs those it concerns."""

import json
import shutil

import pandas as pd
import pytest
import torch
import yaml
from project import MODEL, NAME, TINY, Project, executed

from kinema.models.loading.checkpoint import load_checkpoint
from kinema.records.evaluation import Evaluation

pytestmark = pytest.mark.workflow

STUDENT, GIVEN, FUSED = f"{MODEL}@student", f"{MODEL}@given", f"{MODEL}_two_stream"
CONFIG = {
    "overrides": [{"dataset": "tiny", "model": NAME, "training": {"init_from": "wide"}}],
    "variants": {
        "student": {"training": {"teacher": NAME, "init_from": None}},
        "given": {"training": {"train": False, "init_from": None}, "network": {"weights": "given.pth"}},
    },
}
TARGETS = [f"{STUDENT}/model.pth", f"{FUSED}/evaluation.json", f"{GIVEN}/model.xml"]
OPTIONS = ["--configfile", "chain.yaml"]


@pytest.fixture(scope="module")
def chained(finished, tmp_path_factory) -> Project:
    """A project with a second data set, of three classes, that the first one's model starts from; do not change it."""
    root = tmp_path_factory.mktemp("chained") / "project"
    shutil.copytree(finished.root, root, copy_function=shutil.copy2)
    rows = (root / "data/tiny/list.csv").read_text() + (root / "data/tiny/more.csv").read_text()
    (root / "data/wide.csv").write_text(rows)
    wide = TINY | {"annotations": {"path": "data/wide.csv"}, "videos": "data", "num_shards": 2}
    (root / "config/datasets/wide.yaml").write_text(yaml.safe_dump(wide))
    (root / "chain.yaml").write_text(yaml.safe_dump(CONFIG))
    shutil.copy2(root / MODEL / "model.pth", root / "given.pth")
    project = Project(root)
    project.first_run = project.snakemake(*TARGETS, *OPTIONS, timeout=2400)
    return project


def log_of(project: Project, dataset: str, model: str) -> str:
    return (project.root / f"logs/{dataset}/{model}/train.log").read_text()


def trained(project: Project, *arguments: str) -> set[str]:
    """Data set and model of each training that a dry run would make."""
    lines = project.snakemake("-n", *arguments, *OPTIONS).splitlines()
    return {
        line.removeprefix("    output: ").split("/model.pth")[0].removeprefix("results/")
        for line in lines
        if line.startswith("    output: ") and "/model.pth" in line
    }


def test_one_command_makes_all_models(chained):
    assert f"results/wide/{NAME}/model.pth: 3 classes, here 2: the classifier" in log_of(chained, "tiny", NAME)
    assert f"learning from {MODEL}/model.pth" in log_of(chained, "tiny", f"{NAME}@student")
    assert "Nothing to be done" in chained.snakemake(*TARGETS, *OPTIONS)


def test_two_streams_are_the_mean_of_their_models(chained):
    fused, rgb, motion = (
        load_checkpoint(chained.root / f"{MODEL}{part}/model.pth") for part in ("_two_stream", "", "_rgbdiff")
    )
    clips = torch.randint(0, 255, (2, 4, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(fused.model(clips), (rgb.model(clips) + motion.model(clips)) / 2)
    assert Evaluation.read(chained.root / FUSED / "evaluation.json").scores.num_videos == 2


def test_a_given_model_is_scored_and_shipped_as_it_is(chained):
    given, made = (load_checkpoint(chained.root / path) for path in ("given.pth", f"{GIVEN}/model.pth"))
    assert all(torch.equal(value, made.model.state_dict()[key]) for key, value in given.model.state_dict().items())
    assert pd.read_csv(chained.root / GIVEN / "training.csv").empty
    verification = json.loads((chained.root / GIVEN / "verification.json").read_text())
    assert verification["pytorch_video_top1"] == verification["openvino_video_top1"]


def test_the_record_says_what_was_done(chained):
    record = json.loads((chained.root / MODEL / "training.json").read_text())
    assert record["starts"] == {"training.init_from": f"results/wide/{NAME}/model.pth"}
    assert record["settings"]["training"]["epochs"] == record["num_epochs"] == 1
    assert record["kept_epoch"]["epoch"] == 0
    (epoch,) = pd.read_csv(chained.root / MODEL / "training.csv").to_dict("records")
    assert record["kept_epoch"] == pytest.approx(epoch)
    assert record["versions"].keys() >= {"kinema", "torch", "lightning"}
    assert record["seconds"] > 0
    assert json.loads((chained.root / GIVEN / "training.json").read_text())["kept_epoch"] is None


@pytest.mark.parametrize(
    ("dataset", "stale"),
    [
        ("wide", {f"wide/{NAME}", f"tiny/{NAME}", f"tiny/{NAME}@student", f"tiny/{NAME}_two_stream"}),
        ("tiny", {f"tiny/{NAME}{part}" for part in ("", "@student", "_rgbdiff", "_two_stream", "@given")}),
    ],
)
def test_a_change_re_trains_the_models_behind_it(chained, tmp_path, dataset, stale):
    root = tmp_path / "project"
    shutil.copytree(chained.root, root, copy_function=shutil.copy2)
    project = Project(root)
    project.edit(f"config/datasets/{dataset}.yaml", "epochs: 1", "epochs: 1\n  lr: 0.5")
    assert trained(project, *TARGETS) == stale


def test_labels_of_a_given_model_must_be_those_of_the_data_set(chained, tmp_path):
    root = tmp_path / "project"
    shutil.copytree(chained.root, root, copy_function=shutil.copy2)
    shutil.copy2(root / f"results/wide/{NAME}/model.pth", root / "given.pth")
    output = Project(root).snakemake(f"{GIVEN}/model.pth", *OPTIONS, check=False)
    assert "given.pth: its 3 classes are not the 2 labels of the data set, in their order, for example open" in output
    assert executed(output) == {"train"}
