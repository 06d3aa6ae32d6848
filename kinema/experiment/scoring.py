"""What is asked for on the command line -> which models of a data set are to be scored, and on which subsets.

A job that would make such a model from a list that has nothing to score it on stops early: what these functions give
reaches it as a resource, since another target makes nothing stale.
"""

import json
import os
from collections.abc import Iterable

from kinema.clips.scored import needed_subsets
from kinema.experiment.comparing import with_listed
from kinema.experiment.config import Config
from kinema.experiment.pages import VERIFIED, with_scores
from kinema.experiment.resolve import resolve

# Files of a model that are made of its scores; the others are there without.
SCORES = ("evaluation.json", "predictions.parquet", "confusion.png", "calibration.json")
SCORED = (*SCORES, *VERIFIED)


def scored_json(config: Config, targets: Iterable[str], dataset: str) -> str:
    """As JSON, for the models of a data set that the targets want scored: the subsets of which one is needed."""
    found = set()
    for target in with_listed(config, with_scores(targets)):
        parts = os.path.relpath(target).split("/")
        if len(parts) == 4 and parts[:2] == ["results", dataset] and parts[3] in SCORED:
            wanted = resolve(config, dataset, parts[2]).settings.evaluation.subset
            found |= set(needed_subsets(wanted, verified=parts[3] in VERIFIED))
    return json.dumps(sorted(found))
