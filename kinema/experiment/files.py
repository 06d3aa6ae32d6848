"""YAML files -> one checked `Config`, or one line per mistake that names file, key, value and what is allowed."""

import difflib
import json
import reprlib
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import ValidationError

from kinema.experiment.config import Config, Layer
from kinema.experiment.layers import parts_of
from kinema.experiment.section import Section
from kinema.media.remote.address import without_secrets

_SHORT = reprlib.Repr()  # a value may be as long as it likes, a message may not
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200
_SHORT.maxdict = _SHORT.maxlist = 10


class ConfigError(ValueError):
    """The configuration, or a name asked for on the command line, is wrong; the text is for the user."""


def load_config(
    values: Mapping[str, Any],
    *,
    files: Sequence[str | Path] = (),
    command_line: Mapping[str, Any] | None = None,
    root: str | Path = ".",
) -> Config:
    """Check merged values (Snakemake's `config`), with the data sets of `dataset_dir`, below `root`, laid under them.

    `files` are where the values came from, in the order of merging, the project's own first; errors name the last one
    that has the key. They are read once more, since Snakemake takes a key that stands twice. `command_line` is what
    `--config` says, which is in the values too.
    """
    read = [read_yaml(Path(file)) for file in files]
    values = dict(values)
    found = _dataset_files(values.get("dataset_dir", Config.model_fields["dataset_dir"].default), Path(root), files)
    own = values.get("datasets") or {}
    if isinstance(own, Mapping):
        _check_names(own, sorted(found), files, found)
        shipped = {name: read_yaml(path) for name, path in found.items()}
        values["datasets"] = {name: _laid_over(shipped.get(name), own.get(name)) for name in {**shipped, **own}}
    config = _checked(values, files, found)
    laid_over: list[tuple[Mapping[str, Any], str | Path | None]] = [
        (said, file) for said, file in zip(read, files, strict=True) if not _is_same(file, files[0])
    ]
    if command_line:
        laid_over.append((command_line, None))
    if any("overrides" in said for said, _ in laid_over):  # Snakemake put them in the place of the project's own
        config = _checked(values | {"overrides": read[0].get("overrides", []) if read else []}, files[:1], found)
    return config.with_layers([_layer(said, file) for said, file in laid_over])


def _check_names(
    own: Mapping[str, Any], shipped: Sequence[str], files: Sequence[str | Path], dataset_files: Mapping[str, Path]
) -> None:
    """ConfigError where a section of a data set that is not there says nothing of what makes one."""
    for name, section in own.items():
        # a wrong kind of name or section is told by the check of all values
        is_section = isinstance(name, str) and isinstance(section, Mapping) and section
        if name in shipped or not is_section or {"annotations", "videos"} & section.keys():
            continue
        where = where_set(["datasets", name], section, files, dataset_files)
        known = nearest(str(name), shipped)
        raise ConfigError(
            f"{where}: datasets.{name}: no data set has this name{known} There are {', '.join(shipped) or 'none'}; "
            "a new one needs `annotations` and `videos`."
        )


def _is_same(file: str | Path, other: str | Path) -> bool:
    """Whether both are one file; the project's own, named for a run, is nothing that is laid over it."""
    return Path(file).resolve() == Path(other).resolve()


def _layer(values: Mapping[str, Any], file: str | Path | None) -> Layer:
    sections, datasets = parts_of(values)
    files = [] if file is None else [file]
    checked = {name: _checked(own, files, {}) for name, own in datasets.items()}
    return Layer("--config" if file is None else _relative(Path(file)), _checked(sections, files, {}), checked)


def _checked(values: Any, files: Sequence[str | Path], dataset_files: Mapping[str, Path]) -> Config:
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        details = error.errors()
        # what is wrong with a name is said, and nothing of what stands under it
        misnamed = [detail["loc"][:-1] for detail in details if detail["loc"][-1] == "[key]"]
        lines = [
            _explain(detail, values, files, dataset_files)
            for detail in details
            if detail["loc"][-1] == "[key]" or not any(detail["loc"][: len(loc)] == loc for loc in misnamed)
        ]
        raise ConfigError("\n".join(lines)) from None


def _dataset_files(folder: Any, root: Path, files: Sequence[str | Path]) -> dict[str, Path]:
    """Files of the data sets by name; those of editors, which begin with a dot, are none."""
    _checked({"dataset_dir": folder}, files, {})
    path = root / folder
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{where_set(['dataset_dir'], folder, files, {})}: dataset_dir: '{folder}' is no folder.")
    return {file.stem: file for file in sorted(path.glob("*.yaml")) if not file.name.startswith(".")}


def load_config_files(files: Sequence[Path]) -> Config:
    """The configuration of files laid over each other key by key, as Snakemake does it, in a project's folder."""
    values: Any = {}
    for file in files:
        values = _laid_over(values, read_yaml(file))
    return load_config(values, files=files)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML (or JSON) file; anything else in it, and a key that stands twice, is a ConfigError."""
    try:
        text = path.read_bytes().decode("utf-8")
        values = json.loads(text, object_pairs_hook=_unique) if path.suffix == ".json" else yaml.load(text, _Loader)
    except OSError as error:
        raise ConfigError(f"{_relative(path)}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{_relative(path)}, line {line}: not UTF-8 text: byte {error.start} of the file.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{_relative(path)}{_problem(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{_relative(path)}: not valid: {_one_line(error)}.") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{_relative(path)}: found {type(values).__name__}, expected `key: value` lines.")
    return values


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Construct a mapping at once, so that one that contains itself is an error."""
        lines: dict[Any, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, mark = self.construct_object(key_node, deep=True), key_node.start_mark
            if isinstance(key, Hashable):
                if key in lines:
                    raise yaml.MarkedYAMLError(
                        problem=f"key '{key}' stands in line {lines[key]} already", problem_mark=mark
                    )
                lines[key] = mark.line + 1
        return super().construct_mapping(node, deep=True)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"key '{key}' stands twice")
        values[key] = value
    return values


def _problem(error: yaml.YAMLError) -> str:
    """Line and problem of a YAML error, to follow the name of the file."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    said = [getattr(error, name, None) for name in ("context", "problem")]
    return f"{where}: not valid YAML: {_one_line(', '.join(filter(None, said)) or error)}."


def _one_line(text: Any) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= 400 else f"{line[:250]}...{line[-100:]}"


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


def _explain(detail: Any, values: Any, files: Sequence[str | Path], dataset_files: Mapping[str, Path]) -> str:
    key = [part for part in detail["loc"] if part != "[key]"]
    set_to = _follow(values, key)[1] if detail["loc"][-1] == "[key]" else detail["input"]
    where, name = where_set(key, set_to, files, dataset_files), _key_name(key)
    if detail["type"] == "extra_forbidden":
        section = _section_at(key[:-1])
        known = sorted(section.model_fields) if section else []
        return f"{where}: {name}: unknown key{nearest(str(key[-1]), known)} Known keys here: {', '.join(known)}."
    if detail["type"] == "unknown_setting":  # of a sweep
        return f"{where}: {name}: {detail['msg']}"
    if detail["type"] == "missing":
        return f"{where}: {name}: this key is required and not set."
    found = f"found {_SHORT.repr(_masked(detail['input']))} ({type(detail['input']).__name__})"
    if detail["type"] in ("model_type", "dict_type", "list_type"):
        kind = "a list" if detail["type"] == "list_type" else "a section of `key: value` lines"
        return f"{where}: {name}: expected {kind}; {found}."
    text = _one_line(detail["msg"].removeprefix("Value error, "))
    return f"{where}: {name}: {text[0].lower()}{text[1:]}; {found}."


def _masked(value: Any) -> Any:
    """A value without what may be a secret of an address in it."""
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return {key: _masked(one) for key, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value


def _key_name(key: Sequence[str | int]) -> str:
    """A path of keys as it is written in messages, on one line whatever the keys are."""
    name = ".".join(str(part) for part in key)
    return name if name.isprintable() and len(name) <= 200 else _SHORT.repr(name)


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
