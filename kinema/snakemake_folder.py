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
from contextlib import suppress
from pathlib import Path
from typing import Any

NOTES, INCOMPLETE = Path(".snakemake/metadata"), Path(".snakemake/incomplete")
RECORDS = ".records"
LONGEST_NAME = 254  # of the parts into which Snakemake cuts the names of its notes; all but the last begin with @
FOLDERS = (
    "data/*",
    "results/*",
    "results/*/*",
    "results/*/*/*",
    "results/*/*/crossval/*",
    "results/*/*/int8/*",
    "results/*/*/serving/*/*",
    "prepared/*/*",
    "prepared/*/*/shards",
    "weights/*",
    "work/*/*/*",
)
FAILURES = "failures: "
WILDCARD = re.compile(r"\{(\w+)(?:,((?:[^{}]|\{[\d,]+\})*))?\}")  # with its constraint, which may hold a count: \d{4}
SAME_SECONDS = 1e-3  # between the end of a job as noted and the time stamp of its output


def record_path(output: str | Path) -> Path:
    """Where the note of an output lies beside it."""
    return Path(output).parent / RECORDS / f"{Path(output).name}.json"


def note_path(output: str | Path, folder: Path = NOTES) -> Path:
    """Where Snakemake keeps what it notes of an output."""
    name = urlsafe_b64encode(str(output).encode()).decode()
    parts = [name[start : start + LONGEST_NAME] for start in range(0, len(name), LONGEST_NAME)]
    return folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])


def keep_records(*, absent: bool = False) -> None:
    """Copy Snakemake's notes of outputs that are there beside these; it is no loss where that cannot be written.

    With `absent`, after `--touch`, also those of outputs that are not there and had a note: they count as current.

    A note beside an output that was brought from elsewhere, with what a cluster made, is the better one: see `_newer`.
    """
    for note, output in _notes():
        record = record_path(output)
        with suppress(OSError):
            is_right = _is_of_what_is_there(note, record, output) or (absent and record.exists())
            if is_right and not _is_same(note, record):
                _copy(note, record)


def restore_records() -> int:
    """Give Snakemake the notes beside outputs that are there, where it has none or an older one; returns how many."""
    restored = 0
    for folder in FOLDERS:
        for record in Path().glob(f"{folder}/{RECORDS}/*.json"):
            output = record.parent.parent / record.name.removesuffix(".json")
            note = note_path(output)
            with suppress(OSError):
                if output.exists() and not _is_same(note, record) and _newer(note, record, output) == record:
                    INCOMPLETE.mkdir(parents=True, exist_ok=True)  # without it, notes seem to be of an old release
                    _copy(record, note)
                    restored += 1
    return restored


def forget_records(outputs: Iterable[str | Path]) -> None:
    """Remove the notes beside outputs that are about to be made anew: they are of what was there before."""
    for output in outputs:
        record_path(output).unlink(missing_ok=True)


def failures(output: str | Path) -> str:
    """How often in a row the job of an output has failed, for a param of its rule, so that it is tried again.

    Snakemake removes the outputs of a failed job and notes its params all the same; with an old target behind it, the
    next run would find nothing to do. So a note of an output that is gone, other than the one beside its place, is that
    of a failure. An output that somebody removed leaves both alike.
    """
    params = (_read(note_path(output)) or {}).get("params") or ()
    number = sum(int(found[1]) for text in params if (found := re.fullmatch(rf"'{FAILURES}(\d+)'", str(text))))
    return f"{FAILURES}{number + has_failed(output)}"


def has_failed(output: str | Path) -> bool:
    """Whether the last job of an output failed."""
    note, path = note_path(output), Path(output)
    if path.exists() or not path.parent.is_dir():
        return False  # Snakemake makes the folder before the job, so one that is gone was removed by somebody
    return _read(note) is not None and not _is_same(note, record_path(output))


def mark_incomplete(targets: Iterable[str], rules: Iterable[Iterable[Any]]) -> dict[str, list[str]]:
    """Mark targets whose companions, outputs of the same rule, are not all there; Snakemake makes those anew.

    `rules` are the outputs of each rule, as patterns such as `results/{dataset}/clips.parquet`. Returns what is missing
    by target. A mark of ours on an output that is whole again is taken back.
    """
    patterns = [[str(output) for output in outputs] for outputs in rules]
    incomplete = {}
    for target in map(os.path.normpath, targets):
        if not (companions := _companions(target, patterns)):
            continue
        mark = note_path(target, INCOMPLETE)
        with suppress(OSError):
            missing = [path for path in companions if not Path(path).exists()]
            is_ours = not mark.exists() or '"missing"' in mark.read_text(encoding="utf-8")
            if missing and Path(target).exists() and is_ours:
                incomplete[target] = missing
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.write_text(json.dumps({"external_jobid": None, "missing": missing}))
            elif mark.exists() and is_ours:
                mark.unlink()
    return incomplete


def _companions(target: str, rules: list[list[str]]) -> list[str]:
    """Other outputs of the rule that makes a target."""
    for outputs in rules:
        for pattern in outputs:
            if (wildcards := matched(pattern, target)) is not None:
                others = [output for output in outputs if output != pattern]
                return [WILDCARD.sub(lambda name: wildcards[name[1]], output) for output in others]
    return []


def matched(pattern: str, target: str) -> Mapping[str, str] | None:
    """Wildcards by which the pattern of an output becomes a target; None where none do."""
    names: list[str] = []

    def group(name: re.Match[str]) -> str:
        is_known = name[1] in names
        names.append(name[1])
        return f"(?P={name[1]})" if is_known else f"(?P<{name[1]}>{name[2] or '[^/]+'})"

    expression, end = "", 0
    for name in WILDCARD.finditer(pattern):
        expression += re.escape(pattern[end : name.start()]) + group(name)
        end = name.end()
    expression += re.escape(pattern[end:])
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


def _is_of_what_is_there(note: Path, record: Path, output: Path) -> bool:
    # of an output that is being made, or was when Snakemake was killed, the note is the one before
    if not output.exists() or note_path(output, INCOMPLETE).exists():
        return False
    return _is_same(note, record) or _newer(note, record, output) == note


def _newer(note: Path, record: Path, output: Path) -> Path | None:
    """Which of two notes is of what is there now: the one that ends when the output was written, else the later one."""
    notes = {path: found for path in (note, record) if (found := _read(path))}
    written = output.stat().st_mtime
    ends = {path: float(found.get("endtime") or 0) for path, found in notes.items()}
    fitting = [path for path, end in ends.items() if abs(end - written) < SAME_SECONDS]
    if len(fitting) == 1:
        return fitting[0]
    return max(ends, key=lambda path: ends[path]) if ends else None


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except OSError:
        return False


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    shutil.copyfile(source, part)
    part.replace(target)


def _read(path: Path) -> dict[str, Any] | None:
    """A note of Snakemake's; None where there is none, or a damaged one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found["record_format_version"], int) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None
