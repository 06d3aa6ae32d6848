"""A dry run -> the rows of its table: jobs of one rule that run for the same reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinema.dry_run.changes import NEW, causes
from kinema.dry_run.jobs import DryRun, Job
from kinema.dry_run.videos import Changed

GOAL = "all"  # a rule without outputs
LISTING = "other video files"


@dataclass(kw_only=True)
class Row:
    """Jobs of one rule that run for the same reasons."""

    rule: str
    why: str
    is_certain: bool = True  # else a checkpoint before them decides
    jobs: list[Job] = field(default_factory=list)


def rows_of(found: DryRun, changed: Mapping[int, Changed | None]) -> list[Row]:
    """The rows in the order of the stages; `changed` are the videos that jobs of rule plan will find, by their number.

    When a checkpoint has run, Snakemake judges the jobs behind it anew. What rule plan will find is known here, so what
    follows from it is told; other jobs behind a checkpoint give rows that are not certain.
    """
    depths = _depths(found)
    reasons = _Reasons(found, changed, depths)
    rows: dict[tuple[str, str, bool], Row] = {}
    for number in sorted(depths, key=lambda one: (depths[one], found.jobs[one].rule, one)):
        job = found.jobs[number]
        if job.rule != GOAL and (told := reasons.of(number)):
            why, is_certain = told
            row = rows.setdefault((job.rule, *told), Row(rule=job.rule, why=why, is_certain=is_certain))
            row.jobs.append(job)
    return sorted(rows.values(), key=lambda row: _stage(row.rule, found, depths))


class _Reasons:
    """Why jobs run; ask in the order of their dependencies."""

    def __init__(self, found: DryRun, changed: Mapping[int, Changed | None], depths: Mapping[int, int]):
        self.found, self.changed, self.depths = found, changed, depths
        self.made_by = {path: job.rule for job in found.jobs if job.is_needed for path in job.outputs}
        self.runs: set[int] = set()  # numbers of the jobs that certainly run

    def of(self, number: int) -> tuple[str, bool] | None:
        """Why a job runs, and whether that is certain; None where it surely does not."""
        job = self.found.jobs[number]
        why = self._known(number, job)
        if why:
            self.runs.add(number)
            self.made_by |= dict.fromkeys(job.outputs, job.rule)
            return why, True
        deciding = [one for one in self.found.behind(number) & self.runs if self._decides(one, number)]
        if not deciding:
            return None
        last = max(deciding, key=lambda one: self.depths[one])
        after = f"decided after {self.found.jobs[last].rule}"
        return f"{NEW}; {after}" if job.is_new else after, False

    def _known(self, number: int, job: Job) -> str:
        videos = self.changed.get(number)
        if job.is_needed or job.params_now:
            return "; ".join(_with_videos(text, videos) for text in causes(job, self.made_by))
        if videos and videos.shards:
            return videos.told()
        if job.rule == "shard" and (videos := self._videos_of(number)) and job.wildcards["shard"] in videos.shards:
            return f"after plan: {videos.told(with_missing=False)}"
        after = dict.fromkeys(self.made_by[path] for path in job.watched if path in self.made_by)
        return f"after {', '.join(after)}" if after else ""

    def _videos_of(self, number: int) -> Changed | None:
        """What the plan before a shard will find."""
        return next((self.changed[one] for one in self.found.jobs[number].depends_on if one in self.changed), None)

    def _decides(self, number: int, later: int) -> bool:
        """Whether a job is a checkpoint of which it is not known yet what it makes of a later job."""
        if self.found.jobs[later].rule == "shard" and self._videos_of(later) is not None:
            return False
        return self.found.jobs[number].is_checkpoint and self.changed.get(number) is None


def _with_videos(cause: str, videos: Changed | None) -> str:
    """A cause of a plan of the shards, with the videos that it will find."""
    if not videos or cause not in (LISTING, NEW):
        return cause
    return f"{NEW}: {videos.told()}" if cause == NEW else videos.told()


def _depths(found: DryRun) -> dict[int, int]:
    """How many jobs lie behind each other before a job, by its number."""
    depths: dict[int, int] = {}

    def depth(number: int) -> int:
        if number not in depths:
            depths[number] = 1 + max((depth(one) for one in found.jobs[number].depends_on), default=0)
        return depths[number]

    for number in range(len(found.jobs)):
        depth(number)
    return depths


def _stage(rule: str, found: DryRun, depths: Mapping[int, int]) -> tuple[int, str]:
    return max(depths[number] for number, job in enumerate(found.jobs) if job.rule == rule), rule
