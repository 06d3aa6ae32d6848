"""A target -> the models whose files it is made of."""

import os
from pathlib import Path

from kinema.experiment.comparing import listed_models
from kinema.experiment.config import Config
from kinema.experiment.crossval import fold_names, is_summary, is_table
from kinema.experiment.folds import CROSSVAL, split_fold
from kinema.experiment.sweeps import swept, trainings


def names_behind(config: Config, target: str) -> list[str]:
    """The models of a target `results/<dataset>/<model>/...`: one, or all of a cross-validation or of a sweep."""
    parts = Path(os.path.normpath(target)).parts
    if is_summary(target):
        return fold_names(config, parts[1], parts[2])
    if is_table(target):
        names = listed_models(config, parts[1])
        return [fold for name in names for fold in fold_names(config, parts[1], name)]
    if sweep := swept(target):
        return trainings(config, *sweep)
    if parts[2] == CROSSVAL:  # the clip indexes of the folds
        return []
    name = "/".join(parts[2:-1])
    return [name if split_fold(name)[1] else parts[2]]
