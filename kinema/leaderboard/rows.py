"""Candidates -> the rows of the leaderboard: those that are comparable with rank, the others below with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kinema.leaderboard.candidate import Candidate
from kinema.leaderboard.cost import cost_of
from kinema.leaderboard.mcnemar import exact_p
from kinema.leaderboard.scored import Scored, obstacle
from kinema.outcome.fitting import is_chosen_here
from kinema.outcome.score import interval_of
from kinema.records.evaluation import Interval


@dataclass(frozen=True, kw_only=True)
class Score:
    """How good a model is on its videos. Fractions; `is_chosen_here`: by the videos that score it.

    `views` says what of them was scored, where that is not as by default.
    """

    accuracy: float
    interval: Interval
    coverage: float
    num_videos: int
    subset: str
    is_chosen_here: bool
    is_trained_on: bool = False
    views: str = ""


@dataclass(frozen=True, kw_only=True)
class Paired:
    """A model against the best one on the same videos.

    `difference` of the accuracies, not above 0; videos that only the best, and only this one, has right; p of
    McNemar's exact test.
    """

    difference: float
    only_best: int
    only_this: int
    p: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a model takes; None where that is not known. GMACs are billions of multiply-adds of a clip.

    `clip_seconds` is what an exported one takes for a clip on the machine that `measured_on` names.
    """

    parameters: int | None = None
    gmacs: float | None = None
    exported_bytes: int | None = None
    clip_seconds: float | None = None
    measured_on: str | None = None
    training_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a model was made with: by training.json. `data` is the digest of the training videos."""

    commit: str | None = None
    data: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A model of the leaderboard. `rank` from 1, equal where as many videos are right; None where `reason` says why.

    `against_best` is None of the best one, and where there is no rank.
    """

    name: str
    rank: int | None
    score: Score | None
    against_best: Paired | None
    cost: Cost
    made: Made
    reason: str | None


def ranked_rows(candidates: Sequence[Candidate], reference: Scored | None) -> list[Row]:
    """Rows in the order of the leaderboard: by accuracy, then by name; then those without a rank, by name."""
    reasons = {one.name: _reason(one, reference) for one in candidates}
    by_name = sorted(candidates, key=lambda one: one.name)
    ranked = sorted((one for one in by_name if not reasons[one.name]), key=lambda one: -one.correct.sum())
    others = [one for one in by_name if reasons[one.name]]
    rows = []
    for one in [*ranked, *others]:
        reason = reasons[one.name]
        # of as many right, the first
        rank = None if reason else 1 + sum(other.correct.sum() > one.correct.sum() for other in ranked)
        paired = None if reason or one is ranked[0] else _paired(one, ranked[0])
        rows.append(_row(one, rank=rank, against_best=paired, reason=reason))
    return rows


def score_of(candidate: Candidate) -> Score | None:
    """The accuracy of a model with what belongs beside it."""
    evaluation = candidate.evaluation
    if evaluation is None or evaluation.subset is None or candidate.scored is None:
        return None
    return Score(
        accuracy=evaluation.scores.video_top1,
        interval=interval_of(evaluation),
        coverage=evaluation.scores.coverage,
        num_videos=evaluation.scores.num_videos,
        subset=evaluation.subset,
        is_chosen_here=is_chosen_here(evaluation),
        is_trained_on=evaluation.scores.trained_on,
        views=evaluation.views.in_words,
    )


def differing_versions(rows: Sequence[Row]) -> dict[str, str]:
    """By model, the versions that are not the same for all models: `torch 2.10.0, timm 1.0.20`."""
    known = [row.made.versions for row in rows if row.made.versions]
    names = sorted({name for versions in known for name in versions})
    differing = [name for name in names if len({versions.get(name) for versions in known}) > 1]
    return {
        row.name: ", ".join(f"{name} {row.made.versions.get(name, 'none')}" for name in differing)
        for row in rows
        if row.made.versions
    }


def _reason(candidate: Candidate, reference: Scored | None) -> str | None:
    if candidate.problem or candidate.scored is None or reference is None:
        return candidate.problem or "no scores"
    return obstacle(candidate.scored, reference)


def _paired(candidate: Candidate, best: Candidate) -> Paired:
    only_best = int((best.correct & ~candidate.correct).sum())
    only_this = int((candidate.correct & ~best.correct).sum())
    return Paired(
        difference=(only_this - only_best) / len(best.correct),
        only_best=only_best,
        only_this=only_this,
        p=exact_p(only_best, only_this),
    )


def _row(candidate: Candidate, *, rank: int | None, against_best: Paired | None, reason: str | None) -> Row:
    training, latency = candidate.training, candidate.latency
    summary = cost_of(training) if training else None
    return Row(
        name=candidate.name,
        rank=rank,
        score=score_of(candidate),
        against_best=against_best,
        cost=Cost(
            parameters=summary.parameters if summary else None,
            gmacs=summary.gmacs if summary else None,
            exported_bytes=candidate.exported_bytes,
            clip_seconds=latency.seconds if latency else None,
            measured_on=latency.measured_on if latency else None,
            training_seconds=training.seconds if training else None,
        ),
        made=Made(commit=training.commit, data=training.data.get("training"), versions=training.versions)
        if training
        else Made(),
        reason=reason,
    )
