"""The whole way on six tiny clips: every stage runs, and each of its outputs is real."""

import ast
import json

import numpy as np
import openvino as ov
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from project import MODEL, REPOSITORY, executed

from kinema.clips.dataset import ClipDataset
from kinema.clips.table import SCHEMA, ClipIndex
from kinema.evaluation.schema import PREDICTIONS
from kinema.inference.predictors.openvino import core
from kinema.models.loading.checkpoint import load_checkpoint
from kinema.records.reference import RECORDS

pytestmark = pytest.mark.workflow

STAGES = {
    *("annotations", "plan", "shard", "dataset_report", "index"),
    *("train", "evaluate", "export", "convert", "verify"),
}


def test_every_stage_runs_once_and_a_second_call_has_nothing_to_do(finished):
    assert executed(finished.first_run) == STAGES
    output = finished.snakemake(f"{MODEL}/model.xml")
    assert "Nothing to be done" in output
    assert "  accuracy  " not in output, "what came out was said by the run that made it"


def test_outputs_are_whole(finished, monkeypatch):
    monkeypatch.chdir(finished.root)
    report = json.loads((finished.root / "results/tiny/dataset_report.json").read_text())
    assert (report["listed"], report["ok"], report["missing"], report["failed"]) == (6, 6, 0, 0)
    clips = pq.read_table("results/tiny/clips.parquet")
    assert clips.schema.remove_metadata() == SCHEMA
    assert clips.to_pandas().groupby("subset")["clip"].count().to_dict() == {"training": 4, "validation": 4}
    record = json.loads((finished.root / MODEL / "evaluation.json").read_text())
    evaluation = record["subsets"]["validation"]
    assert (evaluation["num_videos"], evaluation["num_clips"], record["subset"]) == (2, 4, "validation")
    predictions = pq.read_table(f"{MODEL}/predictions.parquet")
    assert predictions.schema.remove_metadata() == PREDICTIONS
    assert np.mean(predictions["correct"].to_pylist()) == evaluation["video_top1"]
    assert len(pd.read_csv(f"{MODEL}/training.csv")) == 1
    assert (finished.root / MODEL / "labels.txt").read_text().splitlines() == ["grow", "shrink"]
    assert (finished.root / MODEL / "confusion.png").read_bytes().startswith(b"\x89PNG")
    verification = json.loads((finished.root / MODEL / "verification.json").read_text())
    assert verification["pytorch_video_top1"] == evaluation["video_top1"]
    assert not list((finished.root / "work").rglob("*.ckpt")), "resume state goes when the model is done"


def test_every_record_is_read_by_its_class(finished):
    folders = {"dataset_report.json": finished.root / "results/tiny"}
    # this project does without
    others = {"look_alikes.json", "weights.json", "quantization.json", "benchmark.json", "summary.json"}
    for name in RECORDS.keys() - others:
        path = folders.get(name, finished.root / MODEL) / name
        record = RECORDS[name].read(path)
        assert json.loads(path.read_text()).keys() == {"record", *vars(record)}


def test_the_ir_computes_what_the_checkpoint_computes(finished, monkeypatch):
    monkeypatch.chdir(finished.root)
    trained = load_checkpoint(f"{MODEL}/model.pth")
    clip = trained.model.clip
    index = ClipIndex.load(finished.root / "results/tiny/clips.parquet", subset="validation", clip=clip)
    batch = torch.stack([ClipDataset(index, clip=clip)[row]["clip"] for row in range(3)])
    compiled = core().compile_model(f"{MODEL}/model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    with torch.inference_mode():
        expected = trained.model(batch).numpy()
    found = compiled({"clips": batch.numpy()})[0]
    assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max()


def test_the_readme_shows_how_to_use_the_model(finished, tmp_path, monkeypatch, capsys):
    (tmp_path / "results").symlink_to(finished.root / "results")
    (tmp_path / "video.mp4").symlink_to(finished.videos()[0])
    monkeypatch.chdir(tmp_path)
    text = (REPOSITORY / "README.md").read_text().split("```python\n")[1].split("```")[0]
    exec(text.replace("results/demo/efficientnet_lite0_vtn", MODEL), {})
    classes = ast.literal_eval(capsys.readouterr().out)
    assert {label for label, _ in classes} == {"grow", "shrink"}
    assert sum(probability for _, probability in classes) == pytest.approx(1, abs=1e-4)


def test_the_ir_carries_labels_and_input_specification(finished):
    network = core().read_model(finished.root / MODEL / "model.xml")
    assert json.loads(network.get_rt_info(["kinema", "labels"]).astype(str)) == ["grow", "shrink"]
    spec = json.loads(network.get_rt_info(["kinema", "input_spec"]).astype(str))
    assert (spec["num_frames"], spec["stride"], spec["size"], spec["color_order"]) == (4, 2, 64, "RGB")
    assert network.inputs[0].get_element_type() == ov.Type.u8
    assert network.inputs[0].get_partial_shape().to_string() == "[?,4,3,64,64]"
