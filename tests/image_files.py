"""Dockerfiles, read for tests that run their commands without Docker."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
INSTALLED = "/opt/kinema"  # in the images


def stages(path: Path) -> list[list[tuple[str, str]]]:
    """The instructions of each stage of a Dockerfile, with what follows them."""
    text = path.read_text().replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: list[list[tuple[str, str]]] = []
    for name, rest in lines:
        found += [[]] if name == "FROM" else []
        found[-1].append((name, rest))
    return found


def copied(stage: list[tuple[str, str]]) -> list[str]:
    """What of the project a stage copies."""
    return [word for name, rest in stage if name == "COPY" for word in rest.split()[:-1]]


def copy_sources(stage: list[tuple[str, str]], folder: Path) -> None:
    """Copy it to a folder, as the builder does."""
    for name, rest in stage:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(REPOSITORY / source, folder / target)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def run(*command: object, check: bool = True, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command that does not see these sources."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    own["PATH"] = f"{Path(sys.executable).parent}:{own['PATH']}"
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=600, env=own, cwd=folder)
    assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
    return done
