"""`results/<dataset>/<model>` -> the experiment it stands for.

<model> is a model name (`kinema.models.names`), optionally with `@variant`, which may name settings as well
(`kinema.experiment.assigned`), and of a cross-validation with the fold (`kinema.experiment.folds`). An experiment's
settings resolve in this order, the last one wins: the tree's defaults, config.yaml, the data set, each matching
override, what is laid over for the run (`kinema.experiment.layers`), the variant, the settings in the name, the fold.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kinema.annotations.sources import list_files
from kinema.experiment import params
from kinema.experiment.assigned import LONGEST, Value, joined, read_assigned, settings_of, split_assigned
from kinema.experiment.config import Config, Dataset, Settings, answered_once, merged
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


@answered_once
def resolve(config: Config, dataset: str, model_name: str) -> Experiment:
    """The experiment behind `results/<dataset>/<model>`; ConfigError names what is unknown and what exists."""
    dataset_named(config, dataset)
    plain, fold = split_fold(model_name)
    base, variant = split_variant(plain)
    try:
        name = str(parse_model_name(base))
    except ValueError as error:
        raise ConfigError(str(error)) from None
    found = list(patches(config, dataset, name))
    if variant is not None:
        found += _variant_patches(config, plain, variant)
    if fold is not None:
        found.append(Patch(f"fold {fold.number}", fold.settings))
    try:
        settings = Settings.model_validate(merged(_top_level(config), *(patch.values for patch in found)))
    except ValidationError as error:  # each place is right by itself
        detail = error.errors()[0]
        where, text = ".".join(map(str, detail["loc"])), detail["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{dataset}/{model_name}: {where}: {text}.") from None
    return Experiment(dataset, name, settings, (Patch(PROJECT, _top_level(config)), *found))


def _variant_patches(config: Config, plain: str, variant: str) -> Iterator[Patch]:
    """What stands behind the `@` of a name: a variant of the configuration, settings, or both."""
    named, texts = split_assigned(variant)
    if named is not None:
        if named not in config.variants:
            known = sorted(config.variants)
            raise ConfigError(
                f"unknown variant '{named}' in '{plain}'{nearest(named, known)} "
                f"Configured under `variants`: {', '.join(known) or 'none'}."
            )
        yield Patch(f"variant {named}", config.variants[named])
    if texts:
        yield Patch("its name", settings_of(_values_in_name(plain, variant)))


def _values_in_name(plain: str, variant: str) -> dict[str, Value]:
    """ConfigError where a name has another spelling than the one by which its folder is known."""
    named, texts = split_assigned(variant)
    try:
        values = read_assigned(texts)
    except ValueError as error:
        raise ConfigError(f"'{plain}': {error}") from None
    if (spelled := joined(named, values)) != variant:
        base, _ = split_variant(plain)
        raise ConfigError(f"'{plain}': the name of this experiment is '{base}@{spelled}'; ask for that")
    if len(plain) > LONGEST:
        raise ConfigError(
            f"'{plain}' would be the name of a folder, of more than {LONGEST} characters; write settings of it into a "
            "variant"
        )
    return values


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
    """How a data set's frames are made: the top-level `media`, the data set's own, and what is laid over for a run."""
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
    names = sorted(name for name in of_corpus if recipe in shards_of(config, name)[1])
    if not names:
        shards = [shards_of(config, name) for name in config.datasets]
        known = sorted({f"{corpus}/{recipe}" for corpus, recipes, _ in shards for recipe in recipes})
        raise ConfigError(
            f"no data set reads prepared/{corpus}/{recipe}{nearest(f'{corpus}/{recipe}', known)} "
            f"Configured: {', '.join(known)}."
        )
    for field in ("videos", "num_shards", "rendered", "media"):
        values = {
            str(media_in(config, name, recipe) if field == "media" else getattr(config.datasets[name], field))
            for name in names
        }
        if len(values) > 1:
            raise ConfigError(
                f"data sets {', '.join(names)} share the corpus '{corpus}' but differ in `{field}`: "
                f"{', '.join(sorted(values))}. Give them one value or corpora of their own."
            )
    return names


def media_in(config: Config, dataset: str, recipe: str) -> Media:
    """What the shards of a recipe are made with, which is one of those that a data set reads."""
    return next(media for media in media_of(config, dataset).recipes if recipe_of(media) == recipe)


def shards_of(config: Config, dataset: str) -> tuple[str, list[str], int]:
    """Corpus, recipes and number of the shards that a data set reads; of pictures and flow, pictures come first."""
    chosen = dataset_named(config, dataset)
    recipes = [recipe_of(media) for media in media_of(config, dataset).recipes]
    return chosen.corpus or dataset, recipes, chosen.num_shards
