"""profiles/slurm on a real cluster: from a list to a verified model, and a training that everything happens to.

Few scenes, each with much in it, since every job starts Snakemake twice.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
import yaml
from cluster import Cluster, run, wait_for
from project import MODEL, NAME, TINY, Project, new_project

# what a cluster of this size needs otherwise than profiles/slurm says
HASTE = {
    "slurm-init-seconds-before-status-checks": 1,
    "slurm-status-command": "squeue",
    "slurm-no-account": True,
    "latency-wait": 5,
    "group-components": ["shards=4"],
}
# a step takes two seconds until a file says that it need not
BRAKE = "        import time, pathlib\n        time.sleep(0 if pathlib.Path('go').exists() else 2)\n"
STEP = '        clips, target = self.mix(batch["clip"], batch["label"])\n'
EPOCHS = 150


class Workflow:
    """A Snakemake on the cluster; what it prints is in a file."""

    started: ClassVar[list[subprocess.Popen]] = []

    def __init__(self, project: Project, *arguments: str, option: str = "--workflow-profile", name: str = "run"):
        self.log = project.root / f"{name}.log"
        snakemake = [sys.executable, str(Path(__file__).with_name("hasty_snakemake.py"))]
        command = [*snakemake, option, "profiles/test", *arguments]
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                command, cwd=project.root, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        self.started.append(self.process)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def until(self, happened, what: str, seconds: float = 400):
        """Wait for something while Snakemake runs."""
        try:
            return wait_for(happened, seconds=seconds, process=self.process, what=what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output}") from None

    def ended(self, seconds: float = 900) -> str:
        """Its output, once it has ended well."""
        assert self.process.wait(seconds) == 0, self.output
        return self.output


@pytest.fixture(scope="module")
def project(cluster, tmp_path_factory) -> Iterator[Project]:
    """A project with the profile of the tests: profiles/slurm in haste, a training on processors."""
    made = new_project(tmp_path_factory.mktemp("slurm") / "project")
    profile(made)
    recipe(made)
    yield made
    for process in Workflow.started:
        if process.poll() is None:  # of a test that failed
            os.killpg(process.pid, signal.SIGKILL)


def profile(project: Project, **train) -> None:
    """Write the profile; `train` are resources of that rule."""
    values = yaml.safe_load((project.root / "profiles/slurm/config.yaml").read_text()) | HASTE
    values["set-resources"]["train"] |= train
    path = project.root / "profiles/test/config.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(values))


def recipe(project: Project, **training) -> None:
    """Write the configuration of the data set."""
    changed = TINY | {"training": TINY["training"] | {"accelerator": "cpu"} | training}
    (project.root / "config/datasets/tiny.yaml").write_text(yaml.safe_dump(changed))


def test_from_a_list_to_a_verified_model_trained_by_two_tasks(cluster, project):
    profile(project, tasks=2)
    workflow = Workflow(project, f"{MODEL}/model.xml", option="--profile", name="first")
    output = workflow.ended()
    assert (project.root / MODEL / "model.xml").is_file()
    record = json.loads((project.root / MODEL / "training.json").read_text())
    assert record["processes"] == {"device": "cpu", "nodes": 1, "number": 2, "batch_size": 2, "accumulate": 1}
    log = project.root / "logs/tiny" / NAME / "train.log"
    assert log.read_text().count("epoch 1/1: train_loss") == 1, "one of them writes"
    submitted = re.findall(r"submitted with SLURM jobid \d+ \(log: \S+/slurm_logs/(\w+)/", output)
    rules = ("plan", "dataset_report", "index", "train", "evaluate", "export", "convert", "verify")
    groups = ["group_shards_shard"] * 2
    assert sorted(submitted) == sorted([*groups, *(f"rule_{rule}" for rule in rules)]), "8 shards in 2 submissions"
    assert cluster.jobs() == {}


def newest(project: Project) -> int:
    """Number of the newest resume point."""
    points = project.root.glob(f"work/tiny/{NAME}/*-{EPOCHS}/resume-*.ckpt")
    return max((int(path.stem.partition("-")[2]) for path in points), default=0)


def further(project: Project, workflow: Workflow, what: str) -> int:
    """Wait until the training has made steps since now."""
    before = newest(project)
    workflow.until(lambda: newest(project) > before, f"a step after {what}")
    return newest(project)


def running(cluster: Cluster, workflow: Workflow, what: str, *, hurry: bool = True) -> str:
    """Number of the one training that runs; what went back to the queue waits there for a minute without `hurry`."""

    def runs():
        for number, state in cluster.jobs("train").items():
            if state == "PENDING" and hurry:
                subprocess.run(["scontrol", "update", f"JobId={number}", "StartTime=now"], capture_output=True)
        return "RUNNING" in cluster.jobs("train").values()

    workflow.until(runs, f"a training after {what}")
    (number,) = [number for number, state in cluster.jobs("train").items() if state == "RUNNING"]
    return number


def test_a_training_goes_on_after_all_that_happens_to_it(cluster, project):
    """Preemption, end of the time, scancel, a failed node, kill -9 of Snakemake: it finishes without a hand."""
    profile(project)
    recipe(project, epochs=EPOCHS, schedule="constant", warmup_fraction=0, log_every_steps=1000)
    project.edit("kinema/training/task.py", STEP, BRAKE + STEP)
    target = f"{MODEL}/model.pth"
    workflow = Workflow(project, target, name="second")
    first = running(cluster, workflow, "the start")
    further(project, workflow, "the start")

    run("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true")
    workflow.until(lambda: cluster.jobs("train").get(first) != "RUNNING", "preemption")
    assert running(cluster, workflow, "preemption") == first, "SLURM starts the same job again"
    further(project, workflow, "preemption")

    # SIGTERM comes two minutes before the end. A limit of less than two minutes from now would be checked too late, and
    # SLURM would kill the job beside the signal.
    run("scontrol", "update", f"JobId={first}", f"TimeLimit={cluster.minutes(first) + 3}")
    workflow.until(lambda: cluster.jobs("train").get(first) != "RUNNING", "SIGTERM")
    told = project.root / f"work/tiny/{NAME}/interrupted.txt"
    workflow.until(lambda: told.exists() and "SIGTERM" in told.read_text(), "the word of what ended it")
    run("scontrol", "update", f"JobId={first}", "TimeLimit=60")
    assert running(cluster, workflow, "SIGTERM") == first, "it went back to the queue"
    at_signal = further(project, workflow, "SIGTERM")

    run("scancel", first)
    workflow.until(lambda: first not in cluster.jobs("train"), "scancel")
    second = running(cluster, workflow, "scancel")
    assert second != first, "Snakemake submitted it once more"
    assert further(project, workflow, "scancel") > at_signal

    run("scontrol", "update", f"NodeName={cluster.host}", "State=DOWN", "Reason=test")
    cluster.kill(second)  # SLURM would start it beside what is left of it, and hold it back where that is refused
    workflow.until(lambda: cluster.jobs("train").get(second) != "RUNNING", "a failed node")
    # refused where the node has come back by itself, as one does that says it is well
    subprocess.run(["scontrol", "update", f"NodeName={cluster.host}", "State=RESUME"], capture_output=True)
    # a node has to forget the job that it lost before it can start it again
    assert running(cluster, workflow, "a failed node", hurry=False) == second
    at_the_end = further(project, workflow, "a failed node")

    os.killpg(workflow.process.pid, signal.SIGKILL)
    workflow.process.wait()
    again = Workflow(project, target, name="third")
    again.until(lambda: "has left jobs at work in this folder" in again.output, "the next Snakemake waits")
    assert f"scancel {second}" in again.output
    further(project, again, "kill -9")
    assert list(cluster.jobs("train")) == [second], "no second trainer"
    (project.root / "go").touch()
    again.ended()
    assert at_the_end < EPOCHS, "else there was nothing left to do"
    curve = pd.read_csv(project.root / MODEL / "training.csv")
    assert curve["epoch"].tolist() == list(range(EPOCHS)), "every epoch once, in spite of all"
    assert "finished before" in Path(project.root / f"logs/tiny/{NAME}/train.log").read_text()
