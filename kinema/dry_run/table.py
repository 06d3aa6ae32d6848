"""A dry run -> a table: stage, jobs, what is kept, how long it takes and why, and lines that sum it up."""

import os
import sys
from collections.abc import Mapping, Sequence

from kinema.dry_run.duration import seconds_of, together
from kinema.dry_run.jobs import DryRun, Job
from kinema.dry_run.rows import GOAL, Row, rows_of
from kinema.dry_run.videos import Changed, changed_videos
from kinema.durations import duration_in_words

HEADER = ("stage", "jobs", "kept", "time", "why")
UNKNOWN = "?"
SHOWN = 3  # jobs that a row names


def as_lines(found: DryRun) -> list[str]:
    """The table of what will be done, and what it comes to."""
    jobs = [job for job in found.jobs if job.rule != GOAL]
    if not any(job.is_needed for job in jobs):
        return [f"nothing to do: what was asked for is current, with {_counted(len(jobs), 'job')} behind it"]
    changed = {number: changed_videos(found.jobs[number], found) for number in _plans(found)}
    rows = rows_of(found, changed)
    kept = {rule: _count(rule, jobs) - sum(len(row.jobs) for row in rows if row.rule == rule) for rule in _rules(jobs)}
    parts = _parts(found, changed)
    seconds = [_seconds(row, found, parts) for row in rows]
    cells = [HEADER]
    for row, one in zip(rows, seconds, strict=True):
        is_first = row.rule not in [name.split(" ")[0] for name, *_ in cells]
        number = f"{len(row.jobs):,}" if row.is_certain else f"0 to {len(row.jobs):,}"
        time = UNKNOWN if one is None else duration_in_words(one)
        cells.append((_named(row, jobs), number, f"{kept[row.rule]:,}" if is_first else "", time, row.why))
    return [*_aligned(cells), *_summary(rows, seconds, kept, found)]


def _plans(found: DryRun) -> list[int]:
    """Numbers of the jobs of rule plan that run, or that another job may make run."""
    plans = [number for number, job in enumerate(found.jobs) if job.rule == "plan"]
    return [one for one in plans if any(found.jobs[number].is_needed for number in {one, *found.behind(one)})]


def _parts(found: DryRun, changed: Mapping[int, Changed | None]) -> dict[str, float]:
    """How much of its work a shard's job has to do again, by its table; only where nothing but videos is new."""
    parts = {}
    for job in found.jobs:
        videos = next((changed[number] for number in job.depends_on if number in changed), None)
        if job.rule == "shard" and videos and not job.params_now:
            parts[job.outputs[0]] = videos.shards.get(job.wildcards["shard"], 0.0)
    return parts


def _seconds(row: Row, found: DryRun, parts: Mapping[str, float]) -> float | None:
    known = seconds_of(row.jobs, parts)
    if None in known:
        return None
    threads = [job.threads for job in row.jobs]
    return together([one for one in known if one is not None], threads, _cores(found), found.num_remote)


def _cores(found: DryRun) -> int:
    return found.num_cores or os.cpu_count() or 1


def _named(row: Row, jobs: Sequence[Job]) -> str:
    """The rule, with the names of its jobs where there are others of it."""
    if len(row.jobs) == _count(row.rule, jobs):
        return row.rule
    values = [set(job.wildcards.items()) for job in jobs if job.rule == row.rule]
    same = set.intersection(*values)
    names = ["/".join(value for item, value in job.wildcards.items() if (item, value) not in same) for job in row.jobs]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{row.rule} {', '.join(names[:SHOWN])}{more}"


def _summary(rows: Sequence[Row], seconds: Sequence[float | None], kept: Mapping[str, int], found: DryRun) -> list[str]:
    untouched = [f"{rule} ({kept[rule]:,})" if kept[rule] > 1 else rule for rule in kept if kept[rule]]
    certain = [(row, one) for row, one in zip(rows, seconds, strict=True) if row.is_certain]
    known = sum(one for _, one in certain if one is not None)
    number = sum(len(row.jobs) for row, _ in certain)
    total = number + sum(kept.values()) + sum(len(row.jobs) for row in rows if not row.is_certain)
    where = _counted(_cores(found), "core") if found.num_remote is None else _at_a_time(found.num_remote)
    unknown = list(dict.fromkeys(row.rule for row, one in certain if one is None))
    time = f", about {duration_in_words(known)} on {where} by the times of earlier runs" if known else ""
    if unknown:
        time += f"; {', '.join(unknown)} never ran here" if known else "; no time is known, since none ever ran here"
    lines = [f"{number:,} of {_counted(total, 'job')}{time}"]
    maybe = sum(len(row.jobs) for row in rows if not row.is_certain)
    if maybe:
        lines.append(
            f"{maybe:,} more may follow: when a checkpoint has run, what depends on it is judged by its content"
        )
    return [*lines, *([f"kept as they are: {', '.join(untouched)}"] if untouched else [])]


def _at_a_time(num_remote: int) -> str:
    return "as many machines as there are jobs" if num_remote == sys.maxsize else f"{num_remote} jobs at a time"


def _aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADER) - 1)]
    return ["  ".join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in cells]


def _count(rule: str, jobs: Sequence[Job]) -> int:
    return sum(job.rule == rule for job in jobs)


def _rules(jobs: Sequence[Job]) -> list[str]:
    return list(dict.fromkeys(job.rule for job in jobs))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
