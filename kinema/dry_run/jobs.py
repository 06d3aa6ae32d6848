"""The jobs of Snakemake's DAG, as the process that runs Snakemake hands them over."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job, with Snakemake's reasons to run it; one that is not needed stays as it is."""

    rule: str
    wildcards: Mapping[str, str]
    inputs: Mapping[str, Sequence[str]]  # by name
    watched: tuple[str, ...]  # inputs whose change makes the outputs stale
    outputs: tuple[str, ...]
    params: Mapping[str, str]  # as `repr` gives them, by name
    threads: int
    benchmark_path: str | None
    is_needed: bool
    is_checkpoint: bool
    depends_on: tuple[int, ...]  # numbers of jobs, as in `DryRun.jobs`
    is_forced: bool = False
    is_new: bool = False  # none of its outputs was ever made
    missing: tuple[str, ...] = ()  # outputs that are not there
    incomplete: tuple[str, ...] = ()
    updated_inputs: tuple[str, ...] = ()  # changed by hand, or by an earlier run
    updated_in_run: tuple[str, ...] = ()  # inputs that other jobs of this run make
    has_other_inputs: bool = False
    params_before: tuple[str, ...] = ()  # those of the last time that are not among the present ones, sorted
    params_now: tuple[str, ...] = ()  # and the other way round
    reason: str = ""  # in Snakemake's words


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What Snakemake would do with some arguments."""

    folder: str = "."  # in which the workflow runs
    jobs: tuple[Job, ...] = ()
    num_cores: int | None = None  # of this machine; None where they were not given, or where a cluster runs the jobs
    num_remote: int | None = None  # jobs at a time on a cluster; sys.maxsize for as many as there are
    warnings: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()  # why there are no jobs

    def write(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "DryRun":
        """What `write` wrote."""
        found = json.loads(path.read_text(encoding="utf-8"))
        jobs = tuple(Job(**_with_tuples(job)) for job in found.pop("jobs"))
        return cls(jobs=jobs, **_with_tuples(found))

    def behind(self, number: int) -> set[int]:
        """Numbers of all jobs that a job depends on, however far."""
        found: set[int] = set()
        waiting = list(self.jobs[number].depends_on)
        while waiting:
            if (one := waiting.pop()) not in found:
                found.add(one)
                waiting += self.jobs[one].depends_on
        return found


def _with_tuples(values: Mapping[str, object]) -> dict:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
