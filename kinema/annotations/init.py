"""A folder per class -> a data set that is ready to run: config/datasets/<name>.yaml, data/<name>/annotations.csv."""

import json
import math
import re
from pathlib import Path

import pandas as pd

from kinema.annotations.groups import groups_of
from kinema.annotations.rows import EXTENSION
from kinema.annotations.split import split_by_group
from kinema.annotations.tree import read_tree
from kinema.experiment.files import load_config_files
from kinema.files import write_text

MODEL = "efficientnet_lite0_vtn"  # its weights come with pip
VIDEOS_PER_SHARD = 500
FOLDERS_OF_VIDEOS = ("videos", "video", "raw", "frames", "frames_data", "rawframes")  # name no data set


def init_dataset(
    folder: Path,
    *,
    name: str | None = None,
    val_fraction: float = 0.2,
    test_fraction: float = 0.0,
    seed: int = 1,
    group: str | None = None,
    force: bool = False,
) -> list[str]:
    """Write both files, relative to the working directory, and return what to tell the user, a line each.

    The split is that of the folders `train`, `val`, `test`, if these are at the top; what they lack is drawn by whole
    groups, which the regular expression `group`, or the naming of a known data set, finds in the file names.
    ValueError where the tree cannot be used; FileExistsError where a file is there and `force` is off.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; give the folder that holds one folder per class")
    if not 0 <= val_fraction + test_fraction < 1 or min(val_fraction, test_fraction) < 0:
        raise ValueError(
            f"--val-fraction {val_fraction:g} and --test-fraction {test_fraction:g} leave no training videos"
        )
    name = name or default_name(folder)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        raise ValueError(f"'{name}' cannot name a data set: letters, digits and . _ + - only; give another --name")
    table, settings = Path("data") / name / "annotations.csv", _dataset_dir() / f"{name}.yaml"
    existing = [str(path) for path in (table, settings) if path.exists()]
    if existing and not force:
        raise FileExistsError(f"{' and '.join(existing)} exists already; --force overwrites, --name takes another name")
    rows, notes = read_tree(folder)
    rows["group"] = _groups(rows["video"], group)
    rows["subset"] = _subsets(rows, {"testing": test_fraction, "validation": val_fraction}, seed)
    write_text(table, rows.to_csv(index=False))
    write_text(settings, _settings(name, folder, table, num_shards(len(rows))))
    return [*notes, *_told(rows, table), f"wrote {settings}", f"next: snakemake -n results/{name}/{MODEL}/model.xml"]


def default_name(folder: Path) -> str:
    """The folder's name, or that of the one above for `videos` and the like, in letters that a name may have."""
    path = folder.absolute()
    chosen = path.parent.name if path.name.lower() in FOLDERS_OF_VIDEOS else path.name
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", chosen).strip("_.+-")


def num_shards(num_videos: int) -> int:
    """Shards for a corpus: a power of two, 500 videos or fewer in each, between 4 and 1024."""
    return min(1024, max(4, 2 ** math.ceil(math.log2(num_videos / VIDEOS_PER_SHARD))))


def _dataset_dir() -> Path:
    main = Path("config/config.yaml")
    if not main.is_file():
        raise FileNotFoundError(f"no {main} in {Path.cwd()}; run this in the folder that holds the Snakefile")
    return Path(load_config_files([main]).dataset_dir)


def _groups(videos: pd.Series, expression: str | None) -> pd.Series:
    names = videos.str.replace(rf"^.*/|{EXTENSION}$", "", regex=True)
    if expression is None:
        return groups_of(names)
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise ValueError(f"--group '{expression}': not a regular expression: {error}") from None
    found = [pattern.search(name) for name in names]
    if not any(found):
        raise ValueError(f"--group '{expression}': found in no name, such as '{names.iloc[0]}'")
    texts = [(match[1] if pattern.groups else match[0]) if match else None for match in found]
    return pd.Series(texts, index=videos.index, dtype="string")


def _subsets(rows: pd.DataFrame, fractions: dict[str, float], seed: int) -> pd.Series:
    """The subsets of the folders; those that they lack are drawn from the training videos, or from all."""
    given = rows["subset"]
    if given.notna().any() and not (given == "training").any():
        raise ValueError(
            f"the folders at the top are of {' and '.join(sorted(given.unique()))} only; a model needs train"
        )
    fractions = {subset: fraction for subset, fraction in fractions.items() if not (given == subset).any()}
    free = rows[given.isna() | (given == "training")]
    drawn = split_by_group(free["label"], free["group"], fractions=fractions, seed=seed)
    lost = [subset for subset, fraction in fractions.items() if fraction > 0 and not (drawn == subset).any()]
    if lost:
        raise ValueError(
            f"no {' and no '.join(lost)} videos: each class has one video, or one group, only. "
            "Add videos, read other groups with --group, or set the fraction to 0."
        )
    return drawn.reindex(rows.index).fillna(given)


def _told(rows: pd.DataFrame, table_path: Path) -> list[str]:
    counts = ", ".join(f"{number} {subset}" for subset, number in rows["subset"].value_counts().items())
    lines = [f"wrote {table_path}: {len(rows)} videos of {rows['label'].nunique()} classes; {counts}"]
    grouped = rows["group"].notna()
    if grouped.any():
        lines.append(f"{rows['group'].nunique()} groups are read from the names of {grouped.sum()} videos")
    else:
        lines.append("no group is read from the names; if several videos show one person or scene, see --group")
    shared = int((rows.groupby("group")["subset"].nunique() > 1).sum())
    if shared:
        lines.append(f"{shared} groups lie in more than one subset by the folders: scores will be too good")
    for subset in ("training", "validation"):
        lacking = sorted(set(rows["label"].dropna()) - set(rows["label"][rows["subset"] == subset]))
        if lacking:
            lines.append(f"{len(lacking)} classes have no {subset} video: {', '.join(lacking[:5])}")
    return lines


def _settings(name: str, folder: Path, table: Path, shards: int) -> str:
    path = folder.absolute()
    videos = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else folder
    return f"""\
# Data set {name}, written by `kinema init-dataset`. The target is results/{name}/ENCODER_DECODER/model.xml.
# Edit the table as you like: video,label,subset,group. config/README.md lists every other key and its default.
annotations: {{format: table, path: {_yaml(str(table))}}}

# Searched at any depth.
videos: {_yaml(str(videos))}

# Keep this number: another one prepares all frames anew. Some hundred videos a shard, 1024 shards at the most.
num_shards: {shards}

# Smaller frames for a quick start, and a smaller network input:
# media: {{short_side: 128}}
# clip: {{length: 16, stride: 2, size: 112}}

# Where left and right tell classes apart, nothing may be mirrored:
# augmentation: {{horizontal_flip: 0}}
"""


def _yaml(text: str) -> str:
    """A YAML scalar: JSON's quoted text is one."""
    return text if re.fullmatch(r"[\w./-]+", text, re.ASCII) and text[0] not in "-." else json.dumps(text)
