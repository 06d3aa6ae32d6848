"""Folds of a cross-validation, as folders and as experiments.

    results/<dataset>/crossval/fold<k>/                    the clip index of fold k, for all models of the data set
    results/<dataset>/<model>/crossval/fold<k>-seed<s>/    a training of the model on it, and its scores
    results/<dataset>/<model>/crossval/                    what came out of all of them

`<model>/crossval/fold<k>-seed<s>` is the name of an experiment, as `<model>@<variant>` is.
"""

import re
from dataclasses import dataclass

from kinema.experiment.config import Settings

CROSSVAL = "crossval"
_NUMBER = "(?:0|[1-9][0-9]*)"
NAME = rf"[^/]+(?:/{CROSSVAL}/fold{_NUMBER}-seed{_NUMBER})?"  # a model's, with or without a fold
_FOLD = re.compile(rf"(?P<model>[^/]+)/{CROSSVAL}/fold(?P<number>{_NUMBER})-seed(?P<seed>{_NUMBER})")


@dataclass(frozen=True)
class Fold:
    """One training of a cross-validation: which fold is held out, and the seed of the training."""

    number: int
    seed: int

    def __str__(self) -> str:
        return f"{CROSSVAL}/fold{self.number}-seed{self.seed}"

    @property
    def settings(self) -> Settings:
        """What the settings of the model become.

        The videos that are held out score the model and must not choose it, so it is the last epoch that is kept.
        """
        training = {"seed": self.seed, "keep": "last"}
        return Settings.model_validate({"training": training, "evaluation": {"subset": "testing"}})


def split_fold(name: str) -> tuple[str, Fold | None]:
    """The name of a model, with its variant, and the fold; None for a model that is trained on the whole data set."""
    found = _FOLD.fullmatch(name)
    return (found["model"], Fold(int(found["number"]), int(found["seed"]))) if found else (name, None)


def in_fold(name: str, fold: Fold | None) -> str:
    """The name of a model in a fold."""
    return name if fold is None else f"{name}/{fold}"


def index_folder(dataset: str, name: str) -> str:
    """Where the clip index lies that a model of this name is trained and scored on."""
    _, fold = split_fold(name)
    return f"results/{dataset}" if fold is None else f"results/{dataset}/{CROSSVAL}/fold{fold.number}"
