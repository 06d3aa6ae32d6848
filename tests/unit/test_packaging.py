"""pyproject, constraints and conda environments agree, and name what the code imports."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from rattler import Channel, MatchSpec, Version, VersionSpec

from kinema.provenance import NEUTRAL, imports, module_path

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))
TRAINED = ("train", "transformers")  # an environment of conda has what is optional, too
MODULES = {"yaml": "pyyaml", "cv2": "opencv-python", "ffmpeg": "ffmpeg-python", "PIL": "pillow"}


def requirements(*extras: str) -> dict[str, Requirement]:
    """What an installation with some extras brings; by default with all."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    listed = [*project["dependencies"], *(text for extra in extras for text in project["optional-dependencies"][extra])]
    found = {}
    for requirement in map(Requirement, listed):
        inner = requirements(*requirement.extras) if requirement.name == "kinema" else {}
        found |= inner or {canonicalize_name(requirement.name): requirement}
    return found


def pins() -> dict[str, str]:
    lines = [line.split("#")[0].strip() for line in (REPOSITORY / "constraints.txt").read_text().splitlines()]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if line)}


def pip_packages(environment: Path) -> dict[str, str]:
    listed = yaml.safe_load(environment.read_text())["dependencies"][-1]["pip"]
    return {canonicalize_name(name): version for name, version in (text.split("==") for text in listed)}


def test_every_requirement_is_pinned_within_its_bounds():
    for name, requirement in requirements("dev").items():
        assert name in pins(), f"{name} has no pin in constraints.txt"
        assert requirement.specifier.contains(pins()[name]), name
    assert (pins()["torch"], pins()["torchvision"]) == ("2.14.1", "0.29.1")


def test_the_metadata_agree_with_each_other():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {oldest}" in project["classifiers"]
    assert project["authors"] == [{"name": "kinema developers"}]
    assert all(url.startswith("https://") for url in project["urls"].values())
    assert not [name for name in project["classifiers"] if name.startswith("License ::")], "`license` says it"


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_agree_with_the_constraints(path):
    for name, version in pip_packages(path).items():
        assert name in requirements("dev"), f"{name} is not in pyproject.toml"
        assert version == pins()[name], name


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environments_are_what_conda_reads(path):
    """By the parser of rattler, on which pixi and others are built; solving needs the channel, which is not here."""
    environment = yaml.safe_load(path.read_text())
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["name"] == f"kinema-{path.stem}"
    assert [Channel(name).name for name in environment["channels"]] == ["conda-forge", "nodefaults"]
    *specs, by_pip = environment["dependencies"]
    python, pip = (MatchSpec(text, strict=True) for text in specs)
    assert (python.name.normalized, pip.name.normalized, list(by_pip)) == ("python", "pip", ["pip"])
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    of_project, of_conda = SpecifierSet(project["requires-python"]), VersionSpec(python.version)
    releases = [f"3.{minor}.1" for minor in range(8, 16)]
    chosen = [release for release in releases if of_conda.matches(Version(release))]
    assert len(chosen) == 1
    assert chosen[0] in of_project
    assert f"python:{chosen[0].rpartition('.')[0]}-slim" in (REPOSITORY / "containers/Dockerfile").read_text()
    for text in by_pip["pip"]:
        assert str(Requirement(text).specifier).startswith("=="), text
        assert MatchSpec(text.replace("==", " =="), strict=True).version == f"=={text.split('==')[1]}"


def test_an_environment_has_what_its_rules_import():
    rules = "\n".join(path.read_text() for path in (REPOSITORY / "workflow/rules").glob("*.smk"))
    pairs = re.findall(r'"\.\./\.\./envs/(\w+)\.yaml".*?"\.\./scripts/(\w+)\.py"', rules, re.DOTALL)
    assert {environment for environment, _ in pairs} == {path.stem for path in ENVIRONMENTS}
    for environment, script in pairs:
        present = set(pip_packages(REPOSITORY / f"envs/{environment}.yaml"))
        for module, file in third_party(REPOSITORY / f"workflow/scripts/{script}.py"):
            assert canonicalize_name(MODULES.get(module, module)) in present, (
                f"{file} of rule {script} imports {module}"
            )


def test_the_client_imports_only_what_it_brings():
    client = set(requirements())
    assert client == {"av", "numpy", "opencv-python", "openvino", "rich"}
    assert set(requirements("dev")) > set(requirements("train", "workflow", "onnxruntime", "remote")) > client
    for file in (REPOSITORY / "kinema/inference").rglob("*.py"):
        for module, importer in third_party(file):
            assert canonicalize_name(MODULES.get(module, module)) in client, f"{importer} imports {module}"


@pytest.mark.parametrize(
    ("environment", "extras"), [("media", ("workflow", "remote")), ("train", TRAINED), ("deploy", TRAINED)]
)
def test_extras_have_what_the_environment_of_their_stages_has(environment, extras):
    assert set(pip_packages(REPOSITORY / f"envs/{environment}.yaml")) <= set(requirements(*extras))


def third_party(script: Path) -> set[tuple[str, str]]:
    """Modules from elsewhere that a script and the library behind it import at module level, with the file."""
    files: dict[str, Path] = {"": script}
    todo = [("", script)]
    while todo:
        for name in imports(*todo.pop()):
            if name not in files and (path := module_path(name)):
                files[name] = path
                todo += [(name, path)] if name not in NEUTRAL else []  # what these import on the way is for some rules
    found = set()
    for path in files.values():
        for node in ast.parse(path.read_text()).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found |= {(name.split(".")[0], path.name) for name in names}
    return {(name, file) for name, file in found if name not in sys.stdlib_module_names | {"kinema"}}


@pytest.mark.slow
def test_nothing_names_a_path_of_one_machine():
    pattern = re.compile(r"(?<![\w.$}])/(root|home|work|Users)/")
    for path in REPOSITORY.rglob("*"):
        hidden = any(part.startswith(".") and part != ".ci" for part in path.relative_to(REPOSITORY).parts)
        if path.suffix in {".py", ".smk", ".md", ".yaml", ".toml", ""} and path.is_file() and not hidden:
            assert not pattern.search(path.read_text(errors="ignore")), path
