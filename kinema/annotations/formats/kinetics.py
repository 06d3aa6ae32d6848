"""Kinetics-400/600/700 and Mini-Kinetics-200 lists -> the dialect.

A list is CSV: `label,youtube_id,time_start,time_end,split`, in the test lists without `label`; further columns are left
aside. An entry's id is `<youtube_id>_<start:06d>_<end:06d>`, as downloaders name the file. Labels are numbered in the
order of their first appearance in the training list.
"""

import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kinema.annotations.dialect import Dialect, subsets_of
from kinema.annotations.rows import Problems, each_distinct, read_lines, read_tables
from kinema.experiment.data_sections import Annotations

REQUIRED = ("youtube_id", "time_start", "time_end", "split")
WHOLE_SECONDS = r"[0-9]{1,9}(\.0*)?"
YOUTUBE_ID = r"[A-Za-z0-9_-]+"
log = logging.getLogger(__name__)


def read_kinetics(files: Sequence[Path], settings: Annotations) -> Dialect:
    """Entries of one or more lists, whatever their order; ValueError names the first ten malformed lines."""
    return _dialect(_read_lists(files))


def read_mini_kinetics(files: Sequence[Path], settings: Annotations) -> Dialect:
    """As Kinetics; files of bare ids (.txt), where there are some, choose rows of the lists."""
    rows = _read_lists([file for file in files if file.suffix.lower() != ".txt"])
    id_files = [file for file in files if file.suffix.lower() == ".txt"]
    if id_files:
        rows = _chosen(rows, id_files)
    return _dialect(rows)


def _read_lists(files: Sequence[Path]) -> pd.DataFrame:
    rows = read_tables(files, columns=("label", *REQUIRED), required=REQUIRED)
    subset = subsets_of(rows["split"])
    _check(rows, subset)
    start, end = (each_distinct(rows[name], _six_digits) for name in ("time_start", "time_end"))
    return rows.assign(
        id=rows["youtube_id"] + "_" + start + "_" + end,
        subset=subset,
    )


def _check(rows: pd.DataFrame, subset: pd.Series) -> None:
    problems = Problems(rows, show_line=True)
    well_named = rows["youtube_id"].str.fullmatch(YOUTUBE_ID)
    problems.report(~well_named.fillna(False), "youtube_id '{youtube_id}' is not letters, digits, - and _")
    problems.report(subset.isna(), "split '{split}'; expected train, val (or validate) or test")
    problems.report(rows["label"].isna() & (subset != "testing"), "no label; only test rows may lack one")
    whole = {name: rows[name].str.fullmatch(WHOLE_SECONDS).fillna(False) for name in ("time_start", "time_end")}
    for name, good in whole.items():
        problems.report(~good, f"{name} '{{{name}}}' is not a whole number of seconds")
    start, end = (pd.to_numeric(rows[name].where(whole[name])).astype("float64") for name in ("time_start", "time_end"))
    problems.report(end <= start, "time_end {time_end} <= time_start {time_start}")
    problems.check()


def _six_digits(seconds: str) -> str:
    return f"{int(float(seconds)):06d}"


def _chosen(rows: pd.DataFrame, id_files: Sequence[Path]) -> pd.DataFrame:
    """The rows whose YouTube id stands in a file of ids."""
    ids = read_lines(id_files)
    problems = Problems(ids.to_frame("id"), show_line=True)
    problems.report(~ids.str.fullmatch(YOUTUBE_ID), "'{id}' is not a YouTube id")
    problems.check()
    lost = ids[~ids.isin(rows["youtube_id"])]
    if len(lost) == len(ids):
        raise ValueError(
            f"{_names(id_files)}: not one of the {len(ids)} ids is in the lists; are they of Kinetics-400?"
        )
    if len(lost):
        log.warning("%d of %d ids are in no list, such as %s", len(lost), len(ids), ", ".join(lost.iloc[:3]))
    return rows[rows["youtube_id"].isin(ids)]


def _dialect(rows: pd.DataFrame) -> Dialect:
    labels = rows["label"][rows["subset"] == "training"].unique().tolist()
    return Dialect(labels, _without_repeats(rows))


def _without_repeats(rows: pd.DataFrame) -> pd.DataFrame:
    """One row an id: of testing, else validation, else training, and of several the last; each kind is counted."""
    rank = pd.Categorical(rows["subset"], categories=["training", "validation", "testing"], ordered=True)
    kept = rows.iloc[rank.codes.argsort(kind="stable")]
    again = kept.duplicated(["id", "subset", "label"])
    _warn(kept[again], "rows are listed more than once; one of each is kept")
    kept = kept[~again]
    relabelled = kept.duplicated(["id", "subset"], keep="last")
    _tell_relabelled(kept[kept.duplicated(["id", "subset"], keep=False)], int(relabelled.sum()))
    kept = kept[~relabelled]
    elsewhere = kept.duplicated("id", keep="last")
    _warn(kept[elsewhere], "clips are listed for two subsets; they leave training (else validation) for the other")
    return kept[~elsewhere]


def _tell_relabelled(rows: pd.DataFrame, count: int) -> None:
    """A warning that names both rows of the first clips that have two labels."""
    if count:
        clips = itertools.islice(rows.groupby(["id", "subset"], sort=False), 3)
        shown = []
        for (name, _), same in clips:
            labels = zip(same["label"], same.index, strict=True)
            shown.append(f"{name} " + ", ".join(f"'{label}' ({file} line {line})" for label, (file, line) in labels))
        log.warning("%d clips have a second label; the last one counts; such as %s", count, "; ".join(shown))


def _warn(rows: pd.DataFrame, text: str) -> None:
    if len(rows):
        first = zip(rows["id"], rows.index, strict=True)
        places = [f"{name} ({file} line {line})" for name, (file, line) in itertools.islice(first, 3)]
        log.warning("%d %s; such as %s", len(rows), text, ", ".join(places))


def _names(files: Sequence[Path]) -> str:
    return ", ".join(str(file) for file in files)
