"""A finished project, made once, and copies of it to change."""

import json
import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest
import torch
from lively import enliven
from project import LIVELY, LIVELY_SETTINGS, MODEL, NAME, TINY, Project, new_project

from kinema.clips.dataset import ClipDataset
from kinema.clips.table import ClipIndex
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.registry import create_model


@pytest.fixture(scope="session")
def finished(make_once, tmp_path_factory) -> Project:
    """A project whose tiny model has been made; do not change it, take `project`.

    Of each worker its own copy, as Snakemake locks the folder in which it runs.
    """

    def build(folder):
        project = new_project(folder / "project")
        project.trace.mkdir()
        output = project.snakemake(f"{MODEL}/model.xml", is_traced=True, timeout=2400)
        (folder / "first_run.txt").write_text(output)

    made = make_once("finished", build)
    return copied(Project(made / "project", (made / "first_run.txt").read_text()), tmp_path_factory.mktemp("finished"))


@pytest.fixture(scope="session")
def lively(finished, make_once, tmp_path_factory) -> Project:
    """The same with a model whose answers differ, and both forms of INT8 of it; do not change it."""

    def build(folder):
        project = copied(finished, folder)
        project.edit("config/config.yaml", "\nvariants:", f"\nvariants:\n  lively: {json.dumps(LIVELY_SETTINGS)}")
        with chdir(project.root):
            write_lively(Path("lively.pth"), Path("results/tiny/clips.parquet"))
        targets = (f"{LIVELY}/int8/model.xml", f"{LIVELY}/int8/streaming/encoder.xml")
        (folder / "first_run.txt").write_text(project.snakemake(*targets, is_traced=True))

    made = make_once("lively", build)
    return copied(Project(made / "project", (made / "first_run.txt").read_text()), tmp_path_factory.mktemp("lively"))


def write_lively(path, clips_path):
    """A random network that answers otherwise to each clip."""
    torch.manual_seed(0)
    clip = Clip(**TINY["clip"])
    subsets = [
        ClipDataset(ClipIndex.load(clips_path, subset=subset, clip=clip, is_spaced=True), clip=clip)
        for subset in ("training", "validation")
    ]
    labels = subsets[0].index.labels
    model = create_model(NAME, num_classes=len(labels), clip=clip, network=Network(**TINY["network"]))
    enliven(model, np.stack([dataset[row]["clip"].numpy() for dataset in subsets for row in range(len(dataset))]))
    save_checkpoint(path, model, labels=labels, settings={})


@pytest.fixture
def project(finished, tmp_path) -> Project:
    """A copy of the finished project, to be changed."""
    return copied(finished, tmp_path)


def copied(project: Project, folder) -> Project:
    shutil.copytree(project.root, folder / "project", copy_function=shutil.copy2)
    return Project(folder / "project", project.first_run)
