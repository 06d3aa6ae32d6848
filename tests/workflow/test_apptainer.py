"""With `--sdm apptainer` every job runs in the image; a stand-in for apptainer notes what it is asked for."""

import os
import sys
from pathlib import Path

import pytest

STAND_IN = """#!/bin/sh
case "$*" in
--version) echo "apptainer version 1.4.5"; exit ;;
esac
echo "$*" >> "$ASKED"
while [ $# -gt 1 ]; do shift; done
exec bash -c "$1"
"""


@pytest.mark.workflow
def test_jobs_run_in_the_image(project, tmp_path):
    asked = tmp_path / "asked"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "apptainer").write_text(STAND_IN)
    (programs / "apptainer").chmod(0o755)
    environment = {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ASKED": str(asked),
    }
    target = ("results/tiny/annotation.json", "--sdm", "apptainer", "--apptainer-args=--nv")
    output = project.snakemake(*target, check=False, environment=environment)
    assert "containers/kinema.sif is not there" in output
    assert "Traceback" not in output
    (project.root / "containers").mkdir()
    (project.root / "containers/kinema.sif").touch()
    project.snakemake(*target, "--force", environment=environment)
    told = [line for line in asked.read_text().splitlines() if "scripts/tmp" in line]
    assert told
    kept = ("--dry-run", "--rerun-triggers", "mtime", "params", "input", "--sdm", "apptainer")
    assert "Nothing to be done" in project.snakemake("results/tiny/clips.parquet", *kept, environment=environment)
    for line in told:
        assert f"exec --home {project.root}" in line.replace("'", "")
        assert " --nv" in line
        assert "containers/kinema.sif bash -c " in line
