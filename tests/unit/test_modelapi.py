"""The variant for OpenVINO Model API: the form that its class expects, and that class in an environment of its own."""

import json
import re
import subprocess
import venv
from pathlib import Path

import numpy as np
import pytest

from kinema.deployment.parity_sample import parity_clips
from kinema.inference import load
from kinema.inference.predictors.openvino import compiled_network, core
from kinema.inference.probabilities import softmax
from kinema.models.loading.checkpoint import load_checkpoint

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs/exported-files.md"


@pytest.fixture(scope="module")
def clips(streamed):
    """R, G, B pictures, uint8 (N, T, H, W, C), and what the whole network says of them."""
    given = parity_clips(streamed.clips_path, load_checkpoint(streamed.root / "model.pth").model, count=3)
    model = load(streamed.root / "model.xml", precision="f32")
    temperature = model.description.temperature or 1.0
    return np.ascontiguousarray(given.transpose(0, 1, 3, 4, 2)), softmax(model.network(given), temperature=temperature)


def test_it_has_six_dimensions_and_gives_probabilities(streamed, clips):
    network = core().read_model(streamed.root / "modelapi/model.xml")
    assert network.input(0).partial_shape.to_string() == "[?,1,4,48,48,3]"
    compiled = compiled_network(network, precision="f32")
    for clip, expected in zip(*clips, strict=True):
        (found,) = compiled([clip[None, None]])[0]
        assert found.tolist() == pytest.approx(expected, abs=1e-5)
    assert streamed.read("modelapi/verification.json")["parity"]["of_largest"] < 1e-4


def test_it_says_what_model_api_asks_for(streamed):
    network = core().read_model(streamed.root / "modelapi/model.xml")
    about = {key: network.get_rt_info(["model_info", key]).astype(str) for key in ("model_type", "labels")}
    assert about == {"model_type": "Action Classification", "labels": "close grow merge open shrink split"}
    assert json.loads(network.get_rt_info(["kinema", "labels"]).astype(str))[0] == "close"


PROGRAM = """
import json, sys
import numpy as np
from model_api.models import ActionClassificationModel

model = ActionClassificationModel.create_model(sys.argv[1])
found = [model(clip).top_labels[0] for clip in np.load(sys.argv[2])]
print(json.dumps([[label.id, label.name, float(label.confidence)] for label in found]))
"""


@pytest.mark.slow
def test_model_api_loads_it_as_it_is(streamed, clips, tmp_path):
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env/bin/python"
    pins = [line for line in (REPOSITORY / "constraints.txt").read_text().splitlines() if line.startswith("openvino==")]
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "openvino-model-api==0.4.7", *pins)
    np.save(tmp_path / "clips.npy", clips[0])
    output = run(python, "-c", PROGRAM, streamed.root / "modelapi/model.xml", tmp_path / "clips.npy")
    labels = ["close", "grow", "merge", "open", "shrink", "split"]
    for (number, name, confidence), expected in zip(json.loads(output), clips[1], strict=True):
        assert name == labels[number]
        assert confidence == pytest.approx(expected[number], abs=0.02), "at the device's own precision"
        assert expected[number] > expected.max() - 0.02
    (code,) = re.findall(r"```python\n(from model_api.*?)```", PAGE.read_text(), re.DOTALL)
    given = f"import numpy\nframes = numpy.load({str(tmp_path / 'clips.npy')!r})[0]\n"
    number, name, _ = json.loads(output)[0]
    assert run(python, "-c", given + code, folder=streamed.root).startswith(f"{number} ({name}): ")


def run(*command, folder=None) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
