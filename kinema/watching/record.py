"""What a model was trained with, by what, on what and how well -> training.json, to be read in a year."""

import importlib.metadata
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kinema import __version__
from kinema.models.hub_files import LIBRARY
from kinema.models.loading.start_keys import ENCODER
from kinema.models.model_name import parse_model_name
from kinema.models.names import HUB_NETWORKS
from kinema.models.published import is_published
from kinema.records.training import Processes, Training
from kinema.records.weights import Published, Weights
from kinema.training.run import Fitted, Trained, TrainingInputs
from kinema.training.task import MONITOR

LIBRARIES = ("torch", "torchvision", "lightning", "timm", "numpy")


def write_record(path: Path, trained: Trained, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the record of one training; `rows` are its epochs (none: it was not trained)."""
    inputs, fitted = trained.inputs, trained.fitted
    candidates = [row for row in rows if MONITOR in row] if fitted.kept_best else rows[-1:]  # not all are validated
    best = max(candidates, key=lambda row: row.get(MONITOR, 0)) if candidates else None
    record = Training(
        model=inputs.model_name,
        labels=list(trained.labels),
        settings=inputs.settings.model_dump(mode="json"),
        starts=dict(inputs.starts),
        published=_published(inputs.starts),
        seed=inputs.settings.training.seed,
        data=dict(inputs.data),
        code=inputs.code,
        commit=git_commit(),
        versions={"kinema": __version__} | {name: importlib.metadata.version(name) for name in _libraries(inputs)},
        processes=_processes(fitted),
        seconds=round(fitted.seconds, 1),
        num_epochs=len(rows),
        kept_epoch=dict(best) if best else None,
    )
    record.write(path)


def _libraries(inputs: TrainingInputs) -> tuple[str, ...]:
    is_of_hub = parse_model_name(inputs.model_name).encoder in HUB_NETWORKS
    return (*LIBRARIES, LIBRARY) if is_of_hub else LIBRARIES


def _processes(fitted: Fitted) -> Processes | None:
    world, share = fitted.world, fitted.share
    if world is None or share is None:
        return None
    return Processes(device=fitted.device, nodes=world.nodes, number=world.size, **asdict(share))


def _published(starts: Mapping[str, str]) -> Published | None:
    """What is known of published weights; nothing of a file that somebody has put in their place without a record."""
    path = starts.get(ENCODER)
    record_path = Path(f"{path}.json")
    return Weights.read(record_path).published if path and is_published(path) and record_path.is_file() else None


def git_commit() -> str | None:
    """Commit of the code, `-dirty` where files differ from it; None where it is no repository."""
    folder = Path(__file__).parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
