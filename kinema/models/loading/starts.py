"""Files that a training starts from -> the network to train."""

import logging
from collections.abc import Mapping
from pathlib import Path

from kinema.experiment.config import Settings
from kinema.models.loading.network_weights import classes_of, load_streams
from kinema.models.loading.start_keys import ENCODER, INIT, MOTION_STREAM, RGB, is_trained
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model

log = logging.getLogger(__name__)


def starting_network(
    model_name: str, *, labels: list[str], settings: Settings, starts: Mapping[str, str]
) -> Recognizer:
    """The network `model_name` for these classes, its weights from `starts` (`kinema.experiment.starts`).

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
    for path in kept:
        check_labels(Path(path), labels)
    recognizer = create_model(
        model_name,
        num_classes=len(labels),
        clip=settings.clip,
        network=network,
        encoder_weights_path=starts.get(ENCODER),
    )
    if RGB in starts:
        load_streams(recognizer, {stream: Path(starts[stream]) for stream in (RGB, MOTION_STREAM)})
        log.info("two streams: %s and %s", starts[RGB], starts[MOTION_STREAM])
    elif network.weights:
        log.info("starting from %s", network.weights)
    elif ENCODER in starts:
        log.info("the encoder starts from %s", starts[ENCODER])
    return recognizer


def check_labels(path: Path, labels: list[str]) -> None:
    """ValueError where the model in a file tells other classes apart than the data set has."""
    found = classes_of(path)
    if found == len(labels):
        log.warning("%s: names no labels; its classes are taken in the order of the data set's", path)
    elif found != labels:
        number = found if isinstance(found, int) else len(found)
        strange = [] if isinstance(found, int) else sorted(set(found) ^ set(labels))[:3]
        detail = f", for example {', '.join(strange)}" if strange else ""
        raise ValueError(
            f"{path}: its {number} classes are not the {len(labels)} labels of the data set, in their order{detail}"
        )
