"""Recipe -> optimizer, and the learning rate over a run."""

import math
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler

from kinema.experiment.model_sections import Training


def create_optimizer(groups: list[dict[str, Any]], settings: Training) -> torch.optim.Optimizer:
    """The optimizer of the recipe; each group brings its own lr and weight decay."""
    if settings.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=settings.lr, momentum=settings.momentum, nesterov=settings.nesterov)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=settings.lr, betas=settings.betas)


def create_schedule(optimizer: torch.optim.Optimizer, settings: Training, total_steps: int) -> lr_scheduler.LRScheduler:
    """Learning rate over `total_steps` optimizer steps; `plateau` is stepped with an accuracy, all else every step."""
    if settings.schedule == "plateau":
        return lr_scheduler.ReduceLROnPlateau(
            optimizer, mode="max", factor=settings.lr_gamma, patience=settings.plateau_patience
        )
    if settings.schedule == "onecycle":
        momentum = settings.momentum if settings.optimizer == "sgd" else settings.betas[0]
        swing = min(momentum, 1 - momentum) / 2  # 0.9: from 0.95 to 0.85 and back
        total_steps = max(2, total_steps)
        rise = min(settings.warmup_fraction * total_steps, total_steps - 1)
        return lr_scheduler.OneCycleLR(
            optimizer,
            max_lr=[group["lr"] for group in optimizer.param_groups],
            total_steps=total_steps,
            # a rise that ends where it begins, at the first step, is a division by zero there
            pct_start=0.0 if math.isclose(rise, 1) else rise / total_steps,
            base_momentum=momentum - swing,
            max_momentum=momentum + swing,
        )
    return lr_scheduler.LambdaLR(optimizer, lambda step: lr_factor(step, settings, total_steps))


def lr_factor(step: int, settings: Training, total_steps: int) -> float:
    """Part of the highest learning rate at an optimizer step, counted from 0."""
    warmup = settings.warmup_fraction * total_steps
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if settings.schedule == "cosine":
        done = min(1.0, (step - warmup) / max(1.0, total_steps - warmup))
        return 0.5 * (1 + float(np.cos(np.pi * done)))
    if settings.schedule == "step":
        epoch = step * settings.epochs // total_steps
        passed = sum(epoch >= milestone for milestone in settings.lr_milestones)
        return settings.lr_gamma ** (passed if settings.lr_milestones else epoch // settings.lr_step_epochs)
    return 1.0
