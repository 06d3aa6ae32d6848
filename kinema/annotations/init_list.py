"""A list that somebody has -> a data set that is ready to run: its configuration, and a table if subsets are drawn."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kinema.annotations.convert import read_list
from kinema.annotations.drawing import check_fractions, counts, draw_subsets, kept_together, told
from kinema.annotations.formats.as_dialect import as_rows
from kinema.annotations.formats.imported import IMPORTERS, read_imported
from kinema.annotations.grouping import find_groups, paths_of
from kinema.annotations.init import default_name, new_files, next_steps, settings_text
from kinema.annotations.recognise import WORDS, not_known, recognise
from kinema.annotations.sources import is_of_hmdb51, list_files
from kinema.experiment.data_sections import Annotations
from kinema.files import write_text
from kinema.media.probe import MediaError, probe
from kinema.media.remote.address import is_remote
from kinema.spelling import told_apart

# where tools put the videos of a list, from the folder of the list
FOLDERS = ("videos", "data", "../videos", "../data")
BESIDE = ("huggingface",)  # their lists lie among the videos
OF_THEIR_FOLDER = ("samples.json",)  # their names begin with the folder of the videos
OFFICIAL = {"ucf101": "UCF-101", "hmdb51": "HMDB-51"}
SHOWN = 5  # names in a line
PROBED = 50  # videos whose length is compared with the end of their parts
LATE_SECONDS = 0.5  # that a part may end after its video: rates and durations are rounded


def init_from_list(
    lists: Sequence[Path],
    *,
    video_folder: Path | str | None = None,
    format: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    val_fraction: float = 0.2,
    test_fraction: float | None = None,
    seed: int = 1,
    group: str | None = None,
    groups_path: Path | None = None,
    force: bool = False,
) -> list[str]:
    """Write the configuration, relative to the working directory, and return what to tell the user, a line each.

    `format` is recognised by the content where it is not given; `options` are keys of `annotations` that it has. A list
    that says the subset of each video stays the list of the data set; of another one a table is made, in which the
    subsets that are lacking are drawn by whole groups. ValueError where the list or an option cannot be used.
    """
    check_fractions(val_fraction, test_fraction or 0.0)
    chosen, lines = _chosen(lists, format, options or {})
    if video_folder and not is_remote(video_folder) and not Path(video_folder).is_dir():
        raise FileNotFoundError(f"--videos {video_folder}: no such folder; give the folder of the videos of {lists[0]}")
    rows, notes = _rows(chosen)
    folder = video_folder or _folder_of(lists, rows["named"], chosen.format)
    name = name or default_name(Path(folder).parent if Path(folder).name == "data" else folder)
    table, settings = new_files(name, force=force)
    rows["path"], found = _found(rows, folder, lists[0], chosen.format)
    late = _late(rows, folder)
    rows["group"], grouped = find_groups(
        rows.assign(path=rows["path"].fillna(rows["named"])), folder=folder, pattern=group, groups_path=groups_path
    )
    told_of = [*lines, *notes, *found, *late, *grouped]
    given = chosen.model_dump(exclude_unset=True)
    if rows["subset"].notna().all() and group is None and groups_path is None:
        told_of += [
            f"{_shown(lists)}: {counts(rows)}",
            *told(rows, _redraw(lists, video_folder, format)),
        ]
    else:
        rows["subset"], drawn = _drawn(rows, val_fraction=val_fraction, test_fraction=test_fraction, seed=seed)
        given = _written(rows, table)
        redraw = f"kinema split {shlex.quote(str(table))}"
        told_of += [*drawn, f"wrote {table}: {counts(rows)}", *told(rows, redraw)]
    write_text(settings, settings_text(name, folder, given, rows, seed))
    return [*told_of, *next_steps(name, settings, rows)]


def _chosen(lists: Sequence[Path], format: str | None, options: dict[str, Any]) -> tuple[Annotations, list[str]]:
    """The section `annotations` that reads these files, and what they were taken for."""
    lost = next((path for path in lists if not path.exists()), None)
    if lost:
        raise FileNotFoundError(f"{lost}: no such file")
    if format in OFFICIAL or (format is None and any(is_of_hmdb51(path) for path in lists)):
        official = format or "hmdb51"
        raise ValueError(
            f"{lists[0]}: {OFFICIAL[official]} has official lists, which config/datasets/NAME.yaml reads by "
            f"`annotations: {{format: {official}, path: FOLDER, split: 1}}`; FOLDER is that of the lists"
        )
    kinds = {str(path): "elan" if path.is_dir() else recognise(path) for path in lists} if format is None else {}
    names = {kind for kind in kinds.values() if kind}
    if format is None and (len(names) != 1 or None in kinds.values()):
        unknown = next((path for path, kind in kinds.items() if kind is None), None)
        what = not_known(Path(unknown)) if unknown else f"lists of several formats: {kinds}"
        raise ValueError(f"{what}; say what it is by --format {', '.join(WORDS)}")
    chosen = format or names.pop()
    paths = [str(path) for path in lists]
    section = {"format": chosen, "path": paths if len(paths) > 1 else paths[0], **options}
    try:
        settings = Annotations(**section)
    except ValueError as error:  # of pydantic, which tells more lines than people read
        raise ValueError(f"--format {chosen}: {_first(error)}") from None
    line = f"took {_shown(lists)} for {WORDS.get(chosen, chosen)}; --format names another format"
    return settings, [line] if format is None else []


def _redraw(lists: Sequence[Path], video_folder: Path | str | None, format: str | None) -> str:
    """The command that draws subsets in the place of those that the list says."""
    options = {"--videos": video_folder, "--format": format, "--group": "looks"}
    given = [word for option, value in options.items() if value for word in (option, str(value))]
    return shlex.join(["kinema", "init-dataset", *map(str, lists), *given, "--force"])


def _first(error: Any) -> str:
    return str(error.errors()[0]["msg"]).removeprefix("Value error, ")


def _shown(lists: Sequence[Path]) -> str:
    return str(lists[0]) if len(lists) == 1 else f"{lists[0]} and {len(lists) - 1} more"


def _folder_of(lists: Sequence[Path], named: pd.Series, format: str) -> Path:
    """Where tools put the videos of a list: of the folders that are there the first that has one of them."""
    bases = [path.absolute() if path.is_dir() else path.absolute().parent for path in lists]
    base = Path(os.path.commonpath(bases))
    base = base if lists[0].is_absolute() else Path(os.path.relpath(base))
    names = (*FOLDERS, *([os.curdir] if format in BESIDE or lists[0].name in OF_THEIR_FOLDER else []))
    places = [place for name in names if (place := Path(os.path.normpath(base / name))).is_dir()]
    has_some = (place for place in places if paths_of(named, place).notna().any())
    found = next(has_some, places[0] if places else None)
    if found is None:
        raise ValueError(f"{lists[0]}: there is no folder of videos beside it; name it by --videos FOLDER")
    return found


def _rows(chosen: Annotations) -> tuple[pd.DataFrame, list[str]]:
    """Entries with `named`, what the list calls their file, and what was left out."""
    files = [Path(file) for file in list_files(chosen)]
    if chosen.format in IMPORTERS:
        listing = read_imported(files, chosen)
        rows, notes = as_rows(listing, fps=chosen.fps), listing.notes()
    else:
        try:
            rows, notes = read_list(files, chosen).entries, []
        except ValueError as error:
            if "no column subset;" not in str(error):
                raise
            split = f"kinema split {shlex.quote(str(files[0]))} --videos FOLDER"
            raise ValueError(f"{files[0]}: no column subset; `{split}` draws the subsets into it") from None
    for column in ("extension", "video", "start", "end", "unit", "group"):
        if column not in rows:
            rows[column] = pd.Series(pd.NA, index=rows.index, dtype="string")
    units = rows["unit"].dropna().unique()
    if len(units) > 1:
        raise ValueError(f"{files[0]}: some parts are in seconds and some in frames; --fps makes seconds of frames")
    labels = rows["label"].dropna().unique()
    if len(labels) < 2:
        what = f"one class, {told_apart(labels)[0]}" if len(labels) else "no video with a label"
        raise ValueError(f"{files[0]}: {what}; a model needs two classes or more to tell apart")
    rows["named"] = rows["video"].fillna(rows["id"]) + rows["extension"].fillna("")
    return rows, notes


def _found(rows: pd.DataFrame, folder: Path | str, source: Path, format: str) -> tuple[pd.Series, list[str]]:
    paths = paths_of(rows["named"], folder)
    lost = rows["named"][paths.isna()].unique()
    if len(lost) == rows["named"].nunique():
        example = told_apart(lost[:1])[0]
        prefix = ", and what stands in front of the ids by --prefix v_" if format == "activitynet" else ""
        raise ValueError(
            f"{source}: none of its {len(lost)} videos is in {folder}, such as {example}; name the folder by --videos "
            f"FOLDER{prefix}"
        )
    shown = ", ".join(told_apart(lost[:SHOWN])) + (", ..." if len(lost) > SHOWN else "")
    return paths, [f"{len(lost)} of {rows['named'].nunique()} videos are not in {folder}: {shown}"] if len(lost) else []


def _late(rows: pd.DataFrame, folder: Path | str) -> list[str]:
    """A line where parts end after their video: the list counts from another frame, or by another rate."""
    if is_remote(folder) or rows["end"].isna().all():
        return []
    last = rows.assign(last=pd.to_numeric(rows["end"])).groupby("path")["last"].max().dropna()
    late = []
    for path, end in last.sort_values(ascending=False).iloc[:PROBED].items():
        try:
            about = probe(Path(folder) / str(path)) if (Path(folder) / str(path)).is_file() else None
        except MediaError:
            continue
        if about is None or not about.duration_seconds or not about.fps:
            continue
        seconds = end / float(about.fps) if (rows["unit"] == "frames").any() else end
        if seconds > about.duration_seconds + LATE_SECONDS:
            late.append(f"'{path}' ({seconds:.1f} of {about.duration_seconds:.1f} s)")
    if not late:
        return []
    tried = min(PROBED, len(last))
    return [
        f"{len(late)} of {tried} videos end before their last part does: {', '.join(late[:SHOWN])}; are frame rate "
        "(--fps) and first frame (--first-frame) right?"
    ]


def _drawn(rows: pd.DataFrame, **options: Any) -> tuple[pd.Series, list[str]]:
    """The subsets of the list; those that it lacks are drawn from what is for training, or for nothing yet."""
    given = rows["subset"].astype("string")
    labelled = rows[rows["label"].notna()]
    units = kept_together(labelled.assign(path=labelled["path"].fillna(labelled["named"])))
    drawn, lines = draw_subsets(labelled["label"], units, given=given[labelled.index], **options)
    return drawn.reindex(rows.index).fillna(given), lines


def _written(rows: pd.DataFrame, table: Path) -> dict[str, Any]:
    """Write the table, and return the section that reads it."""
    columns = {"named": "video", "label": "label", "subset": "subset", "group": "group"}
    has_parts = rows["end"].notna().any() or rows["start"].notna().any()
    columns |= {"start": "start", "end": "end"} if has_parts else {}
    out = rows[list(columns)].rename(columns=columns)
    write_text(table, out.replace({np.nan: None}).to_csv(index=False))
    section = {"format": "table", "path": str(table)}
    return section | ({"unit": "frames"} if (rows["unit"] == "frames").any() else {})
