"""A row of the leaderboard -> cells of its tables, as text and as the value that they are sorted by."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kinema.durations import duration_in_words
from kinema.leaderboard.rows import Row, Score
from kinema.outcome.score import fraction

EMPTY = "-"
CHOSEN = "*"  # behind an accuracy on videos that chose the epoch or the learning rate
FEW_VIDEOS = 100  # one of these is seen in the second decimal
COMMIT, DIGEST = 10, 8  # characters that tell one from another


@dataclass(frozen=True)
class Cell:
    """What is shown, and what a column is sorted by; None where there is nothing to sort, which comes last."""

    text: str
    value: float | str | None


@dataclass(frozen=True)
class Column:
    """A column of a table; `hint` says what it holds."""

    title: str
    hint: str
    cell: Callable[[Row], Cell]
    is_number: bool = True


NOTHING = Cell(EMPTY, None)


def _of_score(cell: Callable[[Score], Cell]) -> Callable[[Row], Cell]:
    return lambda row: NOTHING if row.score is None else cell(row.score)


def _accuracy(score: Score) -> Cell:
    star = CHOSEN if score.is_chosen_here else ""
    return Cell(fraction(score.accuracy, score.num_videos) + star, score.accuracy)


def _interval(score: Score) -> Cell:
    low, high = (fraction(end, score.num_videos) for end in (score.interval.low, score.interval.high))
    return Cell(f"{low} to {high}", score.interval.low)


def _coverage(score: Score) -> Cell:
    return Cell(coverage_in_words(score.coverage), score.coverage)


def coverage_in_words(coverage: float) -> str:
    """Per cent, cut off: all videos are 100.0 %, and nothing less is."""
    return f"{math.floor(1000 * coverage + 1e-6) / 10:.1f} %"  # a little more, as 0.29 * 100 is below 29


def _against_best(row: Row) -> Cell:
    if row.against_best is None or row.score is None:
        return Cell("best", 0.0) if row.rank else NOTHING
    found = row.against_best
    difference = f"{abs(found.difference):.3f}" if row.score.num_videos > FEW_VIDEOS else f"{abs(found.difference):.2f}"
    sign = "-" if found.difference < 0 else ""
    return Cell(f"{sign}{difference} ({found.only_best:,} : {found.only_this:,})", found.difference)


def _p(row: Row) -> Cell:
    return NOTHING if row.against_best is None else Cell(p_in_words(row.against_best.p), row.against_best.p)


def p_in_words(p: float) -> str:
    """Three decimals, as smaller ones say no more."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _number(value: float | None, text: str) -> Cell:
    return NOTHING if value is None else Cell(text.format(value), value)


def _parameters(row: Row) -> Cell:
    return _number(None if row.cost.parameters is None else row.cost.parameters / 1e6, "{:,.2f}")


def _exported(row: Row) -> Cell:
    return _number(None if row.cost.exported_bytes is None else row.cost.exported_bytes / 1e6, "{:,.1f}")


def _clip_ms(row: Row) -> Cell:
    return _number(None if row.cost.clip_seconds is None else 1000 * row.cost.clip_seconds, "{:,.1f}")


def _training(row: Row) -> Cell:
    seconds = row.cost.training_seconds
    return NOTHING if not seconds else Cell(duration_in_words(seconds), seconds)


def _text(value: str | None) -> Cell:
    return Cell(value, value) if value else NOTHING


RANK = Column("rank", "Equal where as many videos are right.", lambda row: _number(row.rank, "{}"))
MODEL = Column("model", "Its folder.", lambda row: _text(row.name), is_number=False)
ACCURACY = Column("accuracy", "Of the videos, those whose class is the most probable one.", _of_score(_accuracy))
INTERVAL = Column(
    "95 % interval", "Of the accuracy; over groups of videos where these are known.", _of_score(_interval)
)
COVERAGE = Column("coverage", "Of the annotated videos, those that were scored.", _of_score(_coverage))
VIEWS = Column(
    "views",
    "What of a clip was scored and averaged, where it is not the centre alone.",
    _of_score(lambda score: _text(score.views)),
    is_number=False,
)
RANKED = (
    RANK,
    MODEL,
    ACCURACY,
    INTERVAL,
    COVERAGE,
    VIEWS,
    Column(
        "against the best",
        "Difference of the accuracies (videos that only the best has right : videos that only this one has right).",
        _against_best,
    ),
    Column("p", "Of McNemar's exact test on the same videos, two-sided.", _p),
    Column("M parameters", "Millions of parameters.", _parameters),
    Column("GMACs", "Billions of multiply-adds of one clip.", lambda row: _number(row.cost.gmacs, "{:,.2f}")),
    Column("MB exported", "Megabytes of model.xml and model.bin.", _exported),
    Column("ms a clip", "Time of model.xml for one clip, on the machine that is named below.", _clip_ms),
    Column("training", "Time spent in training.", _training),
)
OTHERS = (
    MODEL,
    ACCURACY,
    INTERVAL,
    COVERAGE,
    VIEWS,
    Column(
        "videos",
        "Those that were scored.",
        _of_score(lambda score: Cell(f"{score.num_videos:,} {score.subset}", score.num_videos)),
    ),
    Column("why it has no rank", "What is not as in the ranking.", lambda row: _text(row.reason), is_number=False),
)


def made_columns(versions: dict[str, str]) -> Sequence[Column]:
    """What each model was made with; `versions` are those that differ, by model."""
    return (
        MODEL,
        Column("commit", "Of the code that trained it.", lambda row: _text(_commit(row.made.commit)), is_number=False),
        Column(
            "training videos",
            "Digest of what it was trained on: the same for the same videos and classes.",
            lambda row: _text((row.made.data or "")[:DIGEST]),
            is_number=False,
        ),
        Column(
            "versions that differ",
            "Of Python packages, between these models.",
            lambda row: _text(versions.get(row.name)),
            is_number=False,
        ),
    )


def filled(columns: Sequence[Column], rows: Sequence[Row]) -> list[Column]:
    """The columns that have something for one of the rows."""
    return [column for column in columns if any(column.cell(row) is not NOTHING for row in rows)]


def _commit(commit: str | None) -> str | None:
    """The first characters, and whether files differed from it."""
    if commit is None:
        return None
    name, mark, _ = commit.partition("-")
    return name[:COMMIT] + ("-dirty" if mark else "")
