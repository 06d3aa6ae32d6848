"""What a training may start from, by the key that asks for it, or by the stream; and whether it is a training at all.

The Snakefile imports this module on every call: nothing heavy.
"""

from collections.abc import Mapping

from kinema.experiment.config import Settings

WEIGHTS, ENCODER = "network.weights", "network.encoder_weights"
INIT, TEACHER = "training.init_from", "training.teacher"
RGB, MOTION_STREAM = "rgb", "motion"


def is_trained(settings: Settings, starts: Mapping[str, str]) -> bool:
    """Whether a model is trained, or only made of what it starts from, as two streams are unless `joint` is set."""
    return settings.training.train and (RGB not in starts or settings.training.joint)
