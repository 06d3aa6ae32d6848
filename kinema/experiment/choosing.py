"""Settings of a training -> those by which validation videos had a say in its weights.

Standard library only: what came out of a run is told with it on every call of the Snakefile, and out of records alone.
`kinema.experiment.params.validation_chooses` says the same of settings before there is a training.
"""

from collections.abc import Mapping
from typing import Any

CHOOSING = {"keep": "best", "schedule": "plateau"}  # of the section `training`: the epoch, the learning rate


def choosing(settings: Mapping[str, Any], *, num_epochs: int) -> list[str]:
    """The settings, as `training.keep: best`; none where there was but one validation to choose from.

    `settings` are those of the section `training` as plain values; nothing is chosen where it is empty. `num_epochs`
    were trained; none where the weights were given.
    """
    period = min(_number(settings.get("validate_every")), _number(settings.get("epochs"))) or 1
    if num_epochs // period < 2:
        return []
    return [f"training.{key}: {value}" for key, value in CHOOSING.items() if settings.get(key) == value]


def chosen_by(settings: Mapping[str, Any], subset: str) -> list[str]:
    """The same of scored videos of this subset, by the sections of settings that a model.pth keeps; validation chooses.

    A model whose streams were trained before it counts as they do: with it, they are scored on the videos that chose
    them.
    """
    training = settings.get("training")
    if subset != "validation" or not isinstance(training, Mapping) or training.get("train") is False:
        return []
    return choosing(training, num_epochs=int(_number(training.get("epochs"))))


def is_trained_on(settings: Mapping[str, Any], subset: str) -> bool:
    """Whether videos of this subset made the weights, by the same sections; not where these were given."""
    training = settings.get("training")
    return subset == "training" and not (isinstance(training, Mapping) and training.get("train") is False)


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) else 0
