"""A project of its own for workflow tests: a copy of this one's code with a data set of tiny videos."""

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import forked
import traced
import yaml

from kinema.demo.dataset import render_demo
from kinema.experiment.config import Demo

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = ("Snakefile", "workflow", "kinema", "config", "envs", "profiles")
NAME = "test_efficientnet_vtn"  # the smallest encoder that timm has
MODEL = f"results/tiny/{NAME}"
# One whose answers differ: of a network that says nearly the same of every clip there is no INT8.
LIVELY = f"{MODEL}@lively"
LIVELY_SETTINGS = {
    "training": {"train": False},
    "network": {"weights": "lively.pth"},
    "deployment": {"int8": {"max_accuracy_drop": 1}},
}
TINY = {
    "annotations": {"path": "data/tiny/list.csv"},
    "videos": "data/tiny/videos",
    "num_shards": 8,
    "look_alikes_limit": 0,  # a job less in every run
    "media": {"short_side": 64},
    "clip": {"length": 4, "stride": 2, "size": 64, "num_val_clips": 2},
    "network": {"encoder_weights": "none", "embedding": 32, "num_blocks": 1, "num_heads": 2, "feedforward": 32},
    "training": {"epochs": 1, "batch_size": 4, "num_workers": 0, "freeze_batch_norm": True},
}


@dataclass
class Project:
    """A folder with the code and a configuration, and what one does in it."""

    root: Path
    first_run: str = ""  # output of the run that made it

    @property
    def trace(self) -> Path:
        """Where the functions that its jobs called are noted, see tests/processes/traced.py."""
        return self.root / "trace"

    def snakemake(
        self,
        *arguments: str,
        check: bool = True,
        timeout: float = 1200,
        environment: Mapping[str, str] = MappingProxyType({}),
        is_traced: bool = False,
    ) -> str:
        """Run snakemake here; its whole output. Non-zero exit fails the test unless `check` is off.

        Where there is an `environment`, it and its jobs are new processes; else forks, see tests/processes/forked.py.
        """
        command = ("snakemake", "--cores", "2", *arguments)
        done = self.run(*command, timeout=timeout, environment=environment, is_traced=is_traced)
        output = done.stdout + done.stderr
        assert not check or done.returncode == 0, output
        assert check or done.returncode != 0, output
        return output

    def run(
        self,
        module: str,
        *arguments: str,
        timeout: float = 300,
        environment: Mapping[str, str] = MappingProxyType({}),
        is_traced: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        """What `python -m MODULE` does here, a fork like `snakemake`; where it `is_traced` jobs note what they call."""
        env = {**os.environ, **environment, **({traced.VARIABLE: str(self.trace)} if is_traced else {})}
        if environment or not forked.IS_POSSIBLE:
            command = [sys.executable, "-m", module, *arguments]
            return subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=timeout, env=env)
        env[forked.VARIABLE] = forks(forked.JOBS).address
        return forks(forked.WORKFLOW).run(module, *arguments, cwd=self.root, env=env, timeout=timeout)

    def planned(self, *arguments: str) -> set[str]:
        """Rules that a dry run would execute."""
        return executed(self.snakemake("-n", *arguments))

    def plan(self, *arguments: str, check: bool = True) -> str:
        """What `kinema plan` prints here, with its warnings last; on stderr alone where it refuses."""
        done = self.run("kinema.cli", "plan", "--cores", "2", *arguments)
        assert done.returncode == (0 if check else 2), done.stdout + done.stderr
        return done.stdout + done.stderr if check else done.stderr

    def videos(self) -> list[Path]:
        """The raw videos, sorted."""
        return sorted((self.root / "data/tiny/videos").rglob("*.mp4"))

    def shard_log(self, shard: str) -> str:
        """The log of a shard's last job."""
        return next((self.root / "logs/tiny").rglob(f"shard_{shard}.log")).read_text()

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text in a file of the project; the text must be there."""
        path = self.root / file
        text = path.read_text()
        assert old in text, f"{file} does not contain {old!r}"
        path.write_text(text.replace(old, new))


@functools.cache
def forks(modules: tuple[str, ...]) -> forked.Forks:
    """Started when a test first asks for it, and then of all tests of this worker."""
    return forked.Forks(modules)


def executed(output: str) -> set[str]:
    """Names of the rules in Snakemake's output."""
    return set(re.findall(r"^(?:local)?(?:rule|checkpoint) (\w+):", output, flags=re.MULTILINE))


def shards_executed(output: str) -> set[str]:
    """Numbers of the shards in Snakemake's output."""
    return set(re.findall(r"wildcards: .*shard=(\d{4})", output))


class Stage(NamedTuple):
    """A row of what `kinema plan` prints."""

    named: str
    jobs: str
    kept: str
    time: str
    why: str


def stages(output: str) -> dict[str, Stage]:
    """The rows of what `kinema plan` prints, the first of each rule."""
    lines = [line for line in output.splitlines() if "  " in line]
    rows = [Stage(*re.split("  +", line, maxsplit=4)) for line in lines[1:]]
    return {row.named.split(" ")[0]: row for row in reversed(rows)}


def copy_code(root: Path) -> None:
    """The parts of this project that a run needs, into the folder `root`."""
    root.mkdir(exist_ok=True)
    for name in CODE:
        copy(REPOSITORY / name, root / name)


def copy(source: Path, target: Path) -> None:
    """A file or a folder, without what Python is about to rename, where other tests compile modules meanwhile."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.pyc.*"))
    else:
        shutil.copy2(source, target)


def new_project(root: Path) -> Project:
    """A project with 6 tiny videos of 2 classes: 4 for training and 2 for validation, and 3 more not yet listed."""
    copy_code(root)
    videos = root / "data/tiny/videos"
    render_demo(
        table_path=root / "all.csv",
        video_folder=videos,
        settings=Demo(train_videos_per_class=2, val_videos_per_class=1),
    )
    rows = (root / "all.csv").read_text().splitlines()
    (root / "data/tiny/list.csv").write_text("\n".join([rows[0], *wanted(rows, "grow", "shrink")]) + "\n")
    (root / "data/tiny/more.csv").write_text("\n".join(wanted(rows, "open")) + "\n")
    for path in videos.rglob("*.mp4"):
        if path.parent.name not in ("grow", "shrink"):
            path.rename(root / "data" / path.name)  # found by nobody
    (root / "config/datasets/tiny.yaml").write_text(yaml.safe_dump(TINY))
    return Project(root)


def wanted(rows: list[str], *labels: str) -> list[str]:
    """Rows of a table with one of these labels."""
    return [row for row in rows[1:] if row.split(",")[1] in labels]
