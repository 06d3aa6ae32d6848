"""The Dockerfile's own commands, in a new environment: a client without the training stack says what a video shows."""

import json
import re
from pathlib import Path

import pytest
from image_files import INSTALLED, REPOSITORY, copied, copy_sources, run, stages

from kinema.inference import load

CLIENT = stages(REPOSITORY / "Dockerfile")


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> Path:
    """The folder of programs that the first stage of the Dockerfile makes, out of what it copies."""
    root = tmp_path_factory.mktemp("client")
    copy_sources(CLIENT[0], root / "source")
    for name, rest in CLIENT[0]:
        if name == "RUN":
            run("sh", "-c", rest.replace(INSTALLED, str(root / "installed")), folder=root / "source")
    return root / "installed/bin"


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
    instructions = dict(CLIENT[-1])
    assert (instructions["COPY"], instructions["USER"]) == (f"--from=build {INSTALLED} {INSTALLED}", "kinema")
    assert json.loads(instructions["ENTRYPOINT"]) == [f"{INSTALLED}/bin/kinema"]
    for (_, image), *_ in CLIENT:
        assert re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", image), "a release of Debian slim"


def test_what_the_images_are_made_of_is_all_that_is_sent_to_the_builder():
    sources = copied(CLIENT[0])
    assert copied(stages(REPOSITORY / "containers/Dockerfile")[0]) == sources
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
