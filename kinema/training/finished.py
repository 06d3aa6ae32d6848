"""A finished training -> its outputs once more, where they were lost after it.

When a workflow dies while its training goes on, as happens on clusters, Snakemake takes the outputs for incomplete: it
removes them and starts the job again. Hard links cost no space as long as the outputs are there.
"""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

FOLDER = "finished"


def keep_outputs(state: Path, outputs: Sequence[Path]) -> None:
    """Keep links to the outputs in `state`, in place of its resume points and of what was finished and kept before.

    Resume points of other experiments stay.
    """
    for other in state.parent.glob(f"*/{FOLDER}"):
        shutil.rmtree(other.parent, ignore_errors=True)  # what cannot be removed must not fail a finished training
    part = state / f"{FOLDER}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for path in outputs:
        _link(path, part / path.name)
    part.replace(state / FOLDER)
    for point in state.glob("*.ckpt*"):
        with suppress(OSError):
            point.unlink()


def is_finished(state: Path, outputs: Sequence[Path]) -> bool:
    """Whether these outputs were made before, and kept."""
    return all((state / FOLDER / path.name).is_file() for path in outputs)


def restore_outputs(state: Path, outputs: Sequence[Path]) -> None:
    """Put the outputs back."""
    for path in outputs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        _link(state / FOLDER / path.name, path)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links, or another one
        shutil.copy2(source, target)
