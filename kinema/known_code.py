"""Which modules stand behind a digest of code, kept beside the results: so a later version can say what it changed.

The standard library only: the Snakefile imports it on every call. Lost, it costs no more than a word in `kinema plan`.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kinema.files import write_text

FOLDER = Path("results/.records/code")


def remember(code: str, modules: Mapping[str, str]) -> None:
    """Keep the digests of the modules behind the digest `code`; it is no loss where that fails."""
    path = FOLDER / f"{code}.json"
    with suppress(OSError):
        if path.exists() or not FOLDER.parent.parent.is_dir():
            return
        write_text(path, json.dumps(modules))


def remembered(code: str) -> dict[str, str] | None:
    """The digests of the modules behind `code`; None where they are not known."""
    try:
        found = json.loads((FOLDER / f"{code}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def changed_modules(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names of the modules that differ, that are new, or that are gone."""
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
