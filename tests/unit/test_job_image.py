"""The image of the workflow's jobs: its commands in a new environment, the same for Docker and for Apptainer."""

import json
import re
import shutil
import tomllib
from importlib.metadata import distribution, requires, version
from pathlib import Path

import pytest
from image_files import INSTALLED, REPOSITORY, copied, copy_sources, run, stages
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kinema.input_error import InputError
from kinema.job_image import check_image

(IMAGE,) = stages(REPOSITORY / "containers/Dockerfile")
TABLE = "data/demo/annotations.csv"
SCRIPTS = sorted((REPOSITORY / "workflow/scripts").glob("*.py"))


def commands() -> list[str]:
    """The commands of the Dockerfile, one by one."""
    return [" ".join(part.split()) for name, rest in IMAGE if name == "RUN" for part in rest.split("&&")]


def definition() -> dict[str, list[str]]:
    """The lines of each section of the Apptainer definition; the head under the empty name."""
    found: dict[str, list[str]] = {"": []}
    for line in (REPOSITORY / "containers/kinema.def").read_text().splitlines():
        if line.startswith("%"):
            found[line.strip("% ")] = []
        elif line.strip() and not line.startswith("#"):
            found[list(found)[-1]].append(line.strip())
    return found


def test_apptainer_and_docker_make_the_same_image():
    sections = definition()
    instructions = dict(IMAGE)
    assert list(sections) == ["", "files", "post", "environment"]
    assert sections[""] == ["Bootstrap: docker", f"From: {instructions['FROM']}"]
    assert sections["files"] == [f"{name} /source/{name}" for name in copied(IMAGE)]
    # apptainer runs as the user who started it, in the folder where that was
    ours = [command for command in commands() if not command.startswith("useradd")]
    assert [line for line in sections["post"] if line != "cd /source"] == ["set -e", *ours]
    assert ("WORKDIR", "/source") in IMAGE
    assert sections["environment"] == [f"export {instructions['ENV'].split()[0]}"]


def test_the_image_is_of_debian_slim_and_runs_as_a_user_without_rights():
    instructions = dict(IMAGE)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", instructions["FROM"])
    assert instructions["FROM"] == dict(stages(REPOSITORY / "Dockerfile")[-1])["FROM"], "as that of the client"
    assert instructions["USER"] == "kinema"
    assert json.loads(instructions["CMD"])[0] == "snakemake"


def test_a_run_in_an_image_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_image("containers/kinema.sif", ["conda"])
    with pytest.raises(InputError, match=r"kinema.sif is not there. `apptainer build \S+sif containers/kinema.def`"):
        check_image("containers/kinema.sif", ["apptainer"])
    (tmp_path / "containers").mkdir()
    (tmp_path / "containers/kinema.sif").touch()
    check_image("containers/kinema.sif", ["apptainer"])


def needed(requirement: Requirement, found: dict[str, str]) -> dict[str, str]:
    """Adds the packages that this one brings, and their versions here, to those that were found before."""
    name = canonicalize_name(requirement.name)
    found.setdefault(name, version(name))
    for inner in map(Requirement, requires(name) or ()):
        is_wanted = [inner.marker is None or inner.marker.evaluate({"extra": e}) for e in requirement.extras or {""}]
        if any(is_wanted) and canonicalize_name(inner.name) not in found:
            needed(inner, found)
    return found


@pytest.fixture(scope="module")
def packages() -> dict[str, str]:
    """The packages that the image needs, with their versions in this environment."""
    (command,) = [line for line in commands() if " pip install " in line]
    extras = re.findall(r"'\.\[(.*)\]'$", command)[0].split(",")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    listed = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    found: dict[str, str] = {}
    for requirement in [Requirement(text) for group in listed for text in group]:
        needed(requirement, found)
    return found


def test_all_packages_of_the_image_have_pins(packages):
    lines = [line.split("#")[0].strip() for line in (REPOSITORY / "constraints.txt").read_text().splitlines()]
    pins = {canonicalize_name(name): pin for name, pin in (line.split("==") for line in lines if line)}
    # every environment has setuptools; what builds of PyTorch for another device bring is not listed
    loose = {name for name in packages if not name.startswith(("nvidia-", "cuda-", "triton"))} - set(pins)
    assert loose <= {"setuptools"}
    assert not {"pytest", "mypy", "mkdocs", "moto", "kinema"} & set(packages)


RUN_ALL = """
import runpy, sys
for script in sys.argv[1:]:
    runpy.run_path(script)
"""


@pytest.mark.slow
def test_what_the_image_installs_is_enough_for_every_job(packages, tmp_path):
    """The image's own commands, in an environment that has links to the packages of this one, and to these alone."""
    copy_sources(IMAGE, tmp_path / "source")
    make, install = (line.replace(INSTALLED, str(tmp_path / "env")) for line in commands() if INSTALLED in line)
    run("sh", "-c", make)
    (site,) = (tmp_path / "env/lib").glob("python3*/site-packages")
    for name in packages:
        link_package(name, site)
    told = run("sh", "-c", install, folder=tmp_path / "source").stdout
    assert re.findall(r"^Successfully installed (.*)$", told, re.MULTILINE) == [f"kinema-{version('kinema')}"]
    python, project = tmp_path / "env/bin/python", tmp_path / "project"
    project.mkdir()
    for name in ("Snakefile", "workflow", "kinema", "config", "envs"):
        source, ignored = REPOSITORY / name, shutil.ignore_patterns("*.pyc.*")  # which Python is about to rename
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=ignored)
        else:
            shutil.copy2(source, project / name)
    run(python, "-c", RUN_ALL, *(f"workflow/scripts/{path.name}" for path in SCRIPTS), folder=project)
    settings = "demo={train_videos_per_class: 1, val_videos_per_class: 1}"
    run(python, "-m", "snakemake", "--cores", "1", TABLE, "--config", settings, folder=project)
    assert (project / TABLE).exists()


def link_package(name: str, site: Path) -> None:
    """Links to all files of an installed package in another folder of packages."""
    package = distribution(name)
    for file in package.files or ():
        top = site / file.parts[0]
        if file.parts[0] != ".." and not top.exists():
            top.symlink_to(Path(str(package.locate_file(file.parts[0]))))
