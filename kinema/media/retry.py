"""Which videos of a shard are worth another try in the next run: a note beside the shard's table.

Snakemake runs a job again where a param differs from that of the last run. The number of the attempt is such a param: a
note says which attempt wrote it, and one more is wanted while the note names videos whose failure may pass, or a limit
that has been raised since. An attempt that succeeds writes its own number, which then is that of the last run: nothing
is to be done. The Snakefile imports this module: it needs the standard library only.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kinema.records.json_file import write_json

SHOWN = 5  # videos named in a line
MAX_RUNS = 3  # runs in a row in which the same videos fail; a cause that has not passed then does not pass by itself


@dataclass(frozen=True, slots=True)
class Note:
    """What an attempt left to be done."""

    attempt: int = 0
    passing: list[str] = field(default_factory=list)  # videos whose failure may pass
    runs: int = 0  # in a row in which exactly these have failed
    limits: dict[str, float] = field(default_factory=dict)  # by which videos failed, each with its lowest value then

    @property
    def is_given_up(self) -> bool:
        """Whether the next run leaves the `passing` videos alone."""
        return self.runs >= MAX_RUNS

    def next_attempt(self, limits: Mapping[str, float]) -> int:
        """The number of this attempt, or of the next one where there is a reason for it."""
        is_raised = any(limits.get(name, value) > value for name, value in self.limits.items())
        return self.attempt + int(bool(self.passing and not self.is_given_up) or is_raised)


def note_path(table_path: Path) -> Path:
    """Where the note of a shard lies: no declared output, which Snakemake would delete before the job."""
    return Path(table_path).with_suffix(".retry")


def attempt_of(table_path: Path, limits: Mapping[str, float]) -> int:
    """The number of the attempt that the next job of a shard is."""
    return read_note(table_path).next_attempt(limits)


def told(prepared_folder: Path, *, given_up: bool = False) -> list[str]:
    """A line for each shard below a folder that lacks videos whose failure may pass; or, only for those given up."""
    lines = []
    for path in sorted(prepared_folder.glob("*/*/shards/*.retry")):
        table, note = path.with_suffix(".parquet"), read_note(path)
        if not note.passing or note.is_given_up != given_up:
            continue
        shown = ", ".join(note.passing[:SHOWN]) + (", ..." if len(note.passing) > SHOWN else "")
        advice = f"delete {table} to have them tried once more" if given_up else "the same command tries them again"
        lines.append(f"{table}: {len(note.passing)} videos failed by what may pass ({shown}): {advice}")
    return lines


def read_note(table_path: Path) -> Note:
    """The note of a shard; that of a first attempt without failures where there is none, or a damaged one."""
    try:
        return Note(**json.loads(note_path(table_path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Note()


def noted(before: Note, attempt: int, records: Iterable[Mapping[str, Any]]) -> Note:
    """The note of an attempt, by the records of its videos and the note of the last one."""
    failed = [record for record in records if record["status"] == "failed"]
    passing = sorted(record["id"] for record in failed if record.get("passing"))
    limits: dict[str, float] = {}
    for record in failed:
        for name, value in (record.get("limits") or {}).items():
            limits[name] = min(value, limits.get(name, value))
    runs = before.runs + 1 if passing == before.passing else 1
    return Note(attempt, passing, runs if passing else 0, limits)


def write_note(table_path: Path, note: Note) -> None:
    """Write the note, or remove it where it says nothing."""
    if note == Note():
        note_path(table_path).unlink(missing_ok=True)
    else:
        write_json(note_path(table_path), asdict(note))
