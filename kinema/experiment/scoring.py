"""What is asked for on the command line -> which models of a data set are to be scored, and on which subsets.

A job that would make such a model from a list that has nothing to score it on stops early: what these functions give
reaches it as a resource, since another target makes nothing stale.
"""

import json
import os
from collections.abc import Iterable, Sequence

from kinema.clips.scored import needed_subsets
from kinema.experiment.comparing import with_listed
from kinema.experiment.config import Config, answered_once
from kinema.experiment.pages import INT8, OF_BOTH_GATES, with_scores
from kinema.experiment.resolve import resolve
from kinema.experiment.sweeps import VALIDATION, points, sweep_named, swept

# Files of a model that are made of its scores; the others are there without. {model} is the name of its folder.
OF_MODELAPI = ("model.xml", "model.bin", "verification.json")
OF_STREAMING = (*INT8["int8/streaming"], "verification.json")
OF_SERVING = ("config.json", "{model}/1/model.xml", "{model}/1/model.bin", "verification.json")
VERIFIED = (
    *OF_BOTH_GATES,
    *(f"modelapi/{name}" for name in OF_MODELAPI),
    *(f"streaming/{name}" for name in OF_STREAMING),
    *(f"{folder}/{name}" for folder, names in INT8.items() for name in names),
    *(f"serving/{name}" for name in OF_SERVING),
)
SCORES = ("evaluation.json", "predictions.parquet", "confusion.png", "calibration.json")
SCORED = (*SCORES, *VERIFIED)


def scored_json(config: Config, targets: Iterable[str], dataset: str) -> str:
    """As JSON, for the models of a data set that the targets want scored: the subsets of which one is needed."""
    found: set[tuple[str, ...]] = set()
    for target in with_listed(config, with_scores(targets)):
        found |= _needed_by(config, dataset, os.path.relpath(target))
    return json.dumps(sorted(found))


@answered_once
def _needed_by(config: Config, dataset: str, target: str) -> set[tuple[str, ...]]:
    """Of one target, which a sweep makes as costly as it has combinations; each of them is scored as it is set."""
    parts = target.split("/")
    name = name_in_folder(parts)
    if parts[:2] == ["results", dataset] and name in SCORED:
        return _needed_to_score(config, dataset, parts[2], verified=name in VERIFIED)
    sweep = swept(target)
    if sweep and sweep[0] == dataset and sweep_named(config, sweep[2]).choose_on == VALIDATION:
        needed = (_needed_to_score(config, dataset, one, verified=False) for one in points(config, *sweep))
        return {(VALIDATION,)}.union(*needed)
    return set()


def _needed_to_score(config: Config, dataset: str, model_name: str, *, verified: bool) -> set[tuple[str, ...]]:
    wanted = resolve(config, dataset, model_name).settings.evaluation.subset
    return set(needed_subsets(wanted, verified=verified))


def name_in_folder(parts: Sequence[str]) -> str:
    """A target without `results/<dataset>/<model>/`, as `VERIFIED` has them."""
    return "/".join("{model}" if part == parts[2] else part for part in parts[3:])
