"""annotation.json -> lists of other toolkits: what FiftyOne imports, and plain lists as mmaction2 reads them.

Nothing is lost silently: what a list of the other kind cannot say is an error, or is left out and counted.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from kinema.annotations.convert import read_list
from kinema.annotations.dialect import ORDER, Dialect
from kinema.annotations.grouping import paths_of
from kinema.annotations.rows import EXTENSION
from kinema.annotations.tree import UNLABELLED
from kinema.experiment.data_sections import Annotations
from kinema.experiment.files import load_config_files
from kinema.files import write_text
from kinema.media.pictures import pictures_in
from kinema.media.probe import MediaError, Probe, probe
from kinema.media.remote.address import is_remote
from kinema.spelling import told_apart

FILES = {"training": "train", "validation": "val", "testing": "test"}
CLASSES = "label_map.txt"
SHOWN = 5  # names in a line


def export_list(
    annotation: Path, *, to: str, out: Path, video_folder: Path | str | None = None, separator: str = " "
) -> list[str]:
    """Write the lists of `TARGETS[to]` into the folder `out`, and return what to tell the user, a line each.

    `annotation` is our JSON, or the reference's. `video_folder` is that of the videos, by default the one of the data
    set of this name; without any, names stand as the list has them. `separator` stands between path and label of a
    plain list. ValueError where the other kind cannot say what the list says.
    """
    if not annotation.is_file():
        raise FileNotFoundError(f"{annotation}: no such file; give results/DATASET/annotation.json")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out} exists already; remove it, or give another --out")
    folder = video_folder or _folder_of(annotation)
    if folder is not None and not is_remote(folder) and not Path(folder).is_dir():
        raise FileNotFoundError(f"--videos {folder}: no such folder; give the folder of the videos of {annotation}")
    dialect = read_list([annotation], Annotations(format="json", path=str(annotation)))
    rows, lines = _rows(dialect, folder)
    if rows.empty:
        raise ValueError(f"{annotation}: nothing to write" + "".join(f"; {line}" for line in lines))
    return [*lines, *TARGETS[to](rows, dialect.labels, out, folder, separator)]


def _rows(dialect: Dialect, folder: Path | str | None) -> tuple[pd.DataFrame, list[str]]:
    """Entries with `path`, their file below the folder; those that have none, or no class, are left out and counted."""
    rows = dialect.entries
    for column in ("video", "extension", "start", "end", "unit"):
        if column not in rows:
            rows = rows.assign(**{column: pd.Series(pd.NA, index=rows.index, dtype="string")})
    named = rows["video"].fillna(rows["id"]) + rows["extension"].fillna("")
    paths = named if folder is None else paths_of(named, folder)
    lost, unknown = paths.isna(), rows["label"].notna() & ~rows["label"].isin(dialect.labels)
    lines = [
        *_note(named[lost], f"entries have no file in {folder} and are left out"),
        *_note(rows["id"][unknown & ~lost], "entries have a label that is no class and are left out"),
    ]
    return rows.assign(path=paths)[~lost & ~unknown], lines


def _note(names: pd.Series, text: str) -> list[str]:
    shown = ", ".join(told_apart(names.iloc[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
    return [f"{len(names)} {text}: {shown}"] if len(names) else []


def _folder_of(annotation: Path) -> Path | str | None:
    main = Path("config/config.yaml")
    if not main.is_file():
        return None
    dataset = load_config_files([main]).datasets.get(annotation.absolute().parent.name)
    return None if dataset is None else dataset.videos


def _to_mmaction2(
    rows: pd.DataFrame, labels: list[str], out: Path, folder: Path | str | None, separator: str
) -> list[str]:
    """train.txt, val.txt and test.txt of `path label`, for folders of pictures `path num_frames label`."""
    parts = rows["video"].notna()
    if parts.any():
        raise ValueError(
            f"{parts.sum()} of {len(rows)} entries are parts of files, such as '{rows['id'][parts].iloc[0]}', which a "
            "plain list cannot say; --to fiftyone can"
        )
    held = rows["path"].str.contains(separator, regex=False)
    if held.any():
        raise ValueError(
            f"'{rows['path'][held].iloc[0]}' holds {separator!r}, which separates path and label; give another one, "
            "such as `--separator ,`, and name it where the list is read (mmaction2: `delimiter`, SlowFast: "
            "`DATA.PATH_LABEL_SEPARATOR`)"
        )
    unlabelled = rows["label"].isna()
    lines = _note(rows["id"][unlabelled], "entries have no label and are left out")
    rows = rows[~unlabelled]
    frames = rows["path"].map(lambda path: _num_pictures(folder, path))
    if frames.isna().any() != frames.isna().all():
        raise ValueError("some videos are files and some are folders of pictures, which one plain list cannot say")
    numbers = rows["label"].map({label: str(number) for number, label in enumerate(labels)})
    text = rows["path"] + ("" if frames.isna().all() else separator + frames) + separator + numbers
    for subset in ORDER:
        of_subset = text[rows["subset"] == subset]
        if len(of_subset):
            write_text(out / f"{FILES[subset]}.txt", "".join(f"{line}\n" for line in of_subset))
            lines.append(f"wrote {out / FILES[subset]}.txt: {len(of_subset)} videos")
    write_text(out / CLASSES, "".join(f"{label}\n" for label in labels))
    return [*lines, f"wrote {out / CLASSES}: {len(labels)} classes; paths are below {folder or 'the folder of videos'}"]


def _num_pictures(folder: Path | str | None, path: str) -> str | None:
    """Pictures of a video that is a folder of them; None of a file."""
    if folder is None or is_remote(folder) or not (Path(folder) / path).is_dir():
        return None
    return str(len(pictures_in(Path(folder) / path).names))


def _to_fiftyone(
    rows: pd.DataFrame, labels: list[str], out: Path, folder: Path | str | None, separator: str
) -> list[str]:
    """Whole videos as a tree of links, a FiftyOne VideoClassificationDirectoryTree; else labels.json of parts."""
    if rows["video"].notna().any():
        return _temporal(rows, labels, out, folder)
    if folder is None or is_remote(folder):
        raise ValueError(
            "FiftyOne takes whole videos as a folder per class, of links to the files: name their folder by --videos "
            "FOLDER"
        )
    pictures = rows["path"].map(lambda path: (Path(folder) / path).is_dir()).astype(bool)
    lines = _note(
        rows["id"][pictures], "videos are folders of pictures, which FiftyOne does not import, and are left out"
    )
    rows = rows[~pictures]
    bare = rows["path"].str.rpartition("/")[2]
    several = bare.duplicated(keep=False)
    names = bare.mask(several, rows["path"].str.replace("/", "__", regex=False))
    for subset, label, path, name in zip(rows["subset"], rows["label"], rows["path"], names, strict=True):
        chosen = UNLABELLED if pd.isna(label) else label
        if "/" in chosen or chosen in (".", ".."):
            raise ValueError(
                f"the label '{chosen}' cannot name a folder, and FiftyOne takes the class from the folder's name"
            )
        link = out / FILES[subset] / chosen / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((Path(folder) / path).resolve())
    counted = rows["subset"].value_counts()
    return lines + [
        f"wrote {out / FILES[subset]}: {counted[subset]} links, a FiftyOne VideoClassificationDirectoryTree"
        for subset in ORDER
        if subset in counted
    ]


def _temporal(rows: pd.DataFrame, labels: list[str], out: Path, folder: Path | str | None) -> list[str]:
    headers: dict[str, Probe] = {}
    lines = []
    for subset in ORDER:
        of_subset = rows[rows["subset"] == subset]
        if of_subset.empty:
            continue
        found: dict[str, list[dict] | None] = {}
        uuids = of_subset["path"].str.replace(rf"{EXTENSION}$", "", regex=True)
        for uuid, row in zip(uuids, of_subset.to_dict("records"), strict=True):
            if pd.isna(row["label"]):
                found.setdefault(uuid, None)
            else:
                found[uuid] = [*(found.get(uuid) or []), {"label": row["label"], **_span(row, folder, headers)}]
        file = out / FILES[subset] / "labels.json"
        write_text(file, json.dumps({"classes": labels, "labels": found}, indent=1, ensure_ascii=False) + "\n")
        lines.append(
            f"wrote {file}: {len(of_subset)} entries of {len(found)} videos, a FiftyOneTemporalDetectionDataset; its "
            f"data_path is {folder or 'the folder of videos'}"
        )
    return lines


def _span(row: dict, folder: Path | str | None, headers: dict[str, Probe]) -> dict[str, list]:
    """`support` (from 1, with its last frame) or `timestamps` (seconds) of an entry; an open end is the file's own."""
    start = 0.0 if pd.isna(row["start"]) else float(row["start"])
    counts_frames = row["unit"] == "frames" if pd.notna(row["unit"]) else False
    if pd.notna(row["end"]):
        end = float(row["end"])
    else:
        if folder is None or is_remote(folder):
            raise ValueError(
                f"'{row['id']}' goes to the end of its file; name the folder of the videos by --videos FOLDER"
            )
        about = headers.get(row["path"]) or _header(Path(folder) / row["path"], row["id"])
        headers[row["path"]] = about
        if not about.duration_seconds or not about.fps:
            raise ValueError(f"'{row['path']}' does not say how long it is, and '{row['id']}' goes to its end")
        end = about.duration_seconds * (float(about.fps) if counts_frames else 1)
    return {"support": [int(start) + 1, round(end)]} if counts_frames else {"timestamps": [start, end]}


def _header(path: Path, name: str) -> Probe:
    try:
        return probe(path)
    except MediaError as error:
        raise ValueError(f"{path}: {error.reason}, and '{name}' goes to its end") from None


Exporter = Callable[[pd.DataFrame, list[str], Path, Path | str | None, str], list[str]]
TARGETS: dict[str, Exporter] = {"fiftyone": _to_fiftyone, "mmaction2": _to_mmaction2}
