"""More epochs and Ctrl-C, as a user sees them on the terminal."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
import yaml
from project import MODEL, NAME, TINY, Project
from test_killed import wait_for

pytestmark = pytest.mark.workflow

XML = f"{MODEL}/model.xml"
STEADY = {"schedule": "constant", "warmup_fraction": 0}


def recipe(project: Project, **training) -> None:
    """Change the training of the data set."""
    changed = TINY | {"training": TINY["training"] | training}
    (project.root / "config/datasets/tiny.yaml").write_text(yaml.safe_dump(changed))


def interrupted(project: Project, *, times: int) -> str:
    """Output of a Snakemake that gets Ctrl-C as a terminal sends it, to all processes, once a training has begun."""
    log = project.root / "interrupted.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", f"{MODEL}/model.pth"],
            cwd=project.root,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # shells may have it ignored
        )
        try:
            wait_for(lambda: list(project.root.glob("work/tiny/*/*-5000/resume-*")), process, minutes=5)
            for _ in range(times):
                os.killpg(process.pid, signal.SIGINT)
            process.wait(300)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return log.read_text()


def curve(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.root / MODEL / "training.csv")


def test_more_epochs_are_told_and_go_on_or_begin_anew(project):
    line = f"{MODEL}: training.epochs is 2 now, 1 before: the training"
    recipe(project, epochs=2)
    assert f"{line} begins anew, since with training.schedule: onecycle" in project.snakemake("-n", XML)
    recipe(project, **STEADY)
    project.snakemake(f"{MODEL}/model.pth")
    first = curve(project)
    recipe(project, epochs=2, **STEADY)
    assert f"{line} goes on from what is trained." in project.snakemake("-n", XML)
    project.snakemake(f"{MODEL}/model.pth")
    assert curve(project).epoch.tolist() == [0, 1]
    pd.testing.assert_frame_equal(curve(project)[:1], first)
    assert "training.epochs" not in project.snakemake("-n", f"{MODEL}/model.pth")


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_says_how_to_go_on_and_the_same_command_does(project, times):
    recipe(project, epochs=5000, **STEADY)
    output = interrupted(project, times=times)
    assert "interrupted at epoch " in output
    assert "Traceback" not in output
    assert not (project.root / MODEL / "model.pth").exists()
    if times == 1:
        start = f"kinema: tiny/{NAME}: interrupted at epoch "
        (said,) = [line for line in output.splitlines()[-8:] if line.startswith(start)]
        assert said.endswith("(SIGINT); run the same command again, which goes on from there")
        assert not list(project.root.glob(".snakemake/locks/*"))
    epochs = int(output.partition("interrupted at epoch ")[2].partition(",")[0])
    recipe(project, epochs=epochs + 1, **STEADY)
    output = project.snakemake(f"{MODEL}/model.pth")
    assert f"training.epochs is {epochs + 1} now, 5000 before: the training goes on" in output
    assert "continuing from" in (project.root / f"logs/{MODEL.removeprefix('results/')}/train.log").read_text()
