"""The rows of the leaderboard -> what they say, in sentences: the same in Markdown, on the page and in the log."""

from collections.abc import Iterator, Sequence

from kinema.leaderboard.columns import CHOSEN, coverage_in_words, p_in_words
from kinema.leaderboard.rows import Row
from kinema.outcome.score import fraction

LEVEL = 0.05  # a p above it is no evidence of a difference
TEST = (
    "p is that of McNemar's exact test: how often a difference at least as large would come up, were both models "
    "equally good. Each is of one pair, and the best is the best on these very videos; among many models small ones "
    "come up by chance. It knows neither of a training with another seed nor of videos that are cuts of one film."
)
OF_A_SWEEP = (
    "Some of these differ by settings in their names. Choose among those by a sweep, which goes by validation videos "
    "or a cross-validation: the one that looks best on these testing videos has a number that flatters it."
)
CHOSEN_HERE = f"{CHOSEN} The epoch or the learning rate was chosen on these videos: expect less on new ones."


def verdict(rows: Sequence[Row]) -> list[str]:
    """The best model, and from which of the others these videos can tell it."""
    ranked = [row for row in rows if row.rank]
    if not ranked:
        return ["No model has scores that can be read."]
    best = ranked[0]
    lines = [_of_best(best)]
    if len(ranked) > 1:
        close = [row for row in ranked[1:] if row.against_best and row.against_best.p > LEVEL]
        lines.append(_of_others(close, len(ranked) - 1))
    return lines


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """What a reader has to know of the table of ranked models."""
    ranked = [row for row in rows if row.rank]
    if any(row.score and row.score.is_chosen_here for row in rows):
        yield CHOSEN_HERE
    if len(ranked) > 1:
        yield TEST
    if sum("=" in row.name and row.score is not None and row.score.subset == "testing" for row in ranked) > 1:
        yield OF_A_SWEEP
    yield from _machines(ranked)
    if len({row.made.data for row in ranked if row.made.data}) > 1:
        yield "Not all of these models were trained on the same videos: see what each was made with."


def _machines(ranked: Sequence[Row]) -> Iterator[str]:
    """Where times of clips were measured; those of different machines do not compare."""
    names: dict[str, list[str]] = {}
    for row in ranked:
        if row.cost.measured_on:
            names.setdefault(row.cost.measured_on, []).append(row.name)
    if len(names) == 1:
        yield f"Milliseconds a clip were measured by `kinema benchmark` on {next(iter(names))}."
    elif names:
        each = "; ".join(f"on {machine}: {', '.join(models)}" for machine, models in names.items())
        yield f"Milliseconds a clip were not all measured on the same machine, so do not compare them: {each}."


def outdated_line(dataset: str, difference: str | None) -> Iterator[str]:
    """That the ranking is of older videos than the clip index has, and what to do."""
    if difference:
        yield (
            f"The ranking is not of the videos that results/{dataset}/clips.parquet has now ({difference}): score the "
            "models anew, snakemake with the evaluation.json of each."
        )


def _of_best(row: Row) -> str:
    score = row.score
    assert score
    low, high = (fraction(end, score.num_videos) for end in (score.interval.low, score.interval.high))
    hits, accuracy = round(score.accuracy * score.num_videos), fraction(score.accuracy, score.num_videos)
    more = f", coverage {coverage_in_words(score.coverage)}"
    more += f", {score.views}" if score.views else ""
    more += ", chosen on these videos" if score.is_chosen_here else ""
    more += ", trained on these videos" if score.is_trained_on else ""
    return (
        f"{row.name} has {hits:,} of {score.num_videos:,} {score.subset} videos right: {accuracy} "
        f"(95 % interval {low} to {high}{more})."
    )


def _of_others(close: Sequence[Row], number: int) -> str:
    if not close:
        return f"It can be told from {'the other' if number == 1 else f'all {number} others'} on these videos."
    names = ", ".join(f"{row.name} (p = {p_in_words(row.against_best.p)})" for row in close if row.against_best)
    return f"It cannot be told from {names} on these videos."
