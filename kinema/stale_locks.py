"""Snakemake's locks of a folder, and who holds them: a killed Snakemake cannot take its own away.

Its lock files (.snakemake/locks) say which files are in use, not by whom. So each run notes that beside them, and the
next one removes the lock files whose holder is dead beyond doubt: same machine, no such process any more.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kinema.processes import Process
from kinema.records.json_file import write_json

LOCKS, HOLDERS = "locks", "lock_holders"
UNLOCK = "where it is known to have ended, `snakemake --unlock` removes its locks"
Stamp = list[int]  # what changes when a lock file is made anew


@dataclass(frozen=True, kw_only=True)
class Holder(Process):
    """A Snakemake, and the lock files that it made."""

    since: float
    files: dict[str, Stamp | None]

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.since))
        return f"a Snakemake of {since} ({super().__str__()})"


def note_holder(state: Path, files: Iterable[str | Path]) -> None:
    """Note in `state` (.snakemake) that this process holds these lock files."""
    stamps = {Path(file).name: _stamp(Path(file)) for file in files}
    if stamps:
        me = Holder.this(since=time.time(), files=stamps)
        write_json(_note(state, me), asdict(me))


def remove_stale_locks(state_folder: Path) -> list[str]:
    """Remove the lock files of dead holders, unless another holder lives; lines for the user about what was found."""
    holders = [(holder, holder.is_alive()) for holder in _holders(state_folder)]
    lines = [
        f"This folder is locked by {holder}, of which this machine cannot tell whether it lives; {UNLOCK}."
        for holder, is_alive in holders
        if is_alive is None
    ]
    if any(is_alive is not False for _, is_alive in holders):
        return lines
    for holder, _ in holders:
        for name in holder.files:
            (state_folder / LOCKS / name).unlink(missing_ok=True)
        _note(state_folder, holder).unlink(missing_ok=True)
        lines.append(f"Removed the locks of {holder}, which was killed; its unfinished jobs run again.")
    return lines


def _holders(state_folder: Path) -> Iterator[Holder]:
    """Noted processes whose lock files are still those that they made; notes of other locks are removed."""
    for note in sorted((state_folder / HOLDERS).glob("*.json")):
        try:
            holder = Holder(**json.loads(note.read_text(encoding="utf-8")))
            held = {name: stamp for name, stamp in holder.files.items() if _stamp(state_folder / LOCKS / name) == stamp}
        except (OSError, ValueError, TypeError, AttributeError):
            continue  # damaged, or read while it went
        if held:
            yield replace(holder, files=held)
        else:
            note.unlink(missing_ok=True)


def _note(state_folder: Path, holder: Holder) -> Path:
    return state_folder / HOLDERS / f"{holder.host}-{holder.pid}.json"


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return [found.st_ino, found.st_size, found.st_mtime_ns]
