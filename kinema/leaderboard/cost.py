"""training.json -> what its model costs: parameters, and multiplications a clip."""

import logging
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.hub_files import architecture_of, described
from kinema.models.model_name import parse_model_name
from kinema.models.names import HUB_NETWORKS
from kinema.models.published import hub_path, hub_start
from kinema.models.summary import Summary, summarise
from kinema.records.training import Training

log = logging.getLogger(__name__)


def cost_of(training: Training) -> Summary | None:
    """Count what a model of these settings has; None, and a line in the log, where it cannot be built any more."""
    try:
        clip, network = Clip(**training.settings["clip"]), Network(**training.settings["network"])
        options: dict[str, Any] = {"clip": clip, "network": network, "architecture": _architecture(training, network)}
        return summarise(training.model, num_classes=len(training.labels), **options)
    except (ValidationError, ValueError, LookupError, TypeError, RuntimeError, ImportError, OSError) as error:
        text = " ".join(str(error).split())
        log.warning("%s: its parameters cannot be counted with this version of kinema: %s", training.model, text)
        return None


def _architecture(training: Training, network: Network) -> dict[str, Any] | None:
    """What a network of transformers is, by the files that it started from; None of others, which their names say."""
    encoder = parse_model_name(training.model).encoder
    if encoder not in HUB_NETWORKS:
        return None
    source = hub_start(encoder, network.encoder_weights)
    found = described(source, Path(hub_path(source)))
    return architecture_of(found) if found else None
