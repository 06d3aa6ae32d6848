"""A sweep of a model -> the experiments that it is made of, and what is read of each.

`results/<dataset>/<model>/sweep-<name>/` compares the combinations of `sweeps.<name>`. Each is a model of the data set
with the settings in its name (`kinema.experiment.assigned`), whoever asks for it.
"""

import os

from kinema.experiment.assigned import LONGEST, joined, read_assigned, split_assigned, text_of
from kinema.experiment.config import Config
from kinema.experiment.crossval import fold_names, summary_file
from kinema.experiment.files import ConfigError, nearest
from kinema.experiment.folds import Fold
from kinema.experiment.resolve import resolve
from kinema.experiment.sweep_section import Sweep
from kinema.models.model_name import split_variant

FOLDER = "sweep-"
FILES = ("summary.csv", "summary.md")
READ = ("evaluation.json", "training.json")  # of each combination, where the validation videos choose
CROSSVAL, VALIDATION = "crossval", "validation"


def swept(target: str) -> tuple[str, str, str] | None:
    """Data set, model and sweep of a target that compares its combinations."""
    parts = os.path.relpath(target).split("/")
    is_sweep = len(parts) == 5 and parts[0] == "results" and parts[3].startswith(FOLDER) and parts[4] in FILES
    return (parts[1], parts[2], parts[3].removeprefix(FOLDER)) if is_sweep else None


def sweep_named(config: Config, name: str) -> Sweep:
    """The sweep `name`; ConfigError with the nearest match otherwise."""
    if name not in config.sweeps:
        known = sorted(config.sweeps)
        raise ConfigError(
            f"unknown sweep '{name}'{nearest(name, known)} Configured under `sweeps`: {', '.join(known) or 'none'}."
        )
    return config.sweeps[name]


def points(config: Config, dataset: str, model_name: str, sweep: str) -> dict[str, dict[str, str]]:
    """The names of the models that are compared, each with its values of what is swept, as they stand there.

    ConfigError where the sweep sets what the name of the model, or each fold of a cross-validation, sets already.
    """
    section = sweep_named(config, sweep)
    resolve(config, dataset, model_name)  # tells what is wrong with the name
    base, variant = split_variant(model_name)
    named, texts = split_assigned(variant) if variant is not None else (None, {})
    own = read_assigned(texts)
    found = {
        f"{base}@{joined(named, {**own, **values})}": {key: text_of(value) for key, value in values.items()}
        for values in section.combinations
    }
    _check_settings(sweep, section, set(own), model_name)
    if longest := next((name for name in found if len(name) > LONGEST), None):
        raise ConfigError(
            f"sweeps.{sweep}: '{longest}' would be the name of a folder, of more than {LONGEST} characters; sweep "
            "fewer settings at a time, and write those that stay as they are into a variant"
        )
    return found


def trainings(config: Config, dataset: str, model_name: str, sweep: str) -> list[str]:
    """The names of all experiments behind a sweep: its combinations, or every fold of each."""
    names = points(config, dataset, model_name, sweep)
    if sweep_named(config, sweep).choose_on == CROSSVAL:
        return [fold for name in names for fold in fold_names(config, dataset, name)]
    return list(names)


def compared_files(config: Config, dataset: str, model_name: str, sweep: str) -> list[str]:
    """What a sweep reads."""
    names = points(config, dataset, model_name, sweep)
    if sweep_named(config, sweep).choose_on == CROSSVAL:
        return [summary_file(dataset, name) for name in names]
    return [f"results/{dataset}/{name}/{file}" for name in names for file in READ]


def _check_settings(sweep: str, section: Sweep, own: set[str], model_name: str) -> None:
    keys = set(section.combinations[0])
    if both := sorted(keys & own):
        raise ConfigError(f"sweeps.{sweep}: {both[0]} stands in the name '{model_name}' already; take it out of one")
    of_folds = Fold(0, 0).settings.model_dump(exclude_unset=True)
    set_by_folds = {f"{name}.{key}" for name, values in of_folds.items() for key in values}
    if section.choose_on == CROSSVAL and (both := sorted(keys & set_by_folds)):
        raise ConfigError(
            f"sweeps.{sweep}: {both[0]} is set by a cross-validation itself (seeds: crossval.seeds); leave it out, or "
            "set choose_on: validation"
        )
