"""Batch norms while training: statistics that stay as they are, and batches with too few numbers for new ones."""

import copy
import logging

import torch
from torch import nn

from kinema.config import Training
from kinema.models.recognizer import Recognizer
from kinema.training.data import ResumableLoader

log = logging.getLogger(__name__)


def freeze_batch_norm(module: nn.Module) -> None:
    """Put every batch norm into evaluation mode: statistics fixed, scale and shift still trained."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()


def avoid_lone_clips(batches: ResumableLoader, model: Recognizer, training: Training) -> None:
    """Where a batch of one clip has no statistics, leave out the clip that would be left for an epoch's last batch.

    ValueError where every batch is one clip.
    """
    num_processes = training.devices * training.nodes
    if training.sync_batch_norm and num_processes > 1:
        return  # the clips of all processes count
    batch_size, per_process = int(batches.batch_size or 1), -(-len(batches.clips) // num_processes)
    if per_process % batch_size != 1 % batch_size or not _needs_two_clips(model, training):
        return
    if min(batch_size, per_process) == 1:
        clip = model.spec.clip_in_words
        raise ValueError(
            f"training.batch_size is {training.batch_size} and a process has {per_process} clips an epoch, but batch "
            f"norms of '{model.name}' see one number of a single clip ({clip}), which has no statistics. Set "
            "training.freeze_batch_norm, a larger training.batch_size, or larger clips."
        )
    log.warning(
        "a last batch of one clip has no batch-norm statistics in '%s': every epoch leaves out one clip, another each "
        "time; with another training.batch_size, or training.freeze_batch_norm, it does not",
        model.name,
    )
    batches.sampler.leave_lone(batch_size)


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
