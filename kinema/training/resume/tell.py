"""What the user is told of trainings, before the workflow runs and in its last lines.

The Snakefile imports this module on every call: nothing heavy.
"""

from collections.abc import Iterator
from pathlib import Path

from kinema.experiment.model_sections import Training
from kinema.training.resume.runs import FINISHED, INTERRUPTED, has_run, num_epochs, obstacle, other_runs, resume_points
from kinema.words import anew, goes_on


def told(folder: Path, training: Training) -> str | None:
    """What the user is told before anything runs, where a run finds nothing in its folder but something in another."""
    if has_run(folder) or not (others := other_runs(folder)):
        return None
    for other in others:
        is_behind = num_epochs(other) < training.epochs or not (other / FINISHED).is_dir()
        if resume_points(other) and is_behind and not obstacle(training, num_epochs(other)):
            return goes_on(training.epochs, num_epochs(other))
    before = num_epochs(others[0])
    return anew(training.epochs, before, obstacle(training, before))


def interruptions(root: Path, *, since: float) -> Iterator[str]:
    """Lines about the trainings below `root` that were interrupted since a moment, in seconds since 1970."""
    notes = (note for folder in ("*/*", "*/*/crossval/*") for note in root.glob(f"{folder}/{INTERRUPTED}"))
    for note in sorted(notes):
        if note.stat().st_mtime >= since:
            yield f"kinema: {note.parent.relative_to(root)}: {note.read_text(encoding='utf-8')}"
