"""What is asked for on the command line, checked before anything is planned."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from kinema.experiment.behind import names_behind
from kinema.experiment.comparing import compared_models, is_leaderboard, listed_models
from kinema.experiment.config import Config
from kinema.experiment.crossval import check_table, is_table
from kinema.experiment.files import ConfigError, nearest
from kinema.experiment.folds import split_fold
from kinema.experiment.obstacles import check_experiment, check_export, check_streaming, check_sweep
from kinema.experiment.pages import is_data_page
from kinema.experiment.resolve import annotation_files, dataset_named
from kinema.experiment.scoring import VERIFIED, name_in_folder
from kinema.experiment.starts import check_starts, models_behind, with_ancestors
from kinema.experiment.sweeps import swept
from kinema.models.model_name import canonical, split_variant
from kinema.snakemake_folder import WILDCARD, matched

# What is made of an exported model.
DEPLOYED = (*VERIFIED, "parity.json")


def check_target(config: Config, target: str, runs_here: Callable[[], bool] = lambda: False) -> None:
    """ConfigError where a target names what does not exist (data set, model, variant, files) or cannot be made.

    `runs_here` tells whether jobs run on this machine.
    """
    parts = Path(target).parts
    if len(parts) < 3 or parts[0] != "results":
        return
    dataset_named(config, parts[1])
    if is_leaderboard(target):
        _check_leaderboard(config, parts[1], runs_here)
        return
    if is_table(target):
        check_table(config, parts[1])
    if len(parts) > 3 and not is_data_page(target):
        if parts[-1] == "quantization.json":
            beside = "encoder.xml" if parts[-2] == "streaming" else "model.xml"
            raise ConfigError(f"{target}: is written with {beside} beside it; ask for that")
        if name_in_folder(parts) in DEPLOYED:
            check_export(config, parts[1], parts[2])
        if "streaming" in parts[3:5]:
            check_streaming(config, parts[1], parts[2])
        if sweep := swept(target):
            check_sweep(config, sweep[0], sweep[2])
        for name in names_behind(config, target):
            check_starts(config, parts[1], name)
            for dataset, model_name in with_ancestors(config, parts[1], name):
                _check_spelling(dataset, split_fold(model_name)[0])
                check_experiment(config, dataset, model_name, runs_here)
    annotation_files(config, parts[1])


def check_spellings(config: Config, targets: Iterable[str]) -> None:
    """ConfigError where these targets, together, want a model by two spellings: it would be made in two folders."""
    spelled: dict[tuple[str, str, str | None], str] = {}
    for dataset, name in models_behind(config, targets):
        model_name = split_fold(name)[0]
        base, variant = split_variant(model_name)
        other = spelled.setdefault((dataset, canonical(base), variant), model_name)
        if other != model_name:
            raise ConfigError(
                f"results/{dataset}/{model_name}: this model is asked for as results/{dataset}/{other}, too, as `-` "
                "and `_` are the same in its name; ask for one of the two"
            )


def check_outputs(targets: Iterable[str], rules: Mapping[str, Sequence[str]]) -> None:
    """ConfigError, with the nearest output that could be meant, where a target is nothing that a rule makes.

    `rules` are the patterns of the outputs by the name of the rule. The name of a rule is
    one, too; a file that is there is none.
    """
    patterns = [pattern for outputs in rules.values() for pattern in outputs]
    bare = [WILDCARD.sub(r"{\1}", pattern) for pattern in patterns]
    for target in targets:
        path = os.path.relpath(target)  # an absolute one too: rules make relative ones
        made = [pattern for pattern in patterns if matched(pattern, os.path.normpath(target)) is not None]
        if made or target in rules:
            continue
        known = {filled for pattern in bare if (filled := _filled(pattern, path))}
        raise ConfigError(f"{target}: no rule makes this{nearest(path, sorted(known))}")


def _check_leaderboard(config: Config, dataset: str, runs_here: Callable[[], bool]) -> None:
    """Of a leaderboard without a list nothing is made but itself, of models that must be there."""
    for model in listed_models(config, dataset):
        try:
            check_target(config, f"results/{dataset}/{model}/evaluation.json", runs_here)
        except ConfigError as error:
            raise ConfigError(f"datasets.{dataset}.leaderboard: {error}") from None
    if not compared_models(config, dataset):
        raise ConfigError(
            f"results/{dataset}: no model there has an evaluation.json. Name models in "
            f"{config.dataset_dir}/{dataset}.yaml, `leaderboard: [...]`, which are then made, or run snakemake for "
            f"results/{dataset}/MODEL/evaluation.json first."
        )


def _check_spelling(dataset: str, model_name: str) -> None:
    """ConfigError where a model is there already by another spelling: it would be trained twice, in two folders."""
    folder = Path("results", dataset)
    if (folder / model_name).exists() or not folder.is_dir():
        return
    base, variant = split_variant(model_name)
    for path in sorted(folder.iterdir()):
        other, of = split_variant(path.name)
        if (canonical(other), of) == (canonical(base), variant):
            raise ConfigError(
                f"{folder}/{model_name}: this model is there as {path}, as `-` and `_` are the same in its name; "
                "ask for that"
            )


def _filled(pattern: str, path: str) -> str | None:
    """An output of as many parts as a path, with the path's own in the place of wildcards."""
    parts, own = pattern.split("/"), path.split("/")
    if len(parts) != len(own):
        return None
    return "/".join(of_path if "{" in part else part for part, of_path in zip(parts, own, strict=True))
