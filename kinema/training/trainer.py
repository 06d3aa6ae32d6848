"""A recipe -> the Lightning trainer that follows it, on one device or many."""

import logging
import sys
from collections.abc import Sequence

import lightning as L
import torch.utils.deterministic
from lightning.pytorch.callbacks import Callback, RichProgressBar, WeightAveraging
from lightning.pytorch.loggers import Logger
from torch.optim.swa_utils import get_ema_multi_avg_fn

from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training
from kinema.input_error import InputError
from kinema.models.device import device_of
from kinema.training.resume.callbacks import DurableIO
from kinema.training.resume.runs import validation_period
from kinema.training.world import ALONE, World

EXPECTED_WARNINGS = (
    "Checkpoint directory .* not empty",  # in a resumed run
    "Experiment logs directory .* exists",  # in one that starts again at the same step
    "The number of training batches .* smaller than the logging interval",  # the logs have every epoch, too
    "The `srun` command is available",  # this process is one of Snakemake's, not of SLURM's
    "The ``compute`` method of metric MeanMetric was called before",  # in a run that goes on in a validation
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning's own use of PyTorch
)


def create_trainer(
    settings: Settings, callbacks: list, loggers: Sequence[Logger] = (), *, world: World = ALONE
) -> L.Trainer:
    """A Lightning trainer of these processes, quiet where no one watches."""
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).handlers.clear()  # what it warns of goes to the job's log, like our lines
        logging.getLogger(name).setLevel(logging.WARNING)
    watched = sys.stderr.isatty()
    training = settings.training
    if training.accelerator != "auto":
        device_of(training.accelerator)  # what is not there is told in our words
    # with deterministic algorithms PyTorch also fills all new memory, which no network here reads before it is written
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    may_freeze = training.freeze_encoder_epochs > 0 or training.encoder_lr_factor == 0
    trainer = L.Trainer(
        accelerator=training.accelerator,
        devices=world.per_node,
        num_nodes=world.nodes,
        # parameters of a frozen encoder have no gradient, which DDP has to look for
        strategy="auto" if world.size == 1 else "ddp_find_unused_parameters_true" if may_freeze else "ddp",
        max_epochs=training.epochs,
        check_val_every_n_epoch=validation_period(training),
        precision=training.precision,
        accumulate_grad_batches=world.share(training).accumulate,
        gradient_clip_val=training.gradient_clip,
        callbacks=[*callbacks, *([RichProgressBar()] if watched else [])],
        enable_progress_bar=watched,
        enable_model_summary=False,
        logger=loggers,
        log_every_n_steps=training.log_every_steps,
        num_sanity_val_steps=2,
        use_distributed_sampler=False,
        plugins=[DurableIO(), *filter(None, [world.environment()])],
        deterministic="warn",
    )
    if trainer.world_size != world.size:  # which would train otherwise than the recipe says, and say nothing
        raise RuntimeError(f"Lightning counts {trainer.world_size} processes, the job has {world.size}")
    if training.precision == "16-mixed" and trainer.precision != "16-mixed":  # Lightning takes another one by itself
        raise InputError(
            "training.precision is 16-mixed, which needs a GPU; PyTorch finds none here. Set it to 32-true or "
            "bf16-mixed."
        )
    return trainer


def averaging(training: Training) -> list[Callback]:
    """The running mean of the weights, where the recipe asks for it; checkpoints hold it in place of the weights."""
    if training.ema_decay is None:
        return []
    return [WeightAveraging(multi_avg_fn=get_ema_multi_avg_fn(training.ema_decay))]
