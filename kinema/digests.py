"""Short hashes of values and of files, by which stages know whether what they were made of has changed.

A file's hash is kept with its inode, size and time stamps, in memory and beside the results: as long as these four are
the same, the file is not read again. The time of the last change of the inode (ctime) cannot be set by hand, so a file
that was replaced by one with an older date is read anew.
"""

import functools
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

ABSENT = "absent"
CACHE = Path("results/.records/digests.json")  # lost, it costs reading the files once more
CACHED_BYTES = 1 << 20  # hashes of smaller files are not worth keeping on the disk, unless they are to be remembered
# A file that changed so recently may change once more within the same tick of the file system's clock.
SETTLED_NS = 2_000_000_000


def digest(value: Any) -> str:
    """A short hash of a JSON-like value; the order of keys does not matter."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def file_digest(path: str | Path) -> str:
    """Hash of a file's content, `absent` where there is none.

    Meant for params: the file may be written, or replaced, while the workflow runs.
    """
    try:
        status = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    if time.time_ns() - status.st_ctime_ns < SETTLED_NS:
        return _content_digest(Path(path))
    key = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return _settled_digest(str(path), *key)


def remembered_digest(path: str | Path) -> str:
    """The same; where there is no file any more, of the one that was there when this was asked the last time.

    Meant for what the workflow makes on its way: what was made of it stays current without it.
    """
    found, name = file_digest(path), str(path)  # as a rule relative, so that a copy of the project knows it
    entries = _read_cache()
    known = str(entries[name][-1]) if name in entries else ABSENT
    if found != ABSENT and found != known:
        _write_cache({**entries, name: [found]})
    return known if found == ABSENT else found


@functools.lru_cache(maxsize=4096)
def _settled_digest(path: str, *status: int) -> str:
    entries = _read_cache()
    if entries.get(path, [])[:-1] == list(status):
        return str(entries[path][-1])
    found = _content_digest(Path(path))
    if path in entries or status[1] >= CACHED_BYTES:
        _write_cache({**entries, path: [*status, found]})
    return found


def _content_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:16]


def _read_cache() -> dict[str, list[Any]]:
    """By path: inode, size and time stamps, where these tell that the file is the same, and the hash."""
    try:
        found = json.loads(CACHE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {path: entry for path, entry in entries if isinstance(entry, list) and entry}


def _write_cache(entries: dict[str, list[Any]]) -> None:
    """Keep hashes beside the results; it is no loss where that fails."""
    part = CACHE.with_name(f"{CACHE.name}.{os.getpid()}.part")
    try:
        if CACHE.parent.parent.is_dir():
            CACHE.parent.mkdir(exist_ok=True)
            part.write_text(json.dumps(entries))
            part.replace(CACHE)
    except OSError:
        part.unlink(missing_ok=True)
