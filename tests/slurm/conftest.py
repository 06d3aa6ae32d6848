"""The cluster, for all tests here."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))  # project.py

import cluster as cluster_module


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running cluster of this machine."""
    reason = cluster_module.missing()
    if importlib.util.find_spec("snakemake_executor_plugin_slurm") is None:
        reason = "Snakemake's executor for SLURM is not installed: make test-slurm"
    if reason:
        (pytest.fail if os.environ.get("KINEMA_REQUIRE_SLURM") == "1" else pytest.skip)(reason)
    found = cluster_module.here(tmp_path_factory.mktemp("cluster"))
    try:
        found.start()
        yield found
    finally:
        found.stop()
