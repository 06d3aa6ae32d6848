"""Snakemake's locks of a folder, and who holds them: a killed Snakemake cannot take its own away.

Its lock files (.snakemake/locks) say which files are in use, not by whom. So each run notes that beside them, and the
next one removes the lock files whose holder is dead beyond doubt: same machine, no such process any more.
"""

import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

LOCKS, HOLDERS = "locks", "lock_holders"
UNLOCK = "where it is known to have ended, `snakemake --unlock` removes its locks"


def note_holder(state: Path, files: Iterable[str | Path]) -> None:
    """Note in `state` (.snakemake) that this process holds these lock files."""
    stamps = {Path(file).name: _stamp(Path(file)) for file in files}
    if stamps:
        folder = state / HOLDERS
        folder.mkdir(exist_ok=True)
        me = this_process()
        temporary = folder / f".{me['host']}-{me['pid']}"
        temporary.write_text(json.dumps(me | {"since": time.time(), "files": stamps}), encoding="utf-8")
        temporary.replace(folder / f"{me['host']}-{me['pid']}.json")


def remove_stale_locks(state: Path) -> list[str]:
    """Remove the lock files of dead holders, unless another holder lives; lines for the user about what was found."""
    holders = list(_holders(state))
    dead = [holder for holder in holders if is_alive(holder) is False]
    lines = [
        f"This folder is locked by {_named(holder)}, of which this machine cannot tell whether it lives; {UNLOCK}."
        for holder in holders
        if is_alive(holder) is None
    ]
    if len(dead) < len(holders):
        return lines
    for holder in dead:
        for name in holder["files"]:
            (state / LOCKS / name).unlink(missing_ok=True)
        _note(state, holder).unlink(missing_ok=True)
        lines.append(f"Removed the locks of {_named(holder)}, which was killed; its unfinished jobs run again.")
    return lines


def this_process() -> dict[str, Any]:
    """What tells this process from every other, here and elsewhere."""
    return {"pid": os.getpid(), "started": _started(os.getpid()), **_here()}


def is_alive(holder: dict[str, Any]) -> bool | None:
    """Whether a noted process lives; None where that cannot be told from here."""
    here = _here()
    if any(holder[key] != here[key] for key in ("host", "machine")):
        return None
    if holder["boot"] != here["boot"]:
        return False  # this machine, before it was started anew
    if holder["pid_space"] != here["pid_space"]:
        return None  # a container on this machine
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    # the same number may have been given to another process since
    return holder["started"] == _started(holder["pid"])


def _holders(state: Path) -> Iterator[dict[str, Any]]:
    """Noted processes whose lock files are still those that they made; notes of other locks are removed."""
    for note in sorted((state / HOLDERS).glob("*.json")):
        try:
            holder = json.loads(note.read_text(encoding="utf-8"))
            held = {name: stamp for name, stamp in holder["files"].items() if _stamp(state / LOCKS / name) == stamp}
            is_alive(holder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # damaged, or read while it went
        if held:
            yield holder | {"files": held}
        else:
            note.unlink(missing_ok=True)


def _note(state: Path, holder: dict[str, Any]) -> Path:
    return state / HOLDERS / f"{holder['host']}-{holder['pid']}.json"


def _stamp(file: Path) -> list[int] | None:
    """What changes when a lock file is made anew."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]


def _here() -> dict[str, str]:
    """The machine, since when it runs, and the space in which its process numbers count; "" where it does not say."""
    try:
        pid_space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        pid_space = ""
    return {
        "host": socket.gethostname(),
        "machine": _text("/etc/machine-id"),
        "boot": _text("/proc/sys/kernel/random/boot_id"),
        "pid_space": pid_space,
    }


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; "" where that is not told, or the process has ended."""
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _named(holder: dict[str, Any]) -> str:
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(holder["since"]))
    return f"a Snakemake of {since} (process {holder['pid']} on {holder['host']})"
