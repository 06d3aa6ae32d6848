"""A data set with pictures and optical flow, from the list to a verified two-stream model."""

import json

import pyarrow.parquet as pq
import pytest
from project import MODEL, NAME, executed

from kinema.inference.model import load
from kinema.inference.spec import CHANNELS

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
TWO = f"results/tiny/{NAME}_two_stream_flow"


def test_two_streams_of_pictures_and_flow(project):
    """The pictures that are there already are not touched; both streams are trained first, on the same data set."""
    refused = project.snakemake("-n", f"{TWO}/model.xml", check=False)
    assert "takes rgb+flow, the frames of 'tiny' are rgb (media.modality): choose a data set with" in refused
    pictures = project.root / "prepared/tiny/packed-64px-q4"
    before = {path: path.stat().st_mtime_ns for path in sorted((pictures / "shards").iterdir())}
    project.edit("config/datasets/tiny.yaml", "short_side: 64", "short_side: 64\n  modality: rgb+flow")
    output = project.snakemake(f"{TWO}/model.xml", f"{TWO}/report/index.html", "results/tiny/report/index.html")
    assert {"plan", "shard", "index", "train", "evaluate", "verify", "model_page"} <= executed(output)
    assert {path: path.stat().st_mtime_ns for path in sorted((pictures / "shards").iterdir())} == before
    assert (project.root / "prepared/tiny/packed-64px-q4-flow20/shards/0000.parquet").is_file()
    assert all((project.root / f"{MODEL}{ending}/model.pth").is_file() for ending in ("", "_flow"))
    rows = pq.read_table(project.root / "results/tiny/clips.parquet").to_pylist()
    assert all("flow20" in row["flow_shard"] and "flow20" not in row["shard"] for row in rows)
    verified = json.loads((project.root / TWO / "verification.json").read_text())
    assert verified["agreement"] == 1
    model = load(project.root / TWO / "model.xml")
    spec = model.description.spec
    assert (spec.modality, spec.color_order, len(spec.mean)) == ("rgb+flow", CHANNELS["rgb+flow"], 5)
    rows = pq.read_table(project.root / TWO / "predictions.parquet", columns=["path", "predicted", "confidence"])
    for row in rows.to_pylist():  # the client computes the flow of a video as the extraction does
        found = model.predict(project.root / row["path"])
        assert found.confidence == pytest.approx(row["confidence"], abs=0.02)
    with pytest.raises(ValueError, match=r"takes rgb\+flow, and optical flow is computed for whole videos alone"):
        model.timeline(project.root / rows["path"][0].as_py())
    assert "Nothing to be done" in project.snakemake(f"{TWO}/model.xml")
