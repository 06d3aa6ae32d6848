"""Lists of other tools as text -> the dialect, for tests."""

import json
from pathlib import Path

from kinema.annotations.convert import convert
from kinema.annotations.sources import list_files
from kinema.experiment.data_sections import Annotations


def converted(folder: Path, **settings) -> dict:
    """The dialect of files that are there."""
    chosen = Annotations(**settings)
    convert([Path(file) for file in list_files(chosen)], settings=chosen, out=folder / "annotation.json")
    return json.loads((folder / "annotation.json").read_text())


def imported(folder: Path, files: dict[str, object], **settings) -> dict:
    """The dialect of files that are given by name, as text or as what is JSON; `path` is all of them unless given."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    settings.setdefault("path", list(files))
    paths = settings["path"] if isinstance(settings["path"], list) else [settings["path"]]
    settings["path"] = [str(folder / path) for path in paths]
    if "classes" in settings:
        settings["classes"] = str(folder / settings["classes"])
    return converted(folder, **settings)


def entries(dialect: dict) -> dict[str, tuple]:
    """Label and subset of every entry."""
    database = dialect["database"]
    return {name: (entry["annotations"].get("label"), entry["subset"]) for name, entry in database.items()}
