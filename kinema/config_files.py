"""YAML files -> one checked `Config`, or one line per mistake that names file, key, value and what is allowed."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import ValidationError

from kinema.config import Config, Section


class ConfigError(ValueError):
    """The configuration, or a name asked for on the command line, is wrong; the text is for the user."""


def load_config(values: Mapping[str, Any], *, files: Sequence[str | Path] = (), root: str | Path = ".") -> Config:
    """Check merged values (Snakemake's `config`), with the data sets of `dataset_dir`, below `root`, laid under them.

    `files` are where the values came from, in the order of merging; errors name the last one that has the key.
    """
    values = dict(values)
    folder = Path(root) / str(values.get("dataset_dir", Config.model_fields["dataset_dir"].default))
    own = values.get("datasets") or {}
    found = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    if isinstance(own, Mapping):
        shipped = {name: read_yaml(path) for name, path in found.items()}
        values["datasets"] = {name: _laid_over(shipped.get(name), own.get(name)) for name in {**shipped, **own}}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        lines = [_explain(detail, files, found) for detail in error.errors()]
        raise ConfigError("\n".join(lines)) from None


def load_config_files(files: Sequence[Path]) -> Config:
    """The configuration of files laid over each other key by key, as Snakemake does it, in a project's folder."""
    values: Any = {}
    for file in files:
        values = _laid_over(values, read_yaml(file))
    return load_config(values, files=files)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; anything else in it is a ConfigError with the line."""
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: found {type(values).__name__}, expected `key: value` lines")
    return values


def nearest(name: str, known: Sequence[str]) -> str:
    """'; did you mean ...?' with the closest known name, or a full stop: what follows the mention of a wrong name."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else "."


def where_set(
    key: Sequence[str | int], found: Any, files: Sequence[str | Path], dataset_files: Mapping[str, Path]
) -> str:
    """The last file that sets a key to what was found, or comes closest to the key; else the command line."""
    best, depth = "command line", 0
    candidates = [(Path(file), key) for file in files]
    if len(key) > 1 and key[0] == "datasets" and key[1] in dataset_files:
        candidates.insert(0, (dataset_files[str(key[1])], key[2:]))
    for path, local in candidates:
        skipped = len(key) - len(local)
        if not path.is_file():
            continue
        reached, value = _follow(read_yaml(path), local)
        if skipped + reached >= max(depth, 1) and (reached < len(local) or value == found):
            best, depth = _relative(path), skipped + reached
    return best


def _relative(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _laid_over(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {key: _laid_over(below.get(key), above.get(key, below.get(key))) for key in {**below, **above}}
    return below if above is None else above


def _follow(values: Any, key: Sequence[str | int]) -> tuple[int, Any]:
    """How many parts of a key path lead somewhere, and where."""
    for depth, part in enumerate(key):
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return depth, values
    return len(key), values


def _explain(detail: Any, files: Sequence[str | Path], dataset_files: Mapping[str, Path]) -> str:
    key = [part for part in detail["loc"] if part != "[key]"]
    where, name = where_set(key, detail["input"], files, dataset_files), ".".join(str(part) for part in key)
    if detail["type"] == "extra_forbidden":
        section = _section_at(key[:-1])
        known = sorted(section.model_fields) if section else []
        return f"{where}: {name}: unknown key{nearest(str(key[-1]), known)} Known keys here: {', '.join(known)}."
    if detail["type"] == "missing":
        return f"{where}: {name}: this key is required and not set."
    found = detail["input"]
    if detail["type"] in ("model_type", "dict_type", "list_type"):
        kind = "a list" if detail["type"] == "list_type" else "a section of `key: value` lines"
        return f"{where}: {name}: expected {kind}; found {found!r} ({type(found).__name__})."
    text = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {name}: {text[0].lower()}{text[1:]}; found {found!r} ({type(found).__name__})."


def _section_at(key: Sequence[str | int]) -> type[Section] | None:
    """The class of the section that a key path leads to."""
    section: Any = Config
    for part in key:
        if isinstance(section, type) and issubclass(section, Section):
            field = section.model_fields.get(str(part))
            section = field.annotation if field else None
        elif get_origin(section) in (dict, list):
            section = get_args(section)[-1]
    return section if isinstance(section, type) and issubclass(section, Section) else None
