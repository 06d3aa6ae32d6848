"""How a job starts its processes, and what one of SLURM does when it is asked to end; SLURM's commands are made up."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from kinema import launch, slurm
from kinema.input_error import InputError
from kinema.job import Interrupted
from kinema.processes import TASK, TORCHRUN, is_first_process

COMMAND = """#!{python}
import json, os, sys
from pathlib import Path
here = Path(__file__).parent
names = ("KINEMA_TASK", "MASTER_ADDR", "MASTER_PORT")
noted = [Path(sys.argv[0]).name, sys.argv[1:], {{name: os.environ.get(name) for name in names}}]
with (here / "called.jsonl").open("a") as out:
    out.write(json.dumps(noted) + "\\n")
answer = here / f"{{Path(sys.argv[0]).name}}.answer"
print(answer.read_text() if answer.exists() else "", end="")
sys.exit(int((here / "code").read_text()) if (here / "code").exists() else 0)
"""


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder of commands that note how they are called."""
    for name in ("srun", "squeue", "scontrol"):
        path = tmp_path / name
        path.write_text(COMMAND.format(python=sys.executable))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "POLL_SECONDS", 0)
    for name in (TASK, TORCHRUN, "LOCAL_RANK", "NODE_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    return tmp_path


def called(cluster) -> list:
    file = cluster / "called.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def job(**resources):
    return SimpleNamespace(resources={"gpu": 0, **resources}, threads=3)


def interrupted(*, is_further):
    def run(job):
        raise Interrupted("at epoch 2", is_further=is_further)

    return run


def test_one_process_is_this_one(cluster, monkeypatch):
    ran = []
    launch.start(ran.append, job(nodes=1))
    monkeypatch.delenv("SLURM_JOB_ID")
    launch.start(ran.append, job(nodes=1, tasks=2))  # on one machine it starts the other itself
    launch.start(ran.append, SimpleNamespace(threads=1))
    assert len(ran) == 3
    assert called(cluster) == []


def test_srun_starts_the_script_once_for_each_task_of_an_allocation(cluster):
    launch.start(lambda job: 1 / 0, job(nodes=2, tasks=8))
    ((name, arguments, environment),) = called(cluster)
    assert name == "srun"
    assert arguments[:4] == ["--nodes=2", "--ntasks=8", "--ntasks-per-node=4", "--cpus-per-task=3"]
    assert arguments[-len(sys.argv) - 1 :] == [sys.executable, *sys.argv]
    assert environment[TASK] == "1"
    assert environment["MASTER_ADDR"]
    assert int(environment["MASTER_PORT"]) > 0


def test_a_task_that_fails_fails_the_job(cluster):
    (cluster / "code").write_text("3")
    with pytest.raises(SystemExit) as ended:
        launch.start(lambda job: None, job(nodes=2, tasks=2))
    assert ended.value.code == 3


def test_a_task_knows_its_rank(cluster, monkeypatch):
    for name, value in {TASK: "1", "SLURM_LOCALID": "0", "SLURM_NODEID": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("LOCAL_RANK", "NODE_RANK"):
        monkeypatch.setenv(name, "")  # put back afterwards
    seen = []
    launch.start(lambda job: seen.append((os.environ["LOCAL_RANK"], os.environ["NODE_RANK"])), job(nodes=2, tasks=2))
    assert seen == [("0", "1")]
    assert not is_first_process()
    assert called(cluster) == []


def test_several_machines_without_slurm_are_refused(cluster, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID")
    with pytest.raises(InputError, match=r"nodes is 2, but this is no job of SLURM. .* with torchrun"):
        launch.start(lambda job: None, job(nodes=2, tasks=2))
    monkeypatch.setenv(TORCHRUN, "x")
    launch.start(lambda job: None, job(nodes=2, tasks=2))
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv(TORCHRUN)
    with pytest.raises(InputError, match="3 tasks on 2 nodes"):
        launch.start(lambda job: None, job(nodes=2, tasks=3))


@pytest.mark.parametrize(
    ("state", "is_further", "expected"),
    [
        ("RUNNING", True, ["squeue", "scontrol"]),
        ("RUNNING", False, []),  # else a job that gets nowhere would begin again and again
        ("COMPLETING", True, ["squeue"]),  # somebody cancels it
    ],
)
def test_a_job_that_is_asked_to_end_goes_back_to_the_queue(cluster, monkeypatch, state, is_further, expected):
    waited = []
    monkeypatch.setattr(launch, "time", SimpleNamespace(sleep=waited.append))
    (cluster / "squeue.answer").write_text(f"{state}\n")
    with pytest.raises(Interrupted):
        launch.start(interrupted(is_further=is_further), job())
    assert [name for name, *_ in called(cluster)] == expected
    assert bool(waited) == ("scontrol" in expected), "SLURM ends it; an end of its own is a failure"
    requeued = [arguments for name, arguments, _ in called(cluster) if name == "scontrol"]
    assert requeued == [["requeue", "7"]] * len(waited)


def test_outside_of_slurm_nothing_is_requeued(cluster, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID")
    with pytest.raises(Interrupted):
        launch.start(interrupted(is_further=True), job())
    assert called(cluster) == []


def test_jobs_of_an_earlier_snakemake_in_this_folder_are_waited_for(cluster, monkeypatch):
    here, lines = cluster / "project", []
    here.mkdir()
    answer = cluster / "squeue.answer"
    answer.write_text(
        f"11|RUNNING|rule_train_wildcards_demo_resnet34_vtn|{here}\n"
        f"12|RUNNING|rule_train|{cluster}\n"  # of another project
        f"13|RUNNING|(null)|{here}\n"  # no job of Snakemake's
    )
    monkeypatch.setattr(slurm, "time", SimpleNamespace(sleep=lambda seconds: answer.write_text("")))
    slurm.wait_for_earlier_jobs(here, lines.append)
    (line,) = lines
    assert "jobs at work in this folder: 11 (train, running). Waiting for them" in line
    assert line.endswith("scancel 11")


def test_without_slurm_there_is_nothing_to_wait_for(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    slurm.wait_for_earlier_jobs(Path.cwd(), lambda line: 1 / 0)
