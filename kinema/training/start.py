"""What a training starts from -> the network to train, and its teacher."""

import logging
from collections.abc import Mapping
from pathlib import Path

from kinema.config import Settings
from kinema.models.checkpoint import load_checkpoint
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.models.weights import classes_of, load_streams
from kinema.training.distillation import Teacher
from kinema.training.start_keys import INIT, MOTION_STREAM, RGB, TEACHER, is_trained

log = logging.getLogger(__name__)


def create_network(model: str, *, labels: list[str], settings: Settings, starts: Mapping[str, str]) -> Recognizer:
    """The network `model` for these classes, its weights from `starts` (`kinema.origins`).

    One that is not trained any further has to have these very labels, and a stream too.
    """
    network = settings.network
    if INIT in starts:
        network = network.model_copy(update={"weights": starts[INIT]})
    if RGB in starts:
        network = network.model_copy(update={"encoder_weights": "none"})
    kept = [starts[key] for key in (RGB, MOTION_STREAM) if key in starts]
    if not is_trained(settings, starts) and not kept:
        kept = [str(network.weights)]
    for file in kept:
        check_labels(Path(file), labels)
    recognizer = create_model(model, num_classes=len(labels), clip=settings.clip, network=network)
    if RGB in starts:
        load_streams(recognizer, {stream: Path(starts[stream]) for stream in (RGB, MOTION_STREAM)})
        log.info("two streams: %s and %s", starts[RGB], starts[MOTION_STREAM])
    elif network.weights:
        log.info("starting from %s", network.weights)
    return recognizer


def load_teacher(starts: Mapping[str, str], *, labels: list[str], settings: Settings) -> Teacher | None:
    """The frozen teacher of these classes, where there is one."""
    if TEACHER not in starts:
        return None
    check_labels(Path(starts[TEACHER]), labels)
    log.info("learning from %s", starts[TEACHER])
    return Teacher(load_checkpoint(starts[TEACHER]).model, settings.distillation)


def check_labels(file: Path, labels: list[str]) -> None:
    """ValueError where the model in a file tells other classes apart than the data set has."""
    found = classes_of(file)
    if found == len(labels):
        log.warning("%s: names no labels; its classes are taken in the order of the data set's", file)
    elif found != labels:
        number = found if isinstance(found, int) else len(found)
        strange = [] if isinstance(found, int) else sorted(set(found) ^ set(labels))[:3]
        detail = f", for example {', '.join(strange)}" if strange else ""
        raise ValueError(
            f"{file}: its {number} classes are not the {len(labels)} labels of the data set, in their order{detail}"
        )
