"""Settings of an experiment <-> the JSON texts that rules hand to their jobs.

What decides a result is in a rule's params, where a change of it makes the result stale. What a job needs beside that
(loader workers, time limits) reaches it as a resource, where a change re-runs nothing.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training

# What rule train reads, and of it what changes no weight, or none in kind: loader workers, other clips to be tested on.
TRAIN_SECTIONS = ("clip", "augmentation", "network", "training", "distillation")
TRAIN_UNTRACKED = {
    "training": ("accelerator", "num_workers", "checkpoint_minutes", "log_every_steps", "local_copy"),
    "clip": ("num_val_clips", "num_test_clips"),
}


def as_json(settings: Settings, names: Sequence[str]) -> str:
    """Sections as JSON, in one order whatever the order of the files; `section.key` takes one key of a section."""
    values = settings.model_dump(mode="json")
    chosen: dict[str, Any] = {}
    for name in names:
        section, _, key = name.partition(".")
        chosen.setdefault(section, {}).update({key: values[section][key]} if key else values[section])
    return json.dumps(chosen, sort_keys=True)


def from_json(*texts: str) -> Settings:
    """Settings from the JSON of some of their sections; a section may be spread over several texts."""
    values: dict[str, Any] = {}
    for section, keys in chain.from_iterable(json.loads(text).items() for text in texts):
        values[section] = values.get(section, {}) | keys
    return Settings.model_validate(values)


def training_json(settings: Settings) -> str:
    """The settings that decide what is trained."""
    return _json(settings, lambda section, key: not _is_untracked(settings.training, section, key))


def untracked_json(settings: Settings) -> str:
    """The others that a training reads."""
    return _json(settings, lambda section, key: _is_untracked(settings.training, section, key))


def validation_chooses(training: Training) -> bool:
    """Whether the validation videos have a say in the weights: in the epoch that is kept, or in the learning rate."""
    return training.keep == "best" or training.schedule == "plateau"


def training_parts(training: Training) -> Iterable[str]:
    """Parts of the clip index that decide what is trained."""
    return ("training", "validation") if validation_chooses(training) else ("training",)


def _json(settings: Settings, is_chosen: Any) -> str:
    values = settings.model_dump(mode="json", include=set(TRAIN_SECTIONS))
    chosen = {
        section: {key: value for key, value in keys.items() if is_chosen(section, key)}
        for section, keys in values.items()
    }
    return json.dumps({section: keys for section, keys in chosen.items() if keys}, sort_keys=True)


def _is_untracked(training: Training, section: str, key: str) -> bool:
    if (section, key) == ("clip", "num_val_clips") and validation_chooses(training):
        return False
    return key in TRAIN_UNTRACKED.get(section, ())
