"""A cross-validation -> the trainings that it is made of, and what is read of each."""

import os
from pathlib import Path

from kinema.experiment.comparing import listed_models
from kinema.experiment.config import Config
from kinema.experiment.files import ConfigError
from kinema.experiment.folds import CROSSVAL, Fold, in_fold
from kinema.experiment.resolve import crossval_of, resolve

SUMMARY = ("summary.json", "summary.md", "predictions.parquet")  # in results/<dataset>/<model>/crossval
TABLE = ("summary.csv", "summary.md")  # in results/<dataset>/crossval
DEALT = ("training", "validation")  # subsets whose videos are dealt out; testing videos are left alone
CLIPS = tuple(f"clip.{key}" for key in ("length", "stride", "fps", "num_train_clips", "num_test_clips"))  # of folds
READ = ("predictions.parquet", "training.json")  # in the folder of each fold


def fold_names(config: Config, dataset: str, model_name: str) -> list[str]:
    """The names of all trainings of a model's cross-validation, seed by seed."""
    asked = crossval_of(config, dataset)
    return [in_fold(model_name, Fold(number, seed)) for seed in asked.seeds for number in range(asked.num_folds)]


def fold_files(config: Config, dataset: str, model_name: str) -> list[str]:
    """What a summary reads of them."""
    return [f"results/{dataset}/{name}/{file}" for name in fold_names(config, dataset, model_name) for file in READ]


def tabled_models(config: Config, dataset: str) -> list[str]:
    """The models of a table of cross-validations: those that `leaderboard` lists, else those that are summed up."""
    there = (path.parent.parent.name for path in Path(f"results/{dataset}").glob(f"*/{CROSSVAL}/summary.json"))
    return listed_models(config, dataset) or sorted(there)


def summary_file(dataset: str, model_name: str) -> str:
    """What it reads of each. Only those of listed models are its inputs, and so are made."""
    return f"results/{dataset}/{model_name}/{CROSSVAL}/summary.json"


def is_table(target: str) -> bool:
    """Whether a target is the table of all models."""
    parts = os.path.relpath(target).split("/")
    return len(parts) == 4 and (parts[0], parts[2]) == ("results", CROSSVAL) and parts[3] in TABLE


def is_summary(target: str) -> bool:
    """Whether a target is a file that sums up the cross-validation of a model."""
    parts = os.path.relpath(target).split("/")
    return len(parts) == 5 and (parts[0], parts[3]) == ("results", CROSSVAL) and parts[4] in SUMMARY


def check_table(config: Config, dataset: str) -> None:
    """ConfigError where a table would have no model."""
    if not tabled_models(config, dataset):
        raise ConfigError(
            f"results/{dataset}: no model there is cross-validated. Name models in "
            f"{config.dataset_dir}/{dataset}.yaml, `leaderboard: [...]`, or run snakemake for "
            f"results/{dataset}/MODEL/{CROSSVAL}/summary.json first."
        )


def check_number(config: Config, dataset: str, number: int) -> None:
    """ConfigError where there is no fold of this number."""
    num_folds = crossval_of(config, dataset).num_folds
    if number >= num_folds:
        raise ConfigError(
            f"results/{dataset}: there is no fold {number}; crossval.num_folds is {num_folds}, so they are 0 to "
            f"{num_folds - 1}"
        )


def check_crossval(config: Config, dataset: str, model_name: str) -> None:
    """ConfigError where a model cannot be trained without the videos that are to score it."""
    if resolve(config, dataset, model_name).settings.training.schedule == "plateau":
        raise ConfigError(
            f"{dataset}/{model_name}: training.schedule is plateau, which follows the accuracy on validation videos; a "
            "cross-validation scores the model on them, so they may not train it. Set another training.schedule."
        )
