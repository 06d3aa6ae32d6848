"""A leaderboard -> the models that it compares: those that the data set's `leaderboard` lists, else what is there.

Listed models are made first; of what is there, nothing is made anew.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from kinema.experiment.config import Config
from kinema.experiment.resolve import dataset_named

LEADERBOARD = ("leaderboard.csv", "leaderboard.md", "leaderboard.html")
READ = ("evaluation.json", "predictions.parquet", "training.json")  # in the folder of each model
TIMED = ("benchmark.json", "model.xml")  # told where a user has measured the model
SIZED = ("model.xml", "model.bin")  # of which the size alone is told


def is_leaderboard(target: str) -> bool:
    """Whether a target is `results/<dataset>/leaderboard...`."""
    parts = os.path.relpath(target).split("/")
    return len(parts) == 3 and parts[0] == "results" and parts[2] in LEADERBOARD


def listed_models(config: Config, dataset: str) -> list[str]:
    """The models that the data set's `leaderboard` names, each once."""
    return list(dict.fromkeys(dataset_named(config, dataset).leaderboard))


def listed_files(config: Config, dataset: str) -> list[str]:
    """What is read of these models."""
    return [f"results/{dataset}/{model}/{name}" for model in listed_models(config, dataset) for name in READ]


def compared_models(config: Config, dataset: str) -> list[str]:
    """Those that are listed; without a list, those that have an evaluation.json, by name."""
    there = (path.parent.name for path in Path(f"results/{dataset}").glob("*/evaluation.json"))
    return listed_models(config, dataset) or sorted(there)


def with_listed(config: Config, targets: Iterable[str]) -> list[str]:
    """The targets, and behind each leaderboard what is read of the models that are listed for it."""
    found: list[str] = []
    for target in targets:
        found += [target, *(listed_files(config, target_dataset(target)) if is_leaderboard(target) else [])]
    return found


def target_dataset(target: str) -> str:
    """The data set of a leaderboard."""
    return os.path.relpath(target).split("/")[1]
