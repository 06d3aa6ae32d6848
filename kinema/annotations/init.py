"""A folder per class -> a data set that is ready to run: config/datasets/<name>.yaml, data/<name>/annotations.csv."""

import json
import math
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from kinema.annotations.drawing import check_fractions, counts, draw_subsets, told
from kinema.annotations.grouping import find_groups
from kinema.annotations.suggestions import Machine, Sample, suggestions
from kinema.annotations.tree import read_tree
from kinema.experiment.files import load_config_files
from kinema.files import write_text
from kinema.media.remote.address import is_remote, trouble, without_secrets
from kinema.models.proposed import proposed_model

VIDEOS_PER_SHARD = 500
FOLDERS_OF_VIDEOS = ("videos", "video", "raw", "frames", "frames_data", "rawframes")  # name no data set


def init_dataset(
    folder: Path | str,
    *,
    name: str | None = None,
    val_fraction: float = 0.2,
    test_fraction: float | None = None,
    seed: int = 1,
    group: str | None = None,
    groups_path: Path | None = None,
    force: bool = False,
) -> list[str]:
    """Write both files, relative to the working directory, and return what to tell the user, a line each.

    `folder` is one of this machine, or an address.

    The split is that of the folders `train`, `val`, `test`, if these are at the top; what they lack is drawn by whole
    groups (`kinema.annotations.drawing`), which the pattern `group`, the table `groups_path` or the naming of a known
    data set tells (`kinema.annotations.grouping`). ValueError where the tree or an option cannot be used;
    FileExistsError where a file is there and `force` is off.
    """
    if wrong := trouble(str(folder)):
        raise ValueError(f"{without_secrets(str(folder))}: {wrong}")
    if not is_remote(folder) and not Path(folder).is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; give the folder that holds one folder per class")
    check_fractions(val_fraction, test_fraction or 0.0)
    name = name or default_name(folder)
    table, settings = new_files(name, force=force)
    rows, notes = read_tree(folder)
    rows["group"], grouped = find_groups(rows, folder=folder, pattern=group, groups_path=groups_path)
    rows["subset"], drawn = _drawn(rows, val_fraction=val_fraction, test_fraction=test_fraction, seed=seed)
    write_text(table, rows[["video", "label", "subset", "group"]].to_csv(index=False))
    write_text(settings, settings_text(name, folder, {"format": "table", "path": str(table)}, rows, seed))
    return [
        *notes,
        *grouped,
        *drawn,
        f"wrote {table}: {counts(rows)}",
        *told(rows, f"kinema split {shlex.quote(str(table))}"),
        *next_steps(name, settings, rows),
    ]


def new_files(name: str, *, force: bool) -> tuple[Path, Path]:
    """The table and the configuration that a data set of this name gets; an error where that cannot be.

    FileExistsError where one is there and `force` is off.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        raise ValueError(f"'{name}' cannot name a data set: letters, digits and . _ + - only; give another --name")
    table, settings = Path("data") / name / "annotations.csv", _dataset_dir() / f"{name}.yaml"
    existing = [str(path) for path in (table, settings) if path.exists()]
    if existing and not force:
        raise FileExistsError(f"{' and '.join(existing)} exists already; --force overwrites, --name takes another name")
    return table, settings


def next_steps(name: str, settings: Path, rows: pd.DataFrame) -> list[str]:
    """What was written, and what to run; `rows` has `subset`."""
    model_name = proposed_model(num_in(rows, "training"))
    return [
        f"wrote {settings}",
        f"first look: snakemake --cores all results/{name}/report/index.html",
        f"next: kinema plan results/{name}/{model_name}/model.xml",
    ]


def default_name(folder: Path | str) -> str:
    """The folder's name, or that of the one above for `videos` and the like, in letters that a name may have."""
    path = Path(str(folder).partition("://")[2]) if is_remote(folder) else Path(folder).absolute()
    chosen = path.parent.name if path.name.lower() in FOLDERS_OF_VIDEOS else path.name
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", chosen).strip("_.+-")


def num_in(rows: pd.DataFrame, subset: str) -> int:
    """Rows of a subset."""
    return int((rows["subset"] == subset).sum())


def num_shards(num_videos: int) -> int:
    """Shards for a corpus: a power of two, 500 videos or fewer in each, between 4 and 1024."""
    return min(1024, max(4, 2 ** math.ceil(math.log2(num_videos / VIDEOS_PER_SHARD))))


def _dataset_dir() -> Path:
    main = Path("config/config.yaml")
    if not main.is_file():
        raise FileNotFoundError(f"no {main} in {Path.cwd()}; run this in the folder that holds the Snakefile")
    return Path(load_config_files([main]).dataset_dir)


def _drawn(rows: pd.DataFrame, **options: Any) -> tuple[pd.Series, list[str]]:
    """The subsets of the folders; those that they lack are drawn from the training videos, or from all."""
    given = rows["subset"]
    if given.notna().any() and not (given == "training").any():
        raise ValueError(
            f"the folders at the top are of {' and '.join(sorted(given.unique()))} only; a model needs train"
        )
    return draw_subsets(rows["label"], rows["group"], given=given, **options)


def settings_text(name: str, folder: Path | str, annotations: Mapping[str, Any], rows: pd.DataFrame, seed: int) -> str:
    """The configuration of a data set; `annotations` is its section, and `rows` has `label`, `subset` and `path`."""
    path = Path(folder).absolute()
    is_here = not is_remote(folder) and path.is_relative_to(Path.cwd())
    videos = path.relative_to(Path.cwd()) if is_here else folder
    keys = ", ".join(f"{key}: {_value(value)}" for key, value in annotations.items())
    edit = f"# Edit the list as you like; docs/adding-a-dataset.md#{annotations['format']} tells how it is read."
    if annotations["format"] == "table":
        table = annotations["path"]
        edit = f"# Edit the table as you like: video,label,subset,group; `kinema split {table}` draws subsets anew."
    return f"""\
# Data set {name}, written by `kinema init-dataset`. The target is results/{name}/ENCODER_DECODER/model.xml.
{edit}
# config/README.md lists every other key and its default.
annotations: {{{keys}}}

# Searched at any depth.
videos: {_yaml(str(videos))}

# Keep this number: another one prepares all frames anew. Some hundred videos a shard, 1024 shards at the most.
num_shards: {num_shards(len(rows))}

# What follows was chosen for these videos and for this machine; docs/recipes.md tells how, and what to try next.
{_suggested(folder, rows, seed)}"""


def _suggested(folder: Path | str, rows: pd.DataFrame, seed: int) -> str:
    return suggestions(
        Sample.of(folder, rows["path"].dropna().unique().tolist(), seed),
        Machine.this(),
        labels=rows["label"].dropna().unique(),
        num_training=num_in(rows, "training"),
        num_validation=num_in(rows, "validation"),
    )


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return _yaml(value) if isinstance(value, str) else json.dumps(value)


def _yaml(text: str) -> str:
    """A YAML scalar: JSON's quoted text is one."""
    return text if re.fullmatch(r"[\w./-]+", text, re.ASCII) and text[0] not in "-." else json.dumps(text)
