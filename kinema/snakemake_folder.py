"""Snakemake's own records of its jobs: kept once more beside the results, and put back where `.snakemake/` is lost.

Snakemake notes the params and the digests of the inputs of each output in `.snakemake/metadata/`, which copies of a
project leave behind. Without these notes a changed setting goes unnoticed, and a new time stamp makes a current result
anew. So each output's note lies in `.records/` in the output's folder, too. The standard library only: the Snakefile
imports this module on every call.
"""

import json
import os
import re
import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

NOTES, INCOMPLETE = Path(".snakemake/metadata"), Path(".snakemake/incomplete")
RECORDS = ".records"
LONGEST_NAME = 254  # of the parts into which Snakemake cuts the names of its notes; all but the last begin with @
FOLDERS = ("results/*", "results/*/*", "prepared/*/*", "prepared/*/*/shards", "work/*/*/*")


def record_path(output: str | Path) -> Path:
    """Where the note of an output lies beside it."""
    return Path(output).parent / RECORDS / f"{Path(output).name}.json"


def note_path(output: str | Path, folder: Path = NOTES) -> Path:
    """Where Snakemake keeps what it notes of an output."""
    name = urlsafe_b64encode(str(output).encode()).decode()
    parts = [name[start : start + LONGEST_NAME] for start in range(0, len(name), LONGEST_NAME)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])


def keep_records() -> None:
    """Copy Snakemake's notes of outputs that are there beside these; it is no loss where that cannot be written."""
    for note, output in _notes():
        record = record_path(output)
        try:
            if output.exists() and _is_older(record, note):
                record.parent.mkdir(exist_ok=True)
                part = record.with_name(f"{record.name}.{os.getpid()}.part")
                shutil.copy2(note, part)
                part.replace(record)
        except OSError:
            continue


def restore_records() -> int:
    """Give back to Snakemake the notes that it has not, of outputs that are there; returns how many."""
    restored = 0
    for folder in FOLDERS:
        for record in Path().glob(f"{folder}/{RECORDS}/*.json"):
            output = record.parent.parent / record.name.removesuffix(".json")
            note = note_path(output)
            if not note.exists() and output.exists() and _is_note(record):
                note.parent.mkdir(parents=True, exist_ok=True)
                INCOMPLETE.mkdir(exist_ok=True)  # without it Snakemake takes the notes for those of an old release
                shutil.copy2(record, note)
                restored += 1
    return restored


def forget_records(outputs: Iterable[str | Path]) -> None:
    """Remove the notes beside outputs that are about to be made anew: they are of what was there before."""
    for output in outputs:
        record_path(output).unlink(missing_ok=True)


def mark_incomplete(targets: Iterable[str], rules: Iterable[Iterable[Any]]) -> dict[str, list[str]]:
    """Mark targets whose companions, outputs of the same rule, are not all there; Snakemake makes those anew.

    `rules` are the outputs of each rule, as patterns such as `results/{dataset}/clips.parquet`. Returns what is missing
    by target. A mark of ours on an output that is whole again is taken back.
    """
    patterns = [[str(output) for output in outputs] for outputs in rules]
    incomplete = {}
    for target in targets:
        mark = note_path(target, INCOMPLETE)
        missing = [path for path in _companions(target, patterns) if not Path(path).exists()]
        if missing and Path(target).exists():
            incomplete[target] = missing
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_text(json.dumps({"external_jobid": None, "missing": missing}))
        elif mark.is_file() and '"missing"' in mark.read_text(encoding="utf-8"):
            mark.unlink()
    return incomplete


def _companions(target: str, rules: list[list[str]]) -> list[str]:
    """Other outputs of the rule that makes a target."""
    for outputs in rules:
        for pattern in outputs:
            if (wildcards := _matched(pattern, target)) is not None:
                others = [output for output in outputs if output != pattern]
                return [re.sub(r"\{(\w+).*?\}", lambda name: wildcards[name[1]], output) for output in others]
    return []


def _matched(pattern: str, target: str) -> Mapping[str, str] | None:
    """Wildcards by which a pattern becomes the target; None where none do."""
    names: list[str] = []

    def group(name: re.Match[str]) -> str:
        is_known = name[1] in names
        names.append(name[1])
        return f"(?P={name[1]})" if is_known else f"(?P<{name[1]}>[^/]+)"

    parts = re.split(r"(\{\w+.*?\})", pattern)
    expression = "".join(re.sub(r"\{(\w+).*?\}", group, part) if part[:1] == "{" else re.escape(part) for part in parts)
    found = re.fullmatch(expression, target)
    return found.groupdict() if found else None


def _notes() -> Iterator[tuple[Path, Path]]:
    """Snakemake's notes, each with the output that it is of."""
    for folder, _, names in os.walk(NOTES):
        above = "".join(part.removeprefix("@") for part in Path(folder).relative_to(NOTES).parts)
        for name in names:
            try:
                output = Path(urlsafe_b64decode(above + name).decode())
            except ValueError:
                continue
            if not output.is_absolute():
                yield Path(folder) / name, output


def _is_older(record: Path, note: Path) -> bool:
    return not record.exists() or record.stat().st_mtime_ns != note.stat().st_mtime_ns


def _is_note(record: Path) -> bool:
    """Whether this is a note of Snakemake's, not cut off."""
    try:
        return "record_format_version" in json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False
