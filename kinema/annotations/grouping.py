"""A pattern, a table, a column of the list, or names of known data sets -> the group of each video.

Videos of a group (a person, a scene, a recording) look alike, so that one subset has to hold all of them.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pandas as pd

from kinema.annotations.groups import groups_of
from kinema.annotations.joined import joined
from kinema.annotations.rows import EXTENSION, Problems, read_tables
from kinema.media.extensions import VIDEO_EXTENSIONS, split_extension
from kinema.media.listing import scan_videos
from kinema.media.names import Finder, Name
from kinema.spelling import told_apart

SHOWN = 5  # names in a line
# Ways to find groups that are asked for by a name, such as `--group NAME`: from the rows and the folder of the videos,
# None where it is not known, to the group of each row, missing where a video is alone, and lines for the user.
Way = Callable[[pd.DataFrame, Path | str | None], tuple[pd.Series, list[str]]]


def _by_looks(rows: pd.DataFrame, folder: Path | str | None) -> tuple[pd.Series, list[str]]:
    from kinema.looks.grouping import groups_by_looks  # PyTorch, which takes seconds

    return groups_by_looks(rows, folder)


WAYS: dict[str, Way] = {"looks": _by_looks}


def find_groups(
    rows: pd.DataFrame, *, folder: Path | str | None = None, pattern: str | None = None, groups_path: Path | None = None
) -> tuple[pd.Series, list[str]]:
    """The group of each row, missing where a video is alone, and what to tell the user, a line each.

    `rows` has `video`, as the list calls it, `path`, its file relative to the folder of videos (its name where no file
    is known), and, if the list has one, `group`. `pattern` is a regular expression, or the name of one of `WAYS`; it is
    searched in the file name without extension, and where that does not have it, in the path without extension
    (`wave/anna/clip1`). The group is its first `(...)` that took part, or all of it. `groups_path` is a table of
    `video` and `group`. Without either, the groups are the list's own, else those that names of known data sets tell.
    """
    if pattern is not None and groups_path is not None:
        raise ValueError("--group and --groups are two ways to the same; give one of them")
    if groups_path is not None:
        return _of_table(rows, groups_path, folder)
    if pattern in WAYS:
        found, lines = WAYS[pattern](rows, folder)
        return _united(rows, found, lines)
    if pattern is not None:
        return _of_pattern(rows, pattern)
    if "group" in rows and rows["group"].notna().any():
        return rows["group"], [f"{_counted(rows['group'])} of the column group"]
    groups = groups_of(_bare(rows["path"]))
    return groups, [f"{_counted(groups)} read from the names"] if groups.notna().any() else []


def _united(rows: pd.DataFrame, found: pd.Series, lines: list[str]) -> tuple[pd.Series, list[str]]:
    """Groups that keep together what the list's own groups and what was found keep together."""
    if "group" not in rows or rows["group"].isna().all():
        return found, lines
    given = rows["group"]
    numbers = pd.Series(range(len(rows)), index=rows.index)
    members = [part.tolist() for groups in (given, found) for _, part in numbers.groupby(groups)]
    first = joined(len(rows), (pair for part in members for pair in pairwise(part)))
    names = given.fillna(found)
    united = names.iloc[first].set_axis(rows.index).where(names.notna())
    return united, [*lines, f"{_counted(given)} of the column group, which are kept together as well"]


def no_group(command: str) -> str:
    """What it means that no video has a group, and what to do: the options of a command that find some."""
    options = [f"`{option}`" for option in ("--group REGEX", "--groups FILE", *(f"--group {name}" for name in WAYS))]
    return (
        "no group is known, so each video counts as its own: scores are too good where several videos show one person, "
        f"scene or recording. If some do, run `{command}` with {', '.join(options[:-1])} or {options[-1]}"
    )


def _counted(groups: pd.Series) -> str:
    return f"{groups.nunique()} groups of {groups.notna().sum()} videos are"


def _bare(paths: pd.Series) -> pd.Series:
    return paths.str.replace(rf"{EXTENSION}$", "", regex=True)


def _of_pattern(rows: pd.DataFrame, expression: str) -> tuple[pd.Series, list[str]]:
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise ValueError(f"--group '{expression}': not a regular expression: {error}") from None
    paths = _bare(rows["path"])
    groups = pd.Series([_found(pattern, path) for path in paths], index=rows.index, dtype="string")
    if groups.isna().all():
        raise ValueError(f"--group '{expression}': found in no name and no folder, such as '{paths.iloc[0]}'")
    lines = [f"{_counted(groups)} read by the pattern from names and folders"]
    alone = paths[groups.isna()]
    if len(alone):
        lines.append(f"the pattern is not in {len(alone)} paths, whose videos count as alone: {_some(alone)}")
    if not groups.dropna().duplicated().any():
        lines.append(f"--group '{expression}' gives every video a group of its own, so nothing is kept together")
    return groups, lines


def _found(pattern: re.Pattern[str], path: str) -> str | None:
    match = pattern.search(path.rpartition("/")[2]) or pattern.search(path)
    if match is None:
        return None
    return (next((text for text in match.groups() if text), None) if pattern.groups else match[0]) or None


def _of_table(rows: pd.DataFrame, path: Path, folder: Path | str | None) -> tuple[pd.Series, list[str]]:
    if not path.is_file():
        raise FileNotFoundError(f"--groups {path}: no such file; expected a table with the columns video and group")
    given = _matched(path, list(rows["path"].unique()), folder or Path())
    lost = given.loc[given["path"].isna(), "video"]
    if len(lost) == len(given):
        example = told_apart(rows["path"].iloc[:1])[0]
        raise ValueError(f"{path}: none of its {len(given)} rows names a video of the list, such as {example}")
    known = given.dropna(subset=["path", "group"]).drop_duplicates("path")
    groups = rows["path"].map(dict(zip(known["path"], known["group"], strict=True))).astype("string")
    lines = [f"{_counted(groups)} read from {path}"]
    if len(lost):
        lines.append(f"{len(lost)} rows of {path} match no video: {_some(lost)}")
    if groups.isna().any():
        alone = rows["path"][groups.isna()]
        lines.append(f"{len(alone)} videos have no group in {path} and count as alone: {_some(alone)}")
    return groups, lines


def _matched(path: Path, files: list[str], root: Path | str) -> pd.DataFrame:
    """Rows of a table of groups with the `path` of the video that each means, missing where it means none."""
    given = read_tables([path], columns=("video", "group"), required=("video", "group"))
    meant = _meant(files, list(given["video"].fillna("")), root)
    given["path"] = pd.Series([next(iter(found), None) for found in meant], index=given.index, dtype="string")
    given["several"] = [", ".join(found[:SHOWN]) if len(found) > 1 else "" for found in meant]
    given["first"] = given.groupby("path")["group"].transform("first")
    problems = Problems(given)
    problems.report(given["video"].isna(), "no video name")
    problems.report(given["several"] != "", "'{video}' may be each of {several}; write its folder, too")
    text = "'{video}' has the group '{group}' here and '{first}' in a row above; keep one"
    problems.report((given["several"] == "") & (given["group"] != given["first"]), text)
    problems.check()
    return given


def _meant(files: list[str], names: list[str], root: Path | str) -> list[list[str]]:
    """The files that each name may mean, by the rules by which a list finds its videos."""

    def wanted() -> list[Name]:
        return [name_of(text) for text in (*names, *(text.rpartition("/")[2] for text in names))]

    finder = Finder(files, wanted, root=root)
    found = []
    for text in names:
        claimed = finder.find(name_of(text)).files
        if not claimed and "/" in text:  # a list may call it by less
            claimed = [file for file in finder.find(name_of(text.rpartition("/")[2])).files if "/" not in file]
        found.append(claimed)
    return found


def paths_of(names: pd.Series, folder: Path | str | None) -> pd.Series:
    """The file, relative to the folder of videos, that each name means; missing where it means none."""
    if folder is None:
        return pd.Series(pd.NA, index=names.index, dtype="string")
    wanted = {text: name_of(text) for text in names.unique()}
    finder = Finder(scan_videos(folder)[0], wanted.values, root=folder)
    found = {text: next(iter(finder.find(name).files), None) for text, name in wanted.items()}
    return names.map(found).astype("string")


def name_of(text: str) -> Name:
    """How a list calls a file, with or without the extension of a video."""
    bare, extension = split_extension(text)
    return Name(bare, extension) if extension.lower() in VIDEO_EXTENSIONS else Name(text)


def _some(names: pd.Series) -> str:
    return ", ".join(told_apart(names.iloc[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
