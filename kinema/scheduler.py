"""Snakemake's scheduler, which looks for jobs to start."""

from typing import Any

DEFAULT_RATE = (100, 1)  # jobs in so many seconds: Snakemake's --max-jobs-per-timespan where nobody sets it


def lift_default_rate(scheduler: Any) -> None:
    """Let the scheduler start jobs at any rate, unless the user set one that is not the default.

    While jobs wait for cores, each look of the scheduler of Snakemake 9.27 at a rate orders another look after that
    time, which orders the next. Each job that ends adds one, so that after N jobs the scheduler looks N times a second
    at all jobs that wait; and no run ends before the last look. Nothing here starts 100 jobs in a second.
    """
    rate = getattr(scheduler, "job_rate_limiter", None)
    if rate is not None and (rate.max_jobs, rate.timespan) == DEFAULT_RATE:
        scheduler.job_rate_limiter = None
