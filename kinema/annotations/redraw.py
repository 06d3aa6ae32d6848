"""A table of videos -> the same with its subsets drawn anew, by whole groups: `kinema split`."""

import shlex
from pathlib import Path

import numpy as np
import pandas as pd

from kinema.annotations.drawing import counts, draw_subsets, kept_together, told
from kinema.annotations.editing import write_columns
from kinema.annotations.grouping import find_groups, paths_of
from kinema.annotations.rows import EXTENSION, Problems, lines_of, read_tables, read_whole
from kinema.experiment.files import load_config_files
from kinema.media.remote.address import is_remote


def split_table(
    table_path: Path,
    *,
    val_fraction: float = 0.2,
    test_fraction: float | None = None,
    seed: int = 1,
    group: str | None = None,
    groups_path: Path | None = None,
    video_folder: Path | str | None = None,
    out: Path | None = None,
) -> list[str]:
    """Draw the column `subset` of a table anew, write it, whole, and return what to tell the user, a line each.

    Groups come from `group` or `groups_path` (`kinema.annotations.grouping`), else from the table's column; they are
    written to it. Parts of one file stay together where they have no group, and rows without a label stay testing.
    `video_folder`, a folder or an address, holds the videos; without it that of the data set which lists this table is
    taken. ValueError or FileNotFoundError where the table, or an option, cannot be used.
    """
    if not table_path.is_file():
        raise FileNotFoundError(
            f"{table_path}: no such file; give the table of a data set, as data/mine/annotations.csv is"
        )
    if out and out.exists() and not out.samefile(table_path):
        raise FileExistsError(f"{out} exists already; remove it, or give another --out")
    if video_folder and not is_remote(video_folder) and not Path(video_folder).is_dir():
        raise FileNotFoundError(
            f"--videos {video_folder}: no such folder; give the folder of the videos of {table_path}"
        )
    folder = video_folder or _folder_of(table_path)
    rows = _rows(table_path, folder)
    rows["group"], lines = find_groups(rows, folder=folder, pattern=group, groups_path=groups_path)
    rows["subset"], drawn = _drawn(rows, val_fraction=val_fraction, test_fraction=test_fraction, seed=seed)
    _write(table_path, rows, out or table_path)
    return [
        *lines,
        *drawn,
        f"wrote {out or table_path}: {counts(rows)}",
        *told(rows, f"kinema split {shlex.quote(str(table_path))}"),
    ]


def _rows(table: Path, folder: Path | str | None) -> pd.DataFrame:
    """Rows that are not empty, with `path`: the file below the folder, where there is one, else the name."""
    rows = read_tables([table], columns=("video", "label", "group"), required=("video", "label"))
    problems = Problems(rows)
    problems.report(rows["video"].isna(), "no video name")
    problems.check()
    labels = rows["label"].dropna().unique()
    if len(labels) < 2:
        found = f"all labels are '{labels[0]}'" if len(labels) else "no row has a label"
        raise ValueError(f"{table}: {found}; a model needs two classes or more to tell apart")
    names = rows["video"].str.replace(rf"{EXTENSION}$", "", regex=True)
    return rows.assign(path=paths_of(rows["video"], folder).fillna(names))


def _folder_of(table_path: Path) -> Path | str | None:
    """The folder of videos, or the address, of the first data set of this project that lists the table."""
    main = Path("config/config.yaml")
    if not main.is_file():
        return None
    for dataset in load_config_files([main]).datasets.values():
        is_listed = any(Path(path).resolve() == table_path.resolve() for path in dataset.annotations.paths)
        if is_listed and is_remote(dataset.videos):
            return dataset.videos
        if is_listed and Path(dataset.videos).is_dir():
            return Path(dataset.videos)
    return None


def _drawn(rows: pd.DataFrame, **options) -> tuple[pd.Series, list[str]]:
    labelled = rows[rows["label"].notna()]
    drawn, lines = draw_subsets(labelled["label"], kept_together(labelled), **options)
    return drawn.reindex(rows.index).fillna("testing"), lines


def _write(table: Path, rows: pd.DataFrame, out: Path) -> None:
    """Write the table with the subsets and groups of `rows`; a row that is empty has neither."""
    whole = read_whole(table)
    lines = lines_of(whole, is_text=table.suffix.lower() != ".parquet")
    positions = lines.get_indexer(rows.index.get_level_values("line"))
    has_groups = "group" in [str(name).strip() for name in whole.column_names]
    columns = {}
    for name in ("subset", "group") if has_groups or rows["group"].notna().any() else ("subset",):
        cells = np.full(len(whole), None, dtype=object)
        cells[positions] = rows[name].astype(object).where(rows[name].notna(), None)
        columns[name] = cells.tolist()
    write_columns(table, whole, columns, out.resolve())  # a link stays one
