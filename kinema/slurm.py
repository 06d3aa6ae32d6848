"""What a job of SLURM knows of itself, and a workflow of the jobs that an earlier one left at work."""

import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)
JOB_ID = "SLURM_JOB_ID"
POLL_SECONDS = 5.0
OURS = ("rule_", "group_")  # begins the comment of jobs that Snakemake submits


@dataclass(frozen=True)
class Job:
    """A job in the queue: its number, state and what it runs."""

    number: str
    state: str
    rule: str


def requeue() -> bool:
    """Put this job back into the queue, to begin anew; True where SLURM does so, and is about to end it.

    Only while it is a running job: one that somebody cancels ends, and so does one that may not be requeued.
    """
    number = os.environ.get(JOB_ID)
    if number is None or _run("squeue", "--noheader", "--jobs", number, "--format", "%T") != "RUNNING":
        return False
    return _run("scontrol", "requeue", number) is not None


def wait_for_earlier_jobs(folder: Path, tell: Callable[[str], object]) -> None:
    """Wait until no job of SLURM is left of a Snakemake that was killed in this folder; `tell` gets a line about them.

    What they make is not lost: shards keep their videos, and a training its model.
    """
    told: list[str] = []
    while jobs := jobs_of(folder):
        numbers = [job.number for job in jobs]
        if not set(numbers) <= set(told):
            listed = ", ".join(f"{job.number} ({job.rule}, {job.state.lower()})" for job in jobs)
            tell(
                f"kinema: an earlier Snakemake has left jobs at work in this folder: {listed}. Waiting for them, so "
                f"that nothing runs twice; to end them instead: scancel {' '.join(numbers)}"
            )
            told = numbers
        time.sleep(POLL_SECONDS)


def jobs_of(folder: Path) -> list[Job]:
    """Jobs of this user that a Snakemake submitted in a folder and that have not ended; none where SLURM is not."""
    if shutil.which("squeue") is None:
        return []
    lines = (_run("squeue", "--me", "--noheader", "--format", "%A|%T|%k|%Z") or "").splitlines()
    rows = [line.split("|", 3) for line in lines if line.count("|") >= 3]
    return [
        Job(number, state, comment.partition("_wildcards_")[0].partition("_")[2])
        for number, state, comment, place in rows
        if comment.startswith(OURS) and Path(place).resolve() == folder.resolve()
    ]


def _run(*command: str) -> str | None:
    """What a command of SLURM prints; None where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("%s: %s", command[0], error)
        return None
    if done.returncode:
        log.warning("%s: %s", " ".join(command), done.stderr.strip())
        return None
    return done.stdout.strip()
