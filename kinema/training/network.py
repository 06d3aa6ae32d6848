"""What a training does to a network beside changing its weights: batch norms, torch.compile, an encoder put aside.

Statistics of batch norms that stay as they are, or count the clips of all GPUs; batches with too few numbers for new
ones; compiling where it works, and a line in the log where it does not.
"""

import copy
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from timm.layers import convert_sync_batchnorm
from torch import nn

from kinema.experiment.model_sections import Training
from kinema.models.recognizer import Recognizer
from kinema.training.data import ResumableLoader

log = logging.getLogger(__name__)


def freeze_batch_norm(module: nn.Module) -> None:
    """Put every batch norm into evaluation mode: statistics fixed, scale and shift still trained."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()


def synchronize_batch_norm(module: nn.Module, *, num_processes: int) -> None:
    """Make batch norms count the clips of all GPUs, in place; timm's conversion keeps the activations in its layers."""
    if num_processes == 1:
        return
    if not torch.cuda.is_available():
        raise ValueError("training.sync_batch_norm works between GPUs, and none is seen here; set it to false")
    convert_sync_batchnorm(module)


def avoid_lone_clips(
    batches: ResumableLoader, model: Recognizer, training: Training, *, num_processes: int = 1
) -> None:
    """Where a batch of one clip has no statistics, leave out the clip that would be left for an epoch's last batch.

    ValueError where every batch is one clip.
    """
    if training.sync_batch_norm and num_processes > 1:
        return  # the clips of all processes count
    batch_size, per_process = int(batches.batch_size or 1), -(-len(batches.clip_dataset) // num_processes)
    if per_process % batch_size != 1 % batch_size or not _needs_two_clips(model, training):
        return
    if min(batch_size, per_process) == 1:
        clip = model.spec.clip_in_words
        raise ValueError(
            f"training.batch_size is {training.batch_size} and a process has one clip of each step, but batch "
            f"norms of '{model.name}' see one number of a single clip ({clip}), which has no statistics. Set "
            "training.freeze_batch_norm, a larger training.batch_size, or larger clips."
        )
    log.warning(
        "a last batch of one clip has no batch-norm statistics in '%s': every epoch leaves out one clip, another each "
        "time; with another training.batch_size, or training.freeze_batch_norm, it does not",
        model.name,
    )
    batches.sampler.leave_lone(batch_size)


@contextmanager
def encoder_aside(model: Recognizer) -> Iterator[None]:
    """In this block the network has an empty encoder, so that nothing copies, moves or saves what nobody asks."""
    encoder, model.encoder = model.encoder, nn.Module()
    try:
        yield
    finally:
        model.encoder = encoder


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


def _needs_two_clips(model: Recognizer, training: Training) -> bool:
    """Tried with one clip, without numbers."""
    trial, spec = copy.deepcopy(model).to("meta").train(), model.spec
    if training.freeze_batch_norm or training.encoder_lr_factor == 0:
        freeze_batch_norm(trial.encoder)
    clip = torch.zeros(1, spec.num_frames, spec.channels, spec.size, spec.size, dtype=torch.uint8, device="meta")
    try:
        trial(clip)
    except ValueError as error:
        return "more than 1 value per channel" in str(error)
    except Exception:  # what needs numbers is tried in training
        return False
    return False
