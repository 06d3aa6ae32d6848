"""The setting `evaluation.subset` and what a clip index has -> the subsets that an evaluation scores.

The Snakefile imports this module on every call: it needs the standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kinema.words import UNLABELLED_TOO

ORDER = ("testing", "validation", "training")  # in which the first with labels is reported
CALIBRATING = "validation"


@dataclass(frozen=True)
class ScoredSubsets:
    """What is scored of a data set.

    `reported` is the subset that the leaderboard, the gates and `kinema show` speak of, None where no label is there to
    tell what is right. `calibrating` is the one that tells how far confidences can be believed. `names` are all that
    are scored, the reported one first; none where there is nothing to score.
    """

    reported: str | None
    calibrating: str | None
    names: tuple[str, ...]


def scored_subsets(wanted: str, labelled: Mapping[str, bool]) -> ScoredSubsets:
    """By the setting and the subsets that have videos, each with whether one of these has a label.

    A model that was trained on its videos is sure of them, so training videos do not calibrate.
    """
    named = [wanted] if wanted in ORDER else [name for name in ORDER if wanted == "all" and name in labelled]
    if wanted in ORDER and wanted not in labelled:
        return ScoredSubsets(None, None, ())
    reported = next((name for name in evaluation_order(wanted) if labelled.get(name)), None)
    if reported is None and not named:
        return ScoredSubsets(None, None, ())
    calibrating = CALIBRATING if labelled.get(CALIBRATING) else reported
    calibrating = None if calibrating == "training" else calibrating
    names = dict.fromkeys([reported, *named, calibrating])
    return ScoredSubsets(reported, calibrating, tuple(name for name in names if name))


def needed_subsets(wanted: str, *, verified: bool) -> list[tuple[str, ...]]:
    """What a list has to have for the setting: of each of these a subset with labels, or one that needs none.

    A model that is `verified` needs labels; else videos of a subset that is asked for by name are enough.
    """
    named = [(f"{wanted}{UNLABELLED_TOO}",)] if wanted in ORDER else []
    return named + ([evaluation_order(wanted)] if verified or not named else [])


def evaluation_order(wanted: str) -> tuple[str, ...]:
    """Subsets of which the first with a label is reported, by the setting `evaluation.subset`.

    Testing videos that have no labels leave the numbers to the validation videos.
    """
    if wanted == "all":
        return ORDER
    return ORDER[:2] if wanted in ("auto", "testing") else (wanted,)
