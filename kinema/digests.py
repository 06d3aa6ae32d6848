"""Short hashes of values and of files, by which stages know whether what they were made of has changed.

A file's hash is kept with its inode, size and time stamps, in memory and in `.snakemake/`: as long as these four are
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
CACHE = Path(".snakemake/kinema-digests.json")  # lost, it costs reading the files once more
CACHED_BYTES = 1 << 20  # hashes of smaller files are not worth keeping on the disk
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
    key = (str(Path(path).absolute()), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if time.time_ns() - status.st_ctime_ns < SETTLED_NS:
        return _content_digest(Path(path))
    return _kept_digest(*key)


@functools.lru_cache(maxsize=4096)
def _kept_digest(path: str, *status: int) -> str:
    if status[1] < CACHED_BYTES:
        return _content_digest(Path(path))
    known = _read_cache()
    if known.get(path, [])[:-1] == list(status):
        return str(known[path][-1])
    found = _content_digest(Path(path))
    _write_cache({**_read_cache(), path: [*status, found]})
    return found


def _content_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:16]


def _read_cache() -> dict[str, list[Any]]:
    try:
        found = json.loads(CACHE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {path: entry for path, entry in found.items() if isinstance(entry, list)} if isinstance(found, dict) else {}


def _write_cache(entries: dict[str, list[Any]]) -> None:
    """Keep the hashes of files that are still there, where Snakemake has its folder; it is no loss where that fails."""
    part = CACHE.with_name(f"{CACHE.name}.{os.getpid()}.part")
    try:
        if CACHE.parent.is_dir():
            part.write_text(json.dumps({path: entry for path, entry in entries.items() if Path(path).exists()}))
            part.replace(CACHE)
    except OSError:
        part.unlink(missing_ok=True)
