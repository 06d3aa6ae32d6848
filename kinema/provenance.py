"""Digests that tell Snakemake when code that matters to a rule has changed.

Snakemake compares a script by its time stamp and does not look at what the script imports. A rule therefore puts
`source_digest("workflow/scripts/<rule>.py")` into its params: a hash of the syntax trees of the adapter and of every
`kinema` module that it imports, however deep. Comments, docstrings and formatting do not count; a fresh clone with
new time stamps re-runs nothing.
"""

import ast
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parent
# Fields of syntax trees that some versions of Python have and others do not, or that follow from the rest.
VERSION_FIELDS = {"ctx", "kind", "type_comment", "type_params"}
# What these decide reaches a rule through its params, or is a matter of logging: an edit here changes no result.
NEUTRAL = {
    "kinema",
    "kinema.config",
    "kinema.experiments",
    "kinema.job",
    "kinema.provenance",
    "kinema.models.names",
    "kinema.origins",
    "kinema.targets",
}


def digest(value: Any) -> str:
    """A short hash of a JSON-like value; the order of keys does not matter."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def file_digest(path: str | Path) -> str:
    """Hash of a file's content, "absent" where there is none; read anew only when its time stamp changes.

    Meant for params: the file may be written while the workflow runs.
    """
    try:
        return _content_digest(Path(path), Path(path).stat().st_mtime_ns)
    except FileNotFoundError:
        return "absent"


@functools.lru_cache(maxsize=256)
def _content_digest(path: Path, mtime_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:16]


def source_digest(script: str | Path, *, modules: tuple[str, ...] = ()) -> str:
    """Hash of the code behind an adapter: the script, the `kinema` modules it imports, and theirs.

    `modules` adds what is imported by name at run time (the module of a decoder).
    """
    found: dict[str, Path] = {}
    _collect(Path(script).resolve(), found)
    for name in modules:
        path = _module_path(name)
        assert path, f"no module {name}"
        _collect(path, found)
    return digest({name: _tree_digest(path, path.stat().st_mtime_ns) for name, path in found.items()})


def _collect(path: Path, found: dict[str, Path]) -> None:
    name = str(path.relative_to(PACKAGE.parent)) if path.is_relative_to(PACKAGE.parent) else path.name
    if name in found:
        return
    found[name] = path
    for imported in _imports(path, path.stat().st_mtime_ns):
        if (module := _module_path(imported)) and imported not in NEUTRAL:
            _collect(module, found)


@functools.lru_cache(maxsize=1024)
def _parsed(path: Path, mtime_ns: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.lru_cache(maxsize=1024)
def _imports(path: Path, mtime_ns: int) -> tuple[str, ...]:
    """Names of `kinema` modules that a file imports anywhere, `from kinema.a import b` giving both a and a.b."""
    names: set[str] = set()
    for node in ast.walk(_parsed(path, mtime_ns)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(sorted(name for name in names if name.split(".")[0] == PACKAGE.name))


@functools.lru_cache(maxsize=1024)
def _tree_digest(path: Path, mtime_ns: int) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                del body[0]
    return digest(_plain(tree))


def _plain(node: Any) -> Any:
    """A syntax tree as lists; unlike ast.dump, the same in every version of Python."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, ast.AST):
        fields = [[name, _plain(value)] for name, value in ast.iter_fields(node) if name not in VERSION_FIELDS]
        return [type(node).__name__, *(field for field in fields if field[1] not in (None, []))]
    return repr(node) if node is not None else None


def _module_path(name: str) -> Path | None:
    """File of a `kinema` module; None for a name inside a module."""
    base = PACKAGE.parent.joinpath(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.is_file():
            return path
    return None
