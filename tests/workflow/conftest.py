"""A finished project, made once, and copies of it to change."""

import shutil

import pytest
from project import MODEL, TRACED, Project, new_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Project:
    """A project whose tiny model has been made; do not change it, take `project`."""
    project = new_project(tmp_path_factory.mktemp("finished"))
    project.trace.mkdir()
    traced = {"KINEMA_TRACE": str(project.trace), "PYTHONPATH": str(TRACED)}
    project.first_run = project.snakemake(f"{MODEL}/model.xml", environment=traced, timeout=900)
    return project


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, to be changed."""
    shutil.copytree(finished.root, tmp_path / "project", copy_function=shutil.copy2)
    return Project(tmp_path / "project")
