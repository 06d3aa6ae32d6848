"""training.json -> what its model costs: parameters, and multiplications a clip."""

import logging

from pydantic import ValidationError

from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Network
from kinema.models.summary import Summary, summarise
from kinema.records.training import Training

log = logging.getLogger(__name__)


def cost_of(training: Training) -> Summary | None:
    """Count what a model of these settings has; None, and a line in the log, where it cannot be built any more."""
    try:
        clip, network = Clip(**training.settings["clip"]), Network(**training.settings["network"])
        return summarise(training.model, num_classes=len(training.labels), clip=clip, network=network)
    except (ValidationError, ValueError, LookupError, TypeError, RuntimeError, ImportError, OSError) as error:
        text = " ".join(str(error).split())
        log.warning("%s: its parameters cannot be counted with this version of kinema: %s", training.model, text)
        return None
