"""The Dockerfile's own commands, in a new environment: a client without the training stack says what a video shows."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kinema.inference import load

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALLED = "/opt/kinema"  # in the image


def run(*command: object, check: bool = True, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it would find these sources
    own["PATH"] = f"{Path(sys.executable).parent}:{own['PATH']}"
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, env=own, cwd=folder)
    assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
    return done


def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage of the Dockerfile, with what follows them."""
    text = (REPOSITORY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for name, rest in lines:
        found += [[]] if name == "FROM" else []
        found[-1].append((name, rest))
    return found


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    """The folder of programs that the first stage of the Dockerfile makes, out of what it copies."""
    root = tmp_path_factory.mktemp("client")
    for name, rest in stages()[0]:
        if name == "COPY":
            *sources, target = rest.split()
            copy(sources, root / "source" / target)
        if name == "RUN":
            run("sh", "-c", rest.replace(INSTALLED, str(root / "installed")), folder=root / "source")
    return root / "installed/bin"


def copy(sources: list[str], target: Path) -> None:
    for source in sources:
        if (REPOSITORY / source).is_dir():
            shutil.copytree(REPOSITORY / source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / source, target)


@pytest.mark.slow
def test_an_installation_of_the_client_predicts_without_pytorch(client, shipped, prepared):
    listed = run(client / "python", "-m", "pip", "list", "--format", "freeze").stdout.lower().split()
    names = {line.split("==")[0] for line in listed}
    assert {"kinema", "openvino"} <= names
    assert not {"torch", "pydantic", "pyarrow", "pandas", "snakemake"} & names
    video = next((prepared / "videos").rglob("*.mp4"))
    found = run(client / "kinema", "predict", video, "--model", shipped.root / "model.xml", "--top", "1").stdout
    ((label, probability),) = load(shipped.root / "model.xml").predict(video).top(1)
    assert found == f"{video}\t{probability:.4f}\t{label}\n"


def test_the_image_runs_the_client_as_a_user_without_rights():
    instructions = dict(stages()[-1])
    assert (instructions["COPY"], instructions["USER"]) == (f"--from=build {INSTALLED} {INSTALLED}", "kinema")
    assert json.loads(instructions["ENTRYPOINT"]) == [f"{INSTALLED}/bin/kinema"]
    for (_, image), *_ in stages():
        assert re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", image), "a release of Debian slim"


def test_what_the_image_is_made_of_is_all_that_is_sent_to_the_builder():
    sources = [word for name, rest in stages()[0] if name == "COPY" for word in rest.split()[:-1]]
    everything, *others = [
        line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert everything == "*"
    assert sorted(line.removeprefix("!") for line in others if line.startswith("!")) == sorted(sources)


@pytest.mark.slow
def test_it_says_what_the_other_commands_need(client):
    done = run(client / "kinema", "models", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("kinema: `kinema models` needs ")
    assert done.stderr.count("\n") == 1
    assert "predict" in run(client / "kinema", "--help").stdout
