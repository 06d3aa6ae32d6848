"""A folder per class -> one row a video: its name in a table, its label and, where the folders say so, its subset."""

from collections import Counter
from pathlib import Path, PurePosixPath

import pandas as pd

from kinema.annotations.dialect import SUBSETS
from kinema.annotations.probing import movies
from kinema.media.extensions import COMMON, VIDEO_EXTENSIONS, extension_of, in_words, split_extension
from kinema.media.listing import scan_videos
from kinema.media.remote.address import is_remote

SHOWN = 5  # names in a note
UNLABELLED = "_unlabeled"  # the folder of videos without a class in FiftyOne's VideoClassificationDirectoryTree


def read_tree(root: Path | str) -> tuple[pd.DataFrame, list[str]]:
    """Rows of `<class>/.../<file>` or `<subset>/<class>/.../<file>`, and notes.

    Rows have `video`, `label`, `subset` and `path`, the file relative to `root`. A folder of numbered pictures is one
    video, and what lies in such a folder is part of it. `subset` is missing unless every folder at the top is named
    like one. Files in `test` need no class folder. Files whose extension does not tell what they are are probed. Notes
    tell in a line each what was left out. Behind an address nothing is probed: what has an unknown extension is left
    out, what may be a recording (`.ts`) is taken. ValueError where no two classes are found.
    """
    listed, others = scan_videos(root)
    videos, refused = movies(root, listed)
    files = [Path(file) for file in videos]
    in_subsets = bool(files) and all(_named_subset(path.parts[0]) for path in files if len(path.parts) > 1)
    rows, notes = _placed(files, in_subsets, folders=_folders_among(root, files))
    notes += [*_note(refused, "files are no video inside and are left out"), *_by_extension(others)]
    labels = set(rows["label"].dropna())
    if len(labels) < 2:
        found = f"one class, '{labels.pop()}'" if labels else "no video in a class folder"
        raise ValueError(
            f"{root}: {found}; expected <class folder>/<video> for two classes or more, each video a file with an "
            f"extension of {in_words()}, or a folder of numbered pictures. Is another folder meant?"
            + "".join(f"\n{note}" for note in notes)
        )
    empty = _class_folders(root, in_subsets) - labels - {UNLABELLED}
    return rows, [*notes, *_note(sorted(empty), "class folders without a video")]


def _by_extension(others: list[str]) -> list[str]:
    """A note about files that are no videos by their names; of hidden ones none."""
    names = [file for file in others if not file.rpartition("/")[2].startswith(".")]
    counts = Counter(map(extension_of, names)).most_common()
    shown = ", ".join(f"{number} {extension}" for extension, number in counts)
    return [f"{len(names)} files have an extension of no video and are left out: {shown}"] if names else []


def _named_subset(folder: str) -> bool:
    return folder.lower() in SUBSETS


def _placed(files: list[Path], in_subsets: bool, folders: set[Path]) -> tuple[pd.DataFrame, list[str]]:
    """A row for every video that has its place in the tree, and notes about the others; some are `folders`."""
    stems = Counter(path.name if path in folders else path.stem for path in files)
    # of files that differ in the extension only the first with one that most people have
    best: dict[str, Path] = {}
    for path in sorted(files, key=lambda path: (path.suffix.lower() not in COMMON, path in folders, path)):
        best.setdefault(_bare(path), path)
    rows: dict[str, tuple[str, str | None, str | None, str]] = {}
    hidden, unreadable, twice, misplaced, inner, unlabelled = [], [], [], [], [], []
    videos: set[Path] = set()
    for path in sorted(files):  # a folder before what lies in it
        subset = SUBSETS.get(path.parts[0].lower()) if in_subsets else None
        above = path.parts[int(in_subsets) : -1]
        if path.name.startswith("."):
            hidden.append(path)
        elif not _is_text(str(path)):
            unreadable.append(path)
        elif not above and (subset != "testing" or len(path.parts) < 2):
            misplaced.append(path)
        elif above and above[0] == UNLABELLED:
            unlabelled.append(path)
        elif best[_bare(path)] != path:
            twice.append(path)
        elif not videos.isdisjoint(path.parents):
            inner.append(path)
        else:
            name = _name(path, stems, path in folders)
            rows[str(path)] = (name, above[0] if above else None, subset, str(PurePosixPath(path)))
            videos.update({path} & folders)
    notes = [
        *_note(misplaced, "videos lie in no class folder and are left out"),
        *_note(unlabelled, f"videos lie in {UNLABELLED}, as FiftyOne writes those without a class, and are left out"),
        *_note(twice, "videos differ from another one in the extension only and are left out"),
        *_note(inner, "videos lie in the folder of another one's pictures and are left out"),
        *_note(hidden, "hidden files are left out"),
        *_note([ascii(str(path)) for path in unreadable], "names are no UTF-8 and are left out; rename the files"),
    ]
    return pd.DataFrame(list(rows.values()), columns=["video", "label", "subset", "path"], dtype="str"), notes


def _bare(path: Path) -> str:
    """The path without the extension of a video."""
    bare, extension = split_extension(str(PurePosixPath(path)))
    return bare if extension.lower() in VIDEO_EXTENSIONS else str(PurePosixPath(path))


def _name(path: Path, stems: Counter[str], is_folder: bool) -> str:
    """The file name without extension where it is enough, else the path with it: reading a table strips its cells."""
    name = path.name if is_folder else path.stem
    is_plain = name == name.strip() and (is_folder or path.suffix.lower() in VIDEO_EXTENSIONS)
    is_plain = is_plain and extension_of(name) not in VIDEO_EXTENSIONS
    return name if is_plain and stems[name] == 1 else str(PurePosixPath(path))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _folders_among(root: Path | str, files: list[Path]) -> set[Path]:
    """Videos that are folders of pictures; there is none behind an address."""
    return set() if is_remote(root) else {path for path in files if Path(root, path).is_dir()}


def _class_folders(root: Path | str, in_subsets: bool) -> set[str]:
    if is_remote(root):  # a bucket has no empty folders
        return set()
    root = Path(root)
    above = [path for path in root.iterdir() if path.is_dir()] if in_subsets else [root]
    return {path.name for folder in above for path in folder.iterdir() if path.is_dir()}


def _note(names: list, text: str) -> list[str]:
    shown = ", ".join(f"'{name}'" for name in names[:SHOWN])
    return [f"{len(names)} {text}: {shown}{', ...' if len(names) > SHOWN else ''}"] if names else []
