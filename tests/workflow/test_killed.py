"""A Snakemake that is killed: the same command goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest
from project import MODEL, executed

pytestmark = pytest.mark.workflow

COMMAND = [f"{MODEL}/evaluation.json", "--forcerun", "evaluate"]


def test_the_same_command_goes_on_after_kill_9(project):
    log = project.root / "killed.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *COMMAND],
            cwd=project.root,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_for(lambda: "checkpoint evaluate:" in log.read_text(), process)
            os.killpg(process.pid, signal.SIGSTOP)  # so that its job is not over before it is killed
            # while it lives its locks are respected
            output = project.snakemake(*COMMAND, check=False)
            assert "Directory cannot be locked" in output
            assert "Removed the locks" not in output
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert list((project.root / ".snakemake/locks").iterdir())
    output = project.snakemake(*COMMAND)
    assert output.count("Removed the locks of a Snakemake") == 1
    assert executed(output) == {"evaluate"}
    assert "Removed the locks" not in project.snakemake(f"{MODEL}/model.xml", "-n")


def wait_for(happened, process, minutes=1):
    for _ in range(600 * minutes):
        if happened():
            return
        assert process.poll() is None, "it ended by itself"
        time.sleep(0.1)
    raise AssertionError(f"it did not happen in {minutes} min")
