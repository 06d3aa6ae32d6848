"""How long jobs will take, by the benchmark files of earlier runs of this project.

The benchmark file of a job is named after its rule: logs/.../<rule>.benchmark.tsv or <rule>_<wildcard>.benchmark.tsv.
"""

import ast
import csv
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from kinema.dry_run.jobs import Job
from kinema.input_error import InputError
from kinema.records.training import Training

LOGS = Path("logs")


def seconds_of(jobs: Sequence[Job], parts: Mapping[str, float]) -> list[float | None]:
    """[seconds] Of each job as it took the last time, else the median of others of its rule; None where none ever ran.

    A training is taken to last as its epochs. `parts` says by output how much of its work a job has to do again.
    """
    usual = {rule: _median(rule) for rule in {job.rule for job in jobs}}
    found = []
    for job in jobs:
        own = _read(Path(job.benchmark_path)) if job.benchmark_path else None
        seconds = usual[job.rule] if own is None else own * _more_epochs(job)
        part = min((parts.get(path, 1.0) for path in job.outputs), default=1.0)
        found.append(None if seconds is None else seconds * part)
    return found


def together(seconds: Sequence[float], threads: Sequence[int], num_cores: int, num_remote: int | None) -> float:
    """[seconds] Of jobs that do not wait for each other, on so many cores, or so many at a time on a cluster."""
    if not seconds:
        return 0.0
    if num_remote is not None:
        work = sum(seconds) / max(1, num_remote)
    else:
        work = sum(one * min(number, num_cores) for one, number in zip(seconds, threads, strict=True)) / num_cores
    return max(work, *seconds)


def _median(rule: str) -> float | None:
    known = [_read(path) for path in LOGS.rglob(f"{rule}[._]*benchmark.tsv")]
    return statistics.median(found) if (found := [one for one in known if one is not None]) else None


def _read(path: Path) -> float | None:
    """The column `s` of the last row of a benchmark file of Snakemake's."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return float([*csv.DictReader(file, delimiter="\t")][-1]["s"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _more_epochs(job: Job) -> float:
    """How many times the epochs of the last training a training has."""
    records = [Path(path) for path in job.outputs if Path(path).name == "training.json"]
    if not records or "settings" not in job.params:
        return 1.0
    try:
        before = Training.read(records[0]).num_epochs
    except (OSError, InputError):
        return 1.0
    epochs = json.loads(ast.literal_eval(job.params["settings"]))["training"]["epochs"]
    return epochs / before if before else 1.0
