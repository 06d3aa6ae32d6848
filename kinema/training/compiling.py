"""torch.compile where it works, and a line in the log where it does not."""

import logging

import torch

from kinema.models.recognizer import Recognizer

log = logging.getLogger(__name__)


def compile_if_possible(model: Recognizer) -> None:
    """Compile `model` in place, names of its tensors and all else unchanged; a compiler that fails leaves it as it was.

    Tried on a clip of the size that training has, forward and backward, in evaluation mode, so that nothing changes.
    """
    spec, mode = model.spec, model.training
    clips = torch.zeros(2, spec.num_frames, spec.channels, spec.size, spec.size, dtype=torch.uint8)
    model.eval().compile()
    try:
        model(clips.to(model.pixel_mean.device)).sum().backward()
    except Exception as error:  # of the compiler, of what it calls, of the network's code under it: all of a kind here
        model._compiled_call_impl = None
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        log.warning("training.compile: %s: %s; training goes on without it", type(error).__name__, reason)
    finally:
        model.zero_grad()
        model.train(mode)
