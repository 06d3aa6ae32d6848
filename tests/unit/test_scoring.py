"""Which models the targets of a command line want scored, and on which subsets."""

import json

import pytest

from kinema.experiment.config import Config
from kinema.experiment.scoring import scored_json

MODEL = "results/mine/efficientnet_lite0_vtn"
CONFIG = Config.model_validate(
    {
        "datasets": {"mine": {"annotations": {"path": "list.csv"}, "videos": "videos"}},
        "variants": {"tested": {"evaluation": {"subset": "testing"}}},
    }
)


@pytest.mark.parametrize(
    ("targets", "scored"),
    [
        ([], []),
        ([f"{MODEL}/model.pth", f"{MODEL}/training.json", "results/mine/clips.parquet", "all"], []),
        ([f"{MODEL}/model.onnx"], [["testing", "validation"]]),
        ([f"{MODEL}/model.xml"], [["testing", "validation"]]),
        ([f"{MODEL}/streaming/encoder.xml"], [["testing", "validation"]]),
        ([f"{MODEL}/modelapi/model.xml"], [["testing", "validation"]]),
        ([f"{MODEL}/int8/model.xml"], [["testing", "validation"]]),
        ([f"{MODEL}/int8/streaming/labels.txt"], [["testing", "validation"]]),
        ([f"{MODEL}/serving/efficientnet_lite0_vtn/1/model.bin"], [["testing", "validation"]]),
        ([f"{MODEL}/serving/other/1/model.bin"], []),
        ([f"{MODEL}/parity.json", f"{MODEL}/streaming/readme.txt"], []),
        ([f"./{MODEL}/verification.json", f"{MODEL}/evaluation.json"], [["testing", "validation"]]),
        ([f"{MODEL}@tested/predictions.parquet"], [["testing, labelled or not"]]),
        (
            [f"{MODEL}@tested/model.xml", f"{MODEL}/confusion.png"],
            [["testing", "validation"], ["testing, labelled or not"]],
        ),
        ([f"{MODEL}@tested/report/index.html", "results/mine/report/index.html"], [["testing, labelled or not"]]),
        ([f"{MODEL}/report/model_card.md"], [["testing", "validation"]]),
        (["results/other/efficientnet_lite0_vtn/model.xml"], []),
    ],
)
def test_targets_that_are_made_of_scores(targets, scored):
    assert json.loads(scored_json(CONFIG, targets, "mine")) == scored
