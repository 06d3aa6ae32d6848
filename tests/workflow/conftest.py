"""A finished project, made once, and copies of it to change."""

import shutil

import pytest
from project import MODEL, Project, new_project


@pytest.fixture(scope="session")
def finished(make_once, tmp_path_factory) -> Project:
    """A project whose tiny model has been made; do not change it, take `project`.

    Of each worker its own copy, as Snakemake locks the folder in which it runs.
    """

    def build(folder):
        project = new_project(folder / "project")
        project.trace.mkdir()
        traced = {"KINEMA_TRACE": str(project.trace)}
        output = project.snakemake(f"{MODEL}/model.xml", environment=traced, timeout=2400)
        (folder / "first_run.txt").write_text(output)

    made = make_once("finished", build)
    return copied(Project(made / "project", (made / "first_run.txt").read_text()), tmp_path_factory.mktemp("finished"))


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, to be changed."""
    return copied(finished, tmp_path)


def copied(project: Project, folder) -> Project:
    shutil.copytree(project.root, folder / "project", copy_function=shutil.copy2)
    return Project(folder / "project", project.first_run)
