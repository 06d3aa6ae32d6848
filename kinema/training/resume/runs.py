"""Folders of trainings, `work/<dataset>/<model>/<lineage>-<epochs>/`: what lies there, and which can go on from which.

The lineage is a digest of all that a result depends on but the number of epochs. A run that finds nothing in its folder
looks into those of its lineage: where each step so far was made as it would be made now, it goes on from there, to the
same result. The Snakefile imports this module on every call: nothing heavy.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from kinema.digests import digest
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training
from kinema.experiment.params import training_json
from kinema.words import other_rates, other_validations, other_warmup

FINISHED = "finished"
INTERRUPTED = "interrupted.txt"  # in work/<dataset>/<model>/: what the last run said when it was asked to end


def lineage_of(
    model_name: str, settings: Settings, *, weights: Mapping[str, str], data: Mapping[str, str], code: str
) -> str:
    """Short hash of all that the steps of a training depend on; `weights` are digests of the files it starts from.

    What may be changed to get past a crash is no part of it, nor is the number of epochs.
    """
    values = json.loads(training_json(settings))
    del values["training"]["epochs"]
    return digest([model_name, values, dict(weights), dict(data), code])


def run_folder(work_folder: Path, lineage: str, training: Training) -> Path:
    """The folder of a run in the work folder of its model."""
    return work_folder / f"{lineage}-{training.epochs}"


def resume_points(folder: Path) -> list[Path]:
    """Files of a run's resume points, the newest first."""
    return sorted(folder.glob("resume-*.ckpt"), reverse=True)


def has_run(folder: Path) -> bool:
    """Whether something is left of a run in this folder."""
    is_run = folder.name.rpartition("-")[2].isdecimal()
    return is_run and bool(resume_points(folder) or (folder / FINISHED).is_dir())


def other_runs(folder: Path) -> list[Path]:
    """Folders of the same lineage with another number of epochs, if anything is left in them; the furthest first."""
    lineage, _, _ = folder.name.rpartition("-")
    others = [path for path in folder.parent.glob(f"{lineage}-*") if path.name != folder.name and has_run(path)]
    return sorted(others, key=_progress, reverse=True)


def num_epochs(folder: Path) -> int:
    """Epochs of the run in a folder, as they were asked for."""
    return int(folder.name.rpartition("-")[2])


def validation_period(training: Training) -> int:
    """Epochs from one validation to the next; there is one at least."""
    return min(training.validate_every, training.epochs)


def obstacle(training: Training, epochs: int) -> str | None:
    """Why a training cannot go on from a run of so many epochs; None where each step of that would be the same now."""
    if training.schedule in ("onecycle", "cosine"):
        return other_rates(training.schedule)
    if training.schedule != "plateau" and training.warmup_fraction:
        return other_warmup(training.warmup_fraction)
    if validation_period(training) != min(training.validate_every, epochs):
        return other_validations(training.validate_every, epochs)
    return None


def note_interruption(work_folder: Path, text: str) -> None:
    """Keep what an interrupted run said, for the last lines of the workflow."""
    work_folder.mkdir(parents=True, exist_ok=True)
    (work_folder / INTERRUPTED).write_text(text, encoding="utf-8")


def _progress(folder: Path) -> tuple[str, int]:
    """By its newest point, whose name counts batches, and the number of epochs."""
    return next((path.name for path in resume_points(folder)), ""), num_epochs(folder)
