"""The text of a module -> the digest of what counts of it, and what it imports.

To read the syntax of all modules behind the rules takes more than a second, and every process of Snakemake's does so,
those of its jobs too. So what was found is kept beside the results, by a hash of the text and of the code that judges
it. The standard library only: the Snakefile imports this module on every call.
"""

import ast
import functools
import hashlib
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from kinema.digests import digest
from kinema.files import write_text
from kinema.syntax import essence

FILE = Path("results/.records/modules.json")  # lost, it costs reading the modules once more
MOST_KEPT = 5000  # texts; those of many versions are not worth keeping
JUDGES = ("annotated", "digests", "files", "module_facts", "purity", "syntax")
Version = tuple[int, int, int]


class Import(NamedTuple):
    """`from ..module import names`; `import module` has no names."""

    level: int  # dots
    module: str
    names: tuple[str, ...]


class Facts(NamedTuple):
    """What is known of a text."""

    code: str  # digest of what can change a result: `kinema.syntax.essence`
    imports: tuple[Import, ...]


def facts_of(path: Path) -> Facts:
    """Of the module that lies there now."""
    status = path.stat()
    return _facts(path, (status.st_ino, status.st_mtime_ns, status.st_ctime_ns))


def keep_facts() -> None:
    """Write what was found since; it is no loss where that fails."""
    path = FILE.absolute()
    known = _known(path)
    if not known.is_new or not path.parent.parent.is_dir():
        return
    known.is_new = False
    with suppress(OSError):
        # of another process that has found other modules meanwhile, too
        entries = {**_read(path), **known.entries}
        write_text(path, json.dumps(dict([*entries.items()][-MOST_KEPT:])))


class _Known:
    """What a file of facts holds, and what was found since."""

    def __init__(self, entries: dict[str, Any]):
        self.entries, self.is_new = entries, False


@functools.lru_cache(maxsize=4)
def _known(path: Path) -> _Known:
    return _Known(_read(path))


@functools.lru_cache(maxsize=1024)
def _facts(path: Path, version: Version) -> Facts:
    """`version` is what changes when the file does."""
    text = path.read_bytes()
    known, key = _known(FILE.absolute()), _key(text)
    with suppress(KeyError, ValueError, TypeError):
        code, imports = known.entries[key]
        return Facts(code, tuple(Import(level, module, tuple(names)) for level, module, names in imports))
    tree = ast.parse(text, filename=str(path))
    imports = tuple(_imports(tree))  # before `essence`, which changes the tree
    found = Facts(digest(essence(tree)), imports)
    known.entries[key], known.is_new = found, True
    return found


def _imports(tree: ast.Module) -> list[Import]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [Import(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(Import(node.level, node.module or "", tuple(alias.name for alias in node.names)))
    return found


def _key(text: bytes) -> str:
    return hashlib.blake2b(text, key=_judges(), digest_size=16).hexdigest()


@functools.lru_cache(maxsize=1)
def _judges() -> bytes:
    """A hash of the code that finds facts, and of the version of Python."""
    folder = Path(__file__).parent
    texts = [(folder / f"{name}.py").read_bytes() for name in JUDGES]
    return hashlib.blake2b(repr((texts, sys.version_info[:2])).encode(), digest_size=32).digest()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
