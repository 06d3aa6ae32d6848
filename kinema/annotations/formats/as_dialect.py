"""What a reader found in a list -> the one dialect, or the rows of a table whose subsets are still to be drawn."""

import logging
from typing import Any

import pandas as pd

from kinema.annotations.dialect import Dialect, subsets_of
from kinema.annotations.formats.listing import Item, Listing, raise_first
from kinema.annotations.formats.media_names import forward, short_names
from kinema.annotations.formats.table import without_extension
from kinema.annotations.rows import TEXT
from kinema.annotations.segments import SHORTEST, with_segments
from kinema.job import ON_SCREEN

NO_SUBSET = (
    "the list does not say what is for training and what for scoring. Name the files by it (train.json, val.json), or "
    "say it: `subsets: [training, validation]`, one for each path; or let `kinema init-dataset LIST --videos FOLDER` "
    "draw them into a table"
)
log = logging.getLogger(__name__)


def as_dialect(listing: Listing, *, fps: float | None, source: str) -> Dialect:
    """The dialect of a listing; ValueError lists what contradicts. What is left out is told in a line a reason."""
    rows = as_rows(listing, fps=fps)
    if rows["subset"].isna().any():
        raise ValueError(f"{source}: {NO_SUBSET}")
    for note in listing.notes():
        log.warning("%s: %s", source, note, extra=ON_SCREEN)
    return Dialect(labels_of(listing, rows), rows)


def labels_of(listing: Listing, rows: pd.DataFrame) -> list[str]:
    """Labels in the order that the list gives them, then by the alphabet."""
    used = set(rows["label"].dropna())
    known = [label for label in listing.labels if listing.has_unused_labels or label in used]
    return known + sorted(used - set(known))


def as_rows(listing: Listing, *, fps: float | None) -> pd.DataFrame:
    """One row an entry, with the columns of the dialect and `place`; `subset` is missing where nothing says it.

    `fps` turns frames into seconds. ValueError lists what contradicts.
    """
    listing.check()
    rows = pd.DataFrame([item for item in listing.items if _is_labelled(item, listing)], columns=Item._fields)
    if rows.empty:
        raise _nothing_left(listing)
    rows["video"] = rows["video"].map(forward)
    rows["video"] = rows["video"].map(short_names(rows["video"].unique()))
    for name in ("video", "label", "subset", "group", "unit"):
        rows[name] = rows[name].astype(TEXT)
    rows[["start", "end"]] = rows[["start", "end"]].astype("float64")
    given = rows["subset"]
    rows["subset"] = subsets_of(given)
    _check(rows, given)
    if fps:
        counted = rows["unit"] == "frames"
        rows.loc[counted, ["start", "end"]] /= fps
        rows["unit"] = rows["unit"].mask(counted, "seconds")
    rows = _one_each(with_segments(without_extension(rows)), listing)
    if rows.empty:
        raise _nothing_left(listing)
    return rows


def _nothing_left(listing: Listing) -> ValueError:
    return ValueError(f"{listing.file}: no video with a label" + "".join(f"; {note}" for note in listing.notes()))


def _is_labelled(item: Item, listing: Listing) -> bool:
    """Whether an item has what its subset needs; without a label it is for testing, or nothing."""
    if item.label or (item.subset or "").lower() in ("testing", "test"):
        return True
    listing.leave_out("videos or parts have no label and are left out", item.place)
    return False


def _check(rows: pd.DataFrame, given: pd.Series) -> None:
    lost = given.notna() & rows["subset"].isna()
    start, end = rows["start"].fillna(0), rows["end"].fillna(float("inf"))
    short = end - start < rows["unit"].map(SHORTEST)
    negative = start < 0
    empty = rows["video"].fillna("") == ""
    told = rows.assign(subset=given)
    problems = []
    for bad, text in (
        (empty, "no name of a video"),
        (lost, "subset '{subset}'; expected training, validation or testing (or train, val, test)"),
        (negative, "begins at {start:g}; expected 0 or more"),
        (short & ~negative, "holds no frame: it is from {start:g} to {end:g} {unit}"),
    ):
        found: list[dict[Any, Any]] = told[bad.to_numpy(bool)].to_dict("records")
        problems += [f"{row['place']}: {text.format_map(row)}" for row in found]
    raise_first(problems)


def _one_each(rows: pd.DataFrame, listing: Listing) -> pd.DataFrame:
    """One row an id; the same said twice counts once, and what has two labels is left out or a mistake."""
    again = rows.duplicated(["id", "label", "subset"])
    for place in rows["place"][again]:
        listing.leave_out("videos or parts are listed more than once, with the same label; one of each is kept", place)
    rows = rows[~again]
    twice = rows["id"].duplicated(keep=False)
    if not twice.any():
        return rows
    problems = []
    for name, same in rows[twice].groupby("id", sort=False):
        if listing.has_many_labels and same["subset"].nunique(dropna=False) == 1:
            listing.leave_out("parts have several labels, where a model gives one, and are left out", f"'{name}'")
        else:
            problems.append(_contradiction(str(name), same))
    raise_first(problems)
    return rows[~twice]


def _contradiction(name: str, same: pd.DataFrame) -> str:
    key = "label" if same["label"].nunique(dropna=False) > 1 else "subset"
    (first, other), (place, here) = (same[column].iloc[:2] for column in (key, "place"))
    return f"{here}: '{name}' has the {key} {_quoted(other)} here and {_quoted(first)} in {place}; keep one"


def _quoted(value: Any) -> str:
    return "none" if pd.isna(value) else f"'{value}'"
