"""INT8 models are made on demand; where no recipe passes, the run fails with one line and the record stays."""

import json

import pytest
from project import MODEL, executed

from kinema.inference import load

pytestmark = [pytest.mark.workflow, pytest.mark.slow]
TINY, TARGET, RECORD = "config/datasets/tiny.yaml", f"{MODEL}/int8/model.xml", f"{MODEL}/int8/quantization.json"


def test_an_int8_model_is_made_or_one_line_says_why_there_is_none(project):
    shipped = (project.root / MODEL / "model.xml").read_bytes()
    wanting = "deployment: {int8: {recipes: [float_recurrent]}}\n"
    project.edit(TINY, "evaluation:" if False else "num_shards: 8", f"{wanting}num_shards: 8")
    output = project.snakemake(TARGET, check=False)
    line = f"{MODEL}/int8: no INT8 model: none of the recipes float_recurrent is for this network; {RECORD} says more"
    assert f"InputError: {line}" in output
    assert executed(output) == {"int8"}
    assert json.loads((project.root / RECORD).read_text())["recipes"][0]["outcome"] == "unfit"
    assert not (project.root / TARGET).exists()
    assert (project.root / MODEL / "model.xml").read_bytes() == shipped
