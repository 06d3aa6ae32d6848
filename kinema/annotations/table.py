"""The user's own CSV, TSV or Parquet table -> annotation.json.

Columns: `video` (file name without extension, or a path below the video folder), `label`, `subset`, optional `group`
(videos of one group belong in one subset: a person, a scene). Labels are numbered in alphabetical order, so the order
of rows never changes a class.
"""

import logging
from pathlib import Path
from typing import Any

import pandas as pd

from kinema.files import write_json
from kinema.media.plan import VIDEO_EXTENSIONS

SUBSETS = {
    **dict.fromkeys(("training", "train"), "training"),
    **dict.fromkeys(("validation", "validate", "valid", "val"), "validation"),
    **dict.fromkeys(("testing", "test"), "testing"),
}
log = logging.getLogger(__name__)


def convert_table(*, table: Path, out: Path) -> None:
    """Write the annotation JSON of a table; ValueError lists the first 10 bad rows."""
    rows = _read(table)
    _check(rows, table)
    rows["subset"] = rows["subset"].str.lower().map(SUBSETS)
    rows = rows.sort_values("video")
    labels = sorted(rows["label"].dropna().unique())
    untrained = sorted(set(labels) - set(rows.loc[rows["subset"] == "training", "label"]))
    if untrained:
        log.warning("%s: %d labels have no training video: %s", table, len(untrained), ", ".join(untrained[:10]))
    database = {row["video"]: _entry(row) for row in rows.to_dict("records")}
    write_json(out, {"labels": labels, "database": database})
    log.info("%s: %d videos, %d labels", table, len(database), len(labels))


def _entry(row: dict[Any, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {"subset": row["subset"], "annotations": {}}
    if pd.notna(row["label"]):
        entry["annotations"]["label"] = row["label"]
    if pd.notna(row.get("group")):
        entry["group"] = row["group"]
    return entry


def _read(table: Path) -> pd.DataFrame:
    """The table as strings, missing cells as NA, `video` without a media extension."""
    suffix = table.suffix.lower()
    try:
        if suffix == ".parquet":
            rows = pd.read_parquet(table).reset_index(drop=True).astype("string")
        else:
            separator = "\t" if suffix in (".tsv", ".tab") else ","
            # only an empty cell is missing: there are videos named NA and labels named null
            rows = pd.read_csv(
                table, sep=separator, dtype="string", encoding="utf-8-sig", keep_default_na=False, na_values=[""]
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{table}: cannot be read as a table: {' '.join(str(error).split())}") from None
    missing = [name for name in ("video", "label", "subset") if name not in rows.columns]
    if missing:
        raise ValueError(
            f"{table}: no column {', '.join(missing)}; found {', '.join(rows.columns)}. "
            "A table has the columns video, label, subset and, if you like, group."
        )
    rows = rows.apply(lambda column: column.str.strip())
    extensions = "|".join(extension.lstrip(".") for extension in VIDEO_EXTENSIONS)
    rows["video"] = rows["video"].str.replace(rf"(?i)\.({extensions})$", "", regex=True)
    return rows


def _check(rows: pd.DataFrame, table: Path) -> None:
    problems: list[tuple[int, str]] = []
    if rows.empty:
        raise ValueError(f"{table}: no rows below the header; expected one row a video")

    def report(bad: pd.Series, text: str) -> None:
        problems.extend((int(index), text.format(**rows.loc[index].fillna(""))) for index in rows.index[bad])

    known = rows["subset"].str.lower().isin(list(SUBSETS))
    report(rows["video"].fillna("") == "", "no video name")
    report(rows["video"].duplicated() & rows["video"].notna(), "video '{video}' is listed twice; keep one row")
    report(~known, "subset '{subset}'; expected training, validation or testing (or train, val, test)")
    testing = rows["subset"].str.lower().map(SUBSETS) == "testing"
    report(rows["label"].isna() & ~testing, "video '{video}' has no label; only testing rows may lack one")
    if problems:
        # + 2: rows count from 1 and the header is row 1
        lines = [f"{table} row {index + 2}: {text}" for index, text in sorted(problems)]
        more = [f"... and {len(lines) - 10} more"] if len(lines) > 10 else []
        raise ValueError("\n".join(lines[:10] + more))
    if not (rows["subset"].str.lower().map(SUBSETS) == "training").any():
        raise ValueError(f"{table}: no row has the subset training; a model needs some")
