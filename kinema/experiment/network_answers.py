"""What networks answered when they were asked before a run, kept beside the results.

To ask one imports PyTorch and timm, which takes seconds, and every start of Snakemake asks the same. An answer counts
for the same question, the same code behind the network and the same releases of the libraries. Nothing heavy: the
Snakefile imports this module on every call.
"""

import functools
import json
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from kinema.digests import digest
from kinema.files import write_text
from kinema.module_facts import facts_of
from kinema.provenance import MODEL_FACTS, closure, module_path

FILE = Path("results/.records/networks.json")  # lost, it costs asking once more
MOST_KEPT = 1000
LIBRARIES = ("timm", "torch", "torchvision")

_asked: dict[str, str] = {}


def answered(question: Any, *modules: str, ask: Callable[[], str]) -> str:
    """The answer to a JSON-like question; `ask`, called where none is known, runs `modules` and what they import."""
    key = digest([question, _code(modules), _releases()])
    known = _asked.get(key, _read().get(key))
    _asked[key] = ask() if known is None else known
    if known is None:
        keep_answers()
    return _asked[key]


def keep_answers() -> None:
    """Write what was asked since; it is no loss where that fails, as before there is a folder of results."""
    known = _read()
    if _asked.keys() <= known.keys() or not FILE.parent.parent.is_dir():
        return
    with suppress(OSError):
        write_text(FILE, json.dumps(dict([*{**known, **_asked}.items()][-MOST_KEPT:])))


def _read() -> dict[str, str]:
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {key: answer for key, answer in entries if isinstance(answer, str)}


def _code(modules: tuple[str, ...]) -> dict[str, str]:
    tables = {MODEL_FACTS: module_path(MODEL_FACTS)}  # in no closure
    return {name: facts_of(path).code for name, path in (closure(*modules) | tables).items() if path}


@functools.lru_cache(maxsize=1)
def _releases() -> list[str]:
    found = []
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return found
