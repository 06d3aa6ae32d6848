"""`results/<dataset>/<model>` -> the experiment it stands for.

<model> is a model name (`kinema.models.names`), optionally with `@variant`, and of a cross-validation with the fold
(`kinema.experiment.folds`). An experiment's settings resolve in this order, the last one wins: the tree's defaults,
config.yaml, the data set, each matching override, what is laid over for the run (`kinema.experiment.layers`), the
variant, the fold.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinema.annotations.sources import list_files
from kinema.experiment import params
from kinema.experiment.config import Config, Dataset, Settings, merged
from kinema.experiment.data_sections import CrossValidation, Media
from kinema.experiment.files import ConfigError, nearest
from kinema.experiment.folds import split_fold
from kinema.experiment.layers import PROJECT, Patch, patches
from kinema.experiment.model_sections import ENCODER_WEIGHTS
from kinema.media.recipe import recipe_of
from kinema.media.remote.address import is_remote
from kinema.models.hub_files import PREFIX
from kinema.models.model_name import parse_model_name, split_variant

OWN = ("videos", "corpus", "num_shards", "max_failed_fraction", "look_alikes_limit")  # keys of a data set in no section


@dataclass(frozen=True)
class Experiment:
    """One model on one data set, with every setting resolved."""

    dataset: str
    model_name: str
    settings: Settings
    patches: tuple[Patch, ...] = ()  # what the settings were made of, the last one wins


def dataset_named(config: Config, name: str) -> Dataset:
    """The data set `name`; ConfigError with the nearest match otherwise."""
    if name not in config.datasets:
        known = sorted(config.datasets)
        raise ConfigError(
            f"unknown data set '{name}'{nearest(name, known)} Configured: {', '.join(known) or 'none'}. "
            f"Add {config.dataset_dir}/{name}.yaml, or a key under `datasets`."
        )
    return config.datasets[name]


def resolve(config: Config, dataset: str, model_name: str) -> Experiment:
    """The experiment behind `results/<dataset>/<model>`; ConfigError names what is unknown and what exists."""
    dataset_named(config, dataset)
    plain, fold = split_fold(model_name)
    try:
        base, variant = split_variant(plain)
        name = str(parse_model_name(base))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if variant is not None and variant not in config.variants:
        known = sorted(config.variants)
        raise ConfigError(
            f"unknown variant '{variant}' in '{plain}'{nearest(variant, known)} "
            f"Configured under `variants`: {', '.join(known) or 'none'}."
        )
    found = list(patches(config, dataset, name))
    if variant is not None:
        found.append(Patch(f"variant {variant}", config.variants[variant]))
    if fold is not None:
        found.append(Patch(f"fold {fold.number}", fold.settings))
    settings = Settings.model_validate(merged(_top_level(config), *(patch.values for patch in found)))
    return Experiment(dataset, name, settings, (Patch(PROJECT, _top_level(config)), *found))


def _top_level(config: Config) -> Settings:
    return Settings.model_validate(config.model_dump(include=set(Settings.model_fields), exclude_unset=True))


def weight_files(experiment: Experiment) -> dict[str, str]:
    """Files of the user's that the network, or its encoder, starts from, by the key that names them."""
    network = experiment.settings.network
    if network.weights:
        return {"network.weights": network.weights}
    names_file = network.encoder_weights not in ENCODER_WEIGHTS and not network.encoder_weights.startswith(PREFIX)
    return {"network.encoder_weights": network.encoder_weights} if names_file else {}


def dataset_settings(config: Config, dataset: str) -> Settings:
    """Settings that hold for a whole data set: no override and no variant looks at them."""
    dataset_named(config, dataset)
    return Settings.model_validate(merged(_top_level(config), *(patch.values for patch in patches(config, dataset))))


def media_of(config: Config, dataset: str) -> Media:
    """The recipe of a data set's frames: the top-level `media`, the data set's own, and what is laid over for a run."""
    own = [values.media for values in _for_dataset(config, dataset)]
    return Media.model_validate(merged(config.media, *own))


def crossval_of(config: Config, dataset: str) -> CrossValidation:
    """How models are cross-validated on a data set, of the same places."""
    own = [values.crossval for values in _for_dataset(config, dataset)]
    return CrossValidation.model_validate(merged(config.crossval, *own))


def _for_dataset(config: Config, dataset: str) -> list[Config | Dataset]:
    """What is laid over the top level for a data set and may have sections that no model has of its own."""
    dataset_named(config, dataset)
    return [patch.values for patch in patches(config, dataset) if isinstance(patch.values, Config | Dataset)]


def dataset_json(config: Config, dataset: str, names: Sequence[str]) -> str:
    """Sections that hold for a whole data set as JSON."""
    return params.as_json(dataset_settings(config, dataset), names)


def annotation_files(config: Config, dataset: str) -> list[str]:
    """All files of a data set's list; ConfigError when one of them, or the folder of videos, is not there."""
    chosen = dataset_named(config, dataset)
    if chosen.rendered:
        return chosen.annotations.paths
    advice = f"Put it there, or correct the key in {config.dataset_dir}/{dataset}.yaml or your --configfile."
    try:
        files = list_files(chosen.annotations)
    except FileNotFoundError as error:
        raise ConfigError(f"datasets.{dataset}.annotations.path: {error}. {advice}") from None
    if not (is_remote(chosen.videos) or Path(chosen.videos).is_dir()):
        lost = "is no folder" if Path(chosen.videos).exists() else "does not exist"
        found = f"'{chosen.videos}' {lost} (looked for in {Path.cwd()})"
        raise ConfigError(f"datasets.{dataset}.videos: {found}. {advice}")
    return files


def annotation_json(config: Config, dataset: str) -> str:
    """How a data set's list is read, as JSON."""
    return json.dumps(dataset_named(config, dataset).annotations.model_dump(mode="json"), sort_keys=True)


def own_settings(config: Config, dataset: str, *, untracked: Collection[str]) -> dict[str, Any]:
    """What a data set alone has, by section, "" for what is in none; of media without the keys in `untracked`."""
    chosen = dataset_named(config, dataset).model_dump(mode="json")
    media = media_of(config, dataset).model_dump(mode="json", exclude=set(untracked))
    return {"": {key: chosen[key] for key in OWN}, "annotations": chosen["annotations"], "media": media}


def datasets_of(config: Config, corpus: str, recipe: str) -> list[str]:
    """Data sets that read the shards of a corpus in a recipe, sorted; they must agree on videos and shards."""
    of_corpus = [name for name in config.datasets if (config.datasets[name].corpus or name) == corpus]
    names = sorted(name for name in of_corpus if recipe_of(media_of(config, name)) == recipe)
    if not names:
        known = sorted({"/".join(shards_of(config, name)[:2]) for name in config.datasets})
        raise ConfigError(
            f"no data set reads prepared/{corpus}/{recipe}{nearest(f'{corpus}/{recipe}', known)} "
            f"Configured: {', '.join(known)}."
        )
    for field in ("videos", "num_shards", "rendered", "media"):
        values = {
            str(media_of(config, name) if field == "media" else getattr(config.datasets[name], field)) for name in names
        }
        if len(values) > 1:
            raise ConfigError(
                f"data sets {', '.join(names)} share the corpus '{corpus}' but differ in `{field}`: "
                f"{', '.join(sorted(values))}. Give them one value or corpora of their own."
            )
    return names


def shards_of(config: Config, dataset: str) -> tuple[str, str, int]:
    """Corpus, recipe and number of the shards that a data set reads."""
    chosen = dataset_named(config, dataset)
    return chosen.corpus or dataset, recipe_of(media_of(config, dataset)), chosen.num_shards
