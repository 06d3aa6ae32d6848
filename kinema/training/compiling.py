"""torch.compile where it works, and a line in the log where it does not."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch

from kinema.models.recognizer import Recognizer

log = logging.getLogger(__name__)


def compile_if_possible(model: Recognizer, *, arithmetic: Callable[[], AbstractContextManager] = nullcontext) -> None:
    """Compile `model` in place, names of its tensors and all else unchanged; a compiler that fails leaves it as it was.

    Tried as it will be used: on a batch of the size that training's clips have, forward and backward, in training mode
    and in the arithmetic of the training. What that changes in the network is put back.
    """
    spec, mode = model.spec, model.training
    clips = torch.zeros(2, spec.num_frames, spec.channels, spec.size, spec.size, dtype=torch.uint8)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.train().compile()
    try:
        with arithmetic():
            loss = model(clips.to(model.pixel_mean.device)).float().sum()
        loss.backward()
    except Exception as error:  # of the compiler, of what it calls, of the network's code under it: all of a kind here
        model._compiled_call_impl = None
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        log.warning("training.compile: %s: %s; training goes on without it", type(error).__name__, reason)
    finally:
        model.zero_grad()
        model.train(mode)
        with torch.no_grad():
            for name, buffer in model.named_buffers():
                buffer.copy_(buffers[name])
