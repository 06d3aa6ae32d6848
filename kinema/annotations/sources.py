"""The `annotations` section of a data set -> the files that its list consists of.

The Snakefile names them as inputs before anything runs: this module needs the standard library only.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from kinema.experiment.data_sections import Annotations

_HMDB_FILE = re.compile(r"(?P<label>.+)_test_split(?P<split>[1-3])\.txt")


def list_files(settings: Annotations) -> list[str]:
    """Files that a conversion reads, in a fixed order; FileNotFoundError names the ones that are not there.

    For `ucf101` and `hmdb51`, `path` is the folder of the official lists and only those of the split are taken; for
    `elan` a folder stands for all .eaf files below it. A file that `classes` names is the last.
    """
    folder = settings.paths[0]
    if settings.format == "ucf101":
        return _below(
            folder, ["classInd.txt", f"trainlist{settings.split:02d}.txt", f"testlist{settings.split:02d}.txt"]
        )
    if settings.format == "hmdb51":
        return _below(folder, _hmdb51_names(folder, settings.split))
    paths = _eaf_files(settings.paths) if settings.format == "elan" else settings.paths
    return _existing([*paths, *([settings.classes] if settings.classes else [])], Path.is_file, "file")


def hmdb51_label(file: Path) -> str:
    """The class that a list is of: `brush_hair_test_split1.txt` is of brush_hair."""
    found = _HMDB_FILE.fullmatch(file.name)
    assert found, file
    return found["label"]


def is_of_hmdb51(file: Path) -> bool:
    """Whether a file is called as an official list of HMDB-51."""
    return bool(_HMDB_FILE.fullmatch(file.name))


def _hmdb51_names(folder: str, split: int | None) -> list[str]:
    """One list per class for which there is one of any split."""
    _existing([folder], Path.is_dir, "folder")
    found = [_HMDB_FILE.fullmatch(path.name) for path in Path(folder).iterdir()]
    labels = sorted({match["label"] for match in found if match})
    if not labels:
        raise FileNotFoundError(f"'{folder}' holds no file such as wave_test_split{split}.txt")
    return [f"{label}_test_split{split}.txt" for label in labels]


def _eaf_files(paths: Sequence[str]) -> list[str]:
    found = []
    for path in paths:
        folder = Path(path)
        below = (file for file in folder.rglob("*") if file.suffix.lower() == ".eaf") if folder.is_dir() else ()
        inside = sorted(map(str, below)) if folder.is_dir() else [path]
        if not inside:
            raise FileNotFoundError(f"'{path}' holds no .eaf file")
        found += inside
    return found


def _below(folder: str, names: Sequence[str]) -> list[str]:
    _existing([folder], Path.is_dir, "folder")
    lost = [name for name in names if not (Path(folder) / name).is_file()]
    if lost:
        more = f" and {len(lost) - 10} more" if len(lost) > 10 else ""
        raise FileNotFoundError(f"'{folder}' lacks {', '.join(lost[:10])}{more}, which the official lists have")
    return [str(Path(folder) / name) for name in names]


def _existing(paths: Sequence[str], is_kind: Callable[[Path], bool], kind: str) -> list[str]:
    for path in paths:
        if not Path(path).exists():
            raise FileNotFoundError(f"'{path}' does not exist (looked for in {Path.cwd()})")
        if not is_kind(Path(path)):
            raise FileNotFoundError(f"'{path}' is no {kind}")
    return list(paths)
