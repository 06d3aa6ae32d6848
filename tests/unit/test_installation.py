"""`pip install .` alone: a wheel in a new environment without the training stack says what a video shows."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from kinema.inference import load

REPOSITORY = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def run(*command: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it would find these sources
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, env=own)
    assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
    return done


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    """The folder of programs of an environment with the wheel and what it brings."""
    root = tmp_path_factory.mktemp("client")
    # a build leaves folders beside its sources
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, root)
    shutil.copytree(REPOSITORY / "kinema", root / "kinema", ignore=shutil.ignore_patterns("__pycache__"))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", root / "wheels", root)
    (wheel,) = (root / "wheels").glob("kinema-*.whl")
    venv.create(root / "env", with_pip=True)
    programs = root / "env/bin"
    pip = (programs / "python", "-m", "pip", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--constraint", REPOSITORY / "constraints.txt", wheel)
    return programs


def test_an_installation_of_the_client_predicts_without_pytorch(client, shipped, prepared):
    listed = run(client / "python", "-m", "pip", "list", "--format", "freeze").stdout.lower().split()
    names = {line.split("==")[0] for line in listed}
    assert {"kinema", "openvino"} <= names
    assert not {"torch", "pydantic", "pyarrow", "pandas", "snakemake"} & names
    video = next((prepared / "videos").rglob("*.mp4"))
    found = run(client / "kinema", "predict", video, "--model", shipped.root / "model.xml", "--top", "1").stdout
    ((label, probability),) = load(shipped.root / "model.xml").predict(video).top(1)
    assert found == f"{video}\t{probability:.4f}\t{label}\n"


def test_it_says_what_the_other_commands_need(client):
    done = run(client / "kinema", "models", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("kinema: `kinema models` needs ")
    assert done.stderr.count("\n") == 1
    assert "predict" in run(client / "kinema", "--help").stdout
