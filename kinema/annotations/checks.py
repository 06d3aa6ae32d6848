"""A list in the one dialect -> an error where no model can come of it, a warning for each thing that spoils one."""

import logging
from collections.abc import Sequence

import pandas as pd

from kinema.annotations.dialect import Dialect
from kinema.annotations.groups import groups_of
from kinema.annotations.leaks import divided
from kinema.job import ON_SCREEN
from kinema.spelling import alike, counted, told_apart
from kinema.words import UNLABELLED_TOO, unscored

MOST = 10  # names in a line
log = logging.getLogger(__name__)


def check_dialect(dialect: Dialect, *, source: str, scored: Sequence[Sequence[str]] = (), redraw: str = "") -> None:
    """ValueError where nothing can be trained on, or scored that is asked for; a warning for all else.

    `scored` holds for each model that is to be scored the subsets of which one is needed. `redraw` is the command that
    draws other subsets, where there is one.
    """
    entries = dialect.entries
    _check_classes(dialect, source)
    labelled = set(entries["subset"][entries["label"].isin(dialect.labels)])
    there = labelled | {f"{name}{UNLABELLED_TOO}" for name in entries["subset"].unique()}
    lacking = next((wanted for wanted in scored if there.isdisjoint(wanted)), None)
    if lacking:
        raise ValueError(f"{source}: {unscored(lacking, redraw)}")
    if labelled.isdisjoint(("validation", "testing")):
        log.warning("%s: %s", source, unscored(("testing", "validation"), redraw), extra=ON_SCREEN)
    _tell_leaks(entries, source, redraw)
    counts = {str(label): int(number) for label, number in entries["label"].value_counts().items()}
    for group in alike({**dict.fromkeys(dialect.labels, 0), **counts}):
        log.warning("%s: labels that look alike are separate classes: %s", source, counted(group, counts))


def _check_classes(dialect: Dialect, source: str) -> None:
    entries, labels = dialect.entries, dialect.labels
    training = entries["subset"] == "training"
    if not training.any():
        raise ValueError(f"{source}: no entry has the subset training; a model needs some")
    trained = sorted(entries["label"][training].dropna().unique())
    if len(trained) < 2:
        raise ValueError(
            f"{source}: all training videos are of one class, {told_apart(trained)[0]}; a model needs two classes or "
            "more to tell apart. Add training videos of another one."
        )
    unknown = entries["label"].notna() & ~entries["label"].isin(labels)
    if unknown.any():
        names = ", ".join(sorted(entries["label"][unknown].unique())[:MOST])
        log.warning("%s: %d videos have a label without a class, and are not scored: %s", source, unknown.sum(), names)
    untrained = sorted(set(labels) - set(trained))
    if untrained:
        names = ", ".join(untrained[:MOST])
        log.warning("%s: %d labels have no training video: %s", source, len(untrained), names, extra=ON_SCREEN)


def _tell_leaks(entries: pd.DataFrame, source: str, redraw: str) -> None:
    """A line for groups in two subsets, and one for files whose parts are; groups are the list's, else the names'."""
    files = entries["video"].fillna(entries["id"]) if "video" in entries else entries["id"]
    given = "group" in entries and entries["group"].notna().any()
    groups = entries["group"] if given else groups_of(files)
    remedy = f"; `{redraw}` draws subsets by whole groups" if redraw else ""
    parts = files.where(files.duplicated(keep=False))
    for keys, what in ((groups, "groups"), (parts, "files, by their parts,")):
        found = divided(keys, entries["subset"])
        if found:
            text = "%s: %d %s lie in more than one subset, such as '%s': scores will be too good%s"
            log.warning(text, source, len(found), what, found[0], remedy, extra=ON_SCREEN)
