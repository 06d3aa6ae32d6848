"""What counts as a target of a command line, and what does not; the ends of commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kinema.command_line import snakemake_arguments

TARGET = "results/demo/efficientnet_lite0_vtn/model.xml"


@pytest.mark.parametrize(
    "options",
    [
        ["--report", "results/report/index.html"],
        ["-d", "results/folder"],
        ["--directory=results/other/folder"],
        ["--config", "ffmpeg=results/a/b/c", "--cores", "2"],
        ["--configfile", "results/my/own/config.yaml", "-n"],
        ["--profile", "results/profiles/slurm/one"],
        ["--until", "results/a/b/model.pth", "--forcerun", "results/a/b/model.onnx", "-p"],
        ["--set-threads", "train=2", "--rerun-triggers", "mtime", "-k"],
    ],
)
def test_values_of_options_are_no_targets(options):
    assert list(snakemake_arguments([TARGET, *options]).targets) == [TARGET]
    assert not snakemake_arguments(options).targets


def test_other_arguments_are_read_as_snakemake_does():
    assert snakemake_arguments(["-t", "--", TARGET]).touch
    assert snakemake_arguments(["--cleanup-metadata", "a", "b"]).cleanup_metadata == [Path("a"), Path("b")]
    assert snakemake_arguments(["--cores", "2"]).cleanup_metadata is None


def test_arguments_of_another_program_are_none_of_them():
    assert not snakemake_arguments(["--cores", "--attempt", "no number"]).targets


def test_a_reader_that_has_seen_enough_ends_a_command_quietly():
    """As `kinema ... | head -1`."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "kinema.cli", "config-reference"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
