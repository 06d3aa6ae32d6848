"""Which settings of a configuration are for an experiment, in the order in which they win.

What a person names for one run, a `--configfile` or `--config`, wins over the files of the project, that of the data
set included. Within such a layer its sections come first, then what it says of the data set, then its overrides.
"""

import fnmatch
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kinema.experiment.config import Config, Override, Settings
from kinema.models.model_name import canonical

SECTIONS = {*Settings.model_fields, "media", "crossval"}
PROJECT = "config.yaml"


class Patch(NamedTuple):
    """Settings that one place sets explicitly."""

    source: str
    values: Settings


def parts_of(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What a file says for all data sets, overrides included, and its sections for single ones."""
    sections = {key: value for key, value in values.items() if key in SECTIONS | {"overrides"}}
    datasets = values.get("datasets")
    named = datasets if isinstance(datasets, Mapping) else {}
    of_datasets = {
        name: {key: value for key, value in own.items() if key in SECTIONS}
        for name, own in named.items()
        if isinstance(own, Mapping)
    }
    return sections, of_datasets


def patches(config: Config, dataset: str, model_name: str | None = None) -> Iterator[Patch]:
    """What is laid over the top-level settings for a data set; for a model, overrides too. The last one wins."""
    yield Patch(f"data set {dataset}", config.datasets[dataset])
    yield from _matching(config.overrides, PROJECT, dataset, model_name)
    for layer in config.layers:
        yield Patch(layer.source, layer.sections)
        if dataset in layer.datasets:
            yield Patch(f"{layer.source}, datasets.{dataset}", layer.datasets[dataset])
        yield from _matching(layer.sections.overrides, layer.source, dataset, model_name)


def unmatched(config: Config) -> list[str]:
    """A line for each override whose pattern matches no data set."""
    places = [(PROJECT, config.overrides), *((layer.source, layer.sections.overrides) for layer in config.layers)]
    known = ", ".join(sorted(config.datasets)) or "none"
    return [
        f"{source}: overrides.{number}.dataset: '{override.dataset}' matches no data set; there are {known}."
        for source, overrides in places
        for number, override in enumerate(overrides)
        if not fnmatch.filter(config.datasets, override.dataset)
    ]


def _matching(overrides: Sequence[Override], source: str, dataset: str, model_name: str | None) -> Iterator[Patch]:
    for number, override in enumerate(overrides):
        if model_name is None or not fnmatch.fnmatchcase(dataset, override.dataset):
            continue
        if fnmatch.fnmatchcase(model_name, canonical(override.model)):
            yield Patch(f"{source}, overrides.{number}", override)


def as_lines(settings: Settings, patches: Sequence[Patch]) -> Iterator[str]:
    """YAML of resolved settings, each value with the place it comes from as a comment."""
    for section, values in settings.model_dump(mode="json").items():
        yield f"{section}:"
        for key, value in values.items():
            line = f"  {key}: {json.dumps(value, ensure_ascii=False)}"
            yield f"{line:40s}  # {source_of(patches, section, key)}"


def source_of(patches: Sequence[Patch], section: str, key: str) -> str:
    """The place that a value of an experiment comes from; `default` where none sets it."""
    for patch in reversed(patches):
        if key in patch.values.model_dump(include={section}, exclude_unset=True).get(section, {}):
            return patch.source
    return "default"
