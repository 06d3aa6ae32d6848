"""The process of `kinema plan` that runs Snakemake dry: python -m kinema.dry_run.seen OUT ARGUMENTS...

Snakemake's arguments are this process's own, since the Snakefile reads them there.
"""

import contextlib
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from snakemake import api, cli
from snakemake.io import is_flagged
from snakemake.logging import logger

from kinema.dry_run.jobs import DryRun, Job

DRY = ("--quiet", "rules", "progress", "host", "reason", "--dry-run")  # before what may have a `--` in it
STARTED: list[Any] = []  # the one workflow of this process


class _Heard(logging.Handler):
    """Warnings and errors, once each."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: dict[str, None] = {}
        self.errors: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        found = self.warnings if record.levelno < logging.ERROR else self.errors
        found.setdefault(record.getMessage().strip())


HEARD = _Heard()


class _Kept(api.SnakemakeApi):
    """Keeps the workflow that it starts: Snakemake prints a DAG, but hands none out."""

    def workflow(self, *arguments: Any, **options: Any) -> Any:
        logger.addHandler(HEARD)  # earlier ones Snakemake removes
        started = super().workflow(*arguments, **options)
        STARTED.append(started._workflow)
        return started


def main() -> int:
    """Exit status of Snakemake."""
    out, arguments = Path(sys.argv[1]), sys.argv[2:]
    sys.argv = ["snakemake", *arguments]
    cli.SnakemakeApi = _Kept
    parser, given = cli.parse_args([*DRY, *arguments])
    is_here = given.executor in (None, "local")
    # before a dry run gives itself one core
    room = {"num_cores": given.cores if is_here else None, "num_remote": None if is_here else given.jobs}
    folder = Path(given.directory or ".").absolute()
    is_planned = cli.args_to_api(given, parser)
    with contextlib.chdir(folder):  # Snakemake has come back from it
        jobs = tuple(_jobs(STARTED[-1])) if is_planned else ()
    DryRun(folder=str(folder), jobs=jobs, **room, warnings=tuple(HEARD.warnings), errors=tuple(HEARD.errors)).write(out)
    return 0 if is_planned else 1


def _jobs(workflow: Any) -> Iterator[Job]:
    dag = workflow.dag
    needed = set(dag.needrun_jobs(exclude_finished=False))
    jobs = sorted(dag.jobs, key=lambda job: (job.rule.name, sorted(job.wildcards.items())))
    numbers = {job: number for number, job in enumerate(jobs)}
    for job in jobs:
        reasons = _reasons(job, dag.reason(job)) if job in needed else {}
        yield Job(
            rule=job.rule.name,
            wildcards={name: str(value) for name, value in job.wildcards.items()},
            inputs={name: _texts([found] if isinstance(found, str) else found) for name, found in job.input.items()},
            watched=_texts(path for path in job.input if not is_flagged(path, "ancient")),
            outputs=_texts(job.output),
            threads=int(job.threads),
            benchmark_path=str(job.benchmark) if job.benchmark else None,
            is_needed=job in needed,
            is_checkpoint=job.is_checkpoint,
            depends_on=tuple(sorted(numbers[other] for other in dag.dependencies[job])),
            **_params(job, workflow.persistence),
            **reasons,
        )


def _params(job: Any, notes: Any) -> Mapping[str, Any]:
    """Also of jobs behind a checkpoint that is to run: as long as it has not, Snakemake does not compare theirs."""
    changed = notes.params_changed(job)
    return {
        "params": {name: repr(value) for name, value in job.params.items()},
        "params_before": tuple(sorted(changed.only_old)),
        "params_now": tuple(sorted(changed.only_new)),
        "is_new": all(notes.params(output) is None and not Path(output).exists() for output in job.output),
    }


def _reasons(job: Any, reason: Any) -> Mapping[str, Any]:
    return {
        "is_forced": bool(reason.forced),
        "missing": _texts(output for output in job.output if not Path(output).exists()),
        "incomplete": _texts(sorted(map(str, reason.incomplete_output))),
        "updated_inputs": _texts(sorted(map(str, reason.updated_input))),
        "updated_in_run": _texts(sorted(map(str, reason.updated_input_run))),
        "has_other_inputs": bool(reason.input_changed),
        "reason": str(reason),
    }


def _texts(paths: Iterable[Any]) -> tuple[str, ...]:
    return tuple(map(str, paths))


if __name__ == "__main__":
    sys.exit(main())
