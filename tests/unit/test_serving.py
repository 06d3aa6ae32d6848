"""The model repository of a model server, and the clients of docs/deploying.md against one of its protocol."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http as kserve
from deployed_model import Deployed
from kserve import model_server

from kinema.deployment.serving import ServedFiles, export_serving, served_name
from kinema.inference import load
from kinema.inference.description import Description
from kinema.inference.predictors.openvino import core
from kinema.models.made_of import remove_made_of, remove_what_is_of_another
from kinema.records.verification import Verification

PAGE = Path(__file__).resolve().parents[2] / "docs/deploying.md"
NAME = "efficientnet_lite0_vtn"


def export(root: Path) -> ServedFiles:
    """As rule serving does."""
    folder = root / "serving"
    served = ServedFiles(folder / "config.json", folder / root.name / "1/model.xml", folder / "verification.json")
    export_serving(xml_path=root / "model.xml", verification_path=root / "verification.json", served=served)
    return served


def copied(shipped: Deployed, folder: Path) -> Path:
    """A folder of results that may be changed."""
    shutil.copytree(shipped.root, folder)
    return folder


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def project(shipped, prepared, tmp_path_factory) -> Path:
    """A folder with the files that the page names."""
    root = tmp_path_factory.mktemp("project")
    export(copied(shipped, root / f"results/demo/{NAME}"))
    shutil.copy(min((prepared / "videos").rglob("*.mp4")), root / "video.mp4")
    return root


@pytest.fixture(scope="module")
def server(project, tmp_path_factory):
    """One that serves the folder at another place."""
    moved = tmp_path_factory.mktemp("elsewhere") / "models"
    shutil.copytree(project / f"results/demo/{NAME}/serving", moved)
    with model_server(moved / "config.json", core()) as found:
        yield found


@pytest.fixture
def in_project(project, monkeypatch) -> Path:
    monkeypatch.chdir(project)
    return project


def test_a_repository_has_the_files_that_passed(shipped, tmp_path):
    served = export(copied(shipped, tmp_path / NAME))
    expected = {"config.json", "verification.json", f"{NAME}/1/model.xml", f"{NAME}/1/model.bin"}
    assert files_of(tmp_path / NAME / "serving") == expected
    for suffix in (".xml", ".bin"):
        assert served.xml_path.with_suffix(suffix).read_bytes() == (shipped.root / f"model{suffix}").read_bytes()
    assert json.loads(served.config_path.read_text()) == {
        "model_config_list": [{"config": {"name": NAME, "base_path": NAME}}]
    }
    here, there = (
        Verification.read(folder / "verification.json") for folder in (served.config_path.parent, shipped.root)
    )
    assert here.model == there.model
    assert here.sha256 == {name: there.sha256[name] for name in ("model.xml", "model.bin")}


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("resnet34_vtn@quick", "resnet34_vtn-quick"),
        ("r2+1d_34", "r2-1d_34"),
        ("se-resnext101-32x4d_vtn_rgbdiff", "se-resnext101-32x4d_vtn_rgbdiff"),
    ],
)
def test_a_name_can_stand_in_an_address(shipped, tmp_path, model, name):
    assert served_name(model) == name
    served = export(copied(shipped, tmp_path / model))
    with model_server(served.config_path, core()) as server:
        assert kserve.InferenceServerClient(server.address).is_model_ready(name)
        assert server.asked == [f"GET /v2/models/{name}/ready"]


@pytest.mark.parametrize("name", ["model.xml", "model.bin"])
def test_a_file_that_passed_no_gate_is_not_served(shipped, tmp_path, name):
    root = copied(shipped, tmp_path / NAME)
    export(root)
    with (root / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(
        ValueError, match=f"{name}: not the file that passed the gates: its SHA-256 is .* delete it and"
    ):
        export(root)
    assert not files_of(root / "serving")


def another_model(deployed):
    with (deployed.root / "model.pth").open("ab") as file:
        file.write(b"1")
    remove_what_is_of_another(deployed.root / "model.pth")


@pytest.mark.slow
@pytest.mark.parametrize(
    "step",
    [
        lambda deployed: deployed.verify(),
        lambda deployed: deployed.convert(),
        lambda deployed: remove_made_of(deployed.root / "model.pth"),
        another_model,
    ],
    ids=["verify", "convert", "train", "another model"],
)
def test_it_goes_where_the_model_goes_that_it_is_a_copy_of(shipped, tmp_path, step):
    root = copied(shipped, tmp_path / NAME)
    remove_what_is_of_another(root / "model.pth")
    export(root)
    step(Deployed(root, shipped.clips_path))
    assert not files_of(root / "serving")


def test_a_server_tells_all_that_the_model_says_of_itself(project, server):
    client = kserve.InferenceServerClient(server.address)
    told = client.get_model_metadata(NAME)
    model = load(project / f"results/demo/{NAME}")
    about = json.loads(told["rt_info"]["model_info"]["kinema"])
    assert Description.from_metadata(about, where=NAME) == model.description
    spec = model.description.spec
    shape = [-1, spec.num_frames, 3, spec.size, spec.size]
    assert told["inputs"] == [{"name": "clips", "datatype": "UINT8", "shape": shape}]
    network = core().read_model(project / f"results/demo/{NAME}/serving/{NAME}/1/model.xml")
    assert network.get_parameters()[0].layout.empty, "the server knows no layout with T"


def blocks() -> list[str]:
    """Code of the page: with kinema, without it, ONNX Runtime."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_documented_client_says_what_the_model_says(in_project, server, capsys):
    exec(blocks()[0].replace("localhost:8000", server.address), {})
    expected = load(f"results/demo/{NAME}").predict("video.mp4").top(3)
    found = eval(capsys.readouterr().out)
    assert [label for label, _ in found] == [label for label, _ in expected]
    assert [probability for _, probability in found] == pytest.approx([value for _, value in expected], abs=1e-3)
    assert f"POST /v2/models/{NAME}/infer" in server.asked


@pytest.mark.parametrize("number", [1, 2], ids=["a client of a server without kinema", "ONNX Runtime"])
def test_the_documented_lines_give_the_answer_of_the_network(in_project, server, capsys, number):
    exec(blocks()[number].replace("localhost:8000", server.address), {})
    model = load(f"results/demo/{NAME}")
    spec = model.description.spec
    (logits,) = model.network(np.zeros((1, spec.num_frames, 3, spec.size, spec.size), np.uint8))
    assert capsys.readouterr().out == f"{model.description.labels[logits.argmax()]}\n"


def test_a_server_that_does_not_have_the_model_says_so(server):
    with pytest.raises(kserve.InferenceServerException, match="Model with requested name is not found"):
        kserve.InferenceServerClient(server.address).get_model_metadata("other")


def test_the_documented_commands_name_what_is_there(project):
    text = PAGE.read_text()
    (config_path,) = re.findall(r"ovms --config_path (\S+)", text)
    (folder,) = re.findall(r'--volume "\$PWD/(\S+):/models:ro"', text)
    assert (project / config_path).is_file()
    assert (project / folder / "config.json").is_file(), "--config_path /models/config.json"
    ((base_path, name),) = re.findall(r"ovms --model_path (\S+) \\\s+--model_name (\S+)", text)
    assert json.loads((project / config_path).read_text())["model_config_list"][0]["config"]["name"] == name
    assert (project / base_path / "1/model.xml").is_file()
