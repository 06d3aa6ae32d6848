"""Clip index + resolved experiment -> model.pth, by one Lightning run that continues where a killed one stopped."""

import hashlib
import logging
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch
from lightning.pytorch.callbacks import Callback, RichProgressBar, WeightAveraging
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import LightningEnvironment
from timm.layers import convert_sync_batchnorm
from torch.optim.swa_utils import get_ema_multi_avg_fn

from kinema.clips.loader import ClipLoader
from kinema.clips.table import labels_of
from kinema.config import UNTRACKED, Settings, Training
from kinema.files import atomic_path, sole_user
from kinema.job import is_first_process
from kinema.models.checkpoint import save_checkpoint
from kinema.models.state import read_torch_file
from kinema.origins import is_trained
from kinema.provenance import digest, file_digest
from kinema.training.checkpoints import (
    DurableIO,
    ResumePoints,
    best_epoch,
    newest_point,
    num_steps,
    resumable,
    resume_points,
)
from kinema.training.data import ResumableLoader, training_loader, validation_loader
from kinema.training.finished import is_finished, keep_outputs, restore_outputs
from kinema.training.history import COLUMNS, History
from kinema.training.logs import curve_loggers
from kinema.training.record import MONITOR, write_record
from kinema.training.speed import Speed
from kinema.training.start import create_network, load_teacher
from kinema.training.task import RecognitionTask
from kinema.training.termination import Termination

log = logging.getLogger(__name__)
LAUNCHERS = ("TORCHELASTIC_RUN_ID", "NODE_RANK", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE")  # what they set
EXPECTED_WARNINGS = (
    "Checkpoint directory .* not empty",  # in a resumed run
    "Experiment logs directory .* exists",  # in one that starts again at the same step
    "The number of training batches .* smaller than the logging interval",  # the logs have every epoch, too
    "The `srun` command is available",  # this process is one of Snakemake's, not of SLURM's
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning's own use of PyTorch
)


def train(
    *,
    clips: Path,
    model: str,
    settings: Settings,
    starts: Mapping[str, str],
    out: Path,
    history: Path,
    record: Path,
    work: Path,
    logs: Path,
    code: str,
    threads: int,
) -> None:
    """Train `model` on the index `clips`; write the checkpoint `out`, the curve `history` (CSV) and the record (JSON).

    `starts` are the files that training starts from (`kinema.origins`). Resume state lives in `work/<fingerprint>/`,
    the fingerprint of experiment, data and code: an interrupted run goes on from its last resume point, a changed one
    starts anew. Once the outputs are written, links to them are all that it keeps (`kinema.training.finished`). Curves
    go to `logs/<fingerprint>/` and stay.
    """
    torch.set_num_threads(threads)
    L.seed_everything(settings.training.seed, verbose=False)
    run = fingerprint(clips=clips, model=model, settings=settings, starts=starts, code=code)
    state, outputs = work / run, (out, history, record)
    with sole_user(work, purpose=f"training in {work}") if is_first_process() else nullcontext():
        if is_finished(state, outputs):
            if is_first_process():
                log.info("finished before: the outputs are those kept in %s; remove it to train anew", state)
                restore_outputs(state, outputs)
            return
        labels = labels_of(clips)
        recognizer = create_network(model, labels=labels, settings=settings, starts=starts)
        rows: list[dict[str, Any]] = []
        seconds, kept_best = 0.0, False
        if is_trained(settings, starts):
            modality = recognizer.spec.modality
            batches = training_loader(clips, settings, modality=modality)
            validation = validation_loader(clips, settings, modality=modality)
            teacher = load_teacher(starts, labels=labels, settings=settings)
            task = RecognitionTask(recognizer, training=settings.training, videos=batches.clips.videos, teacher=teacher)
            rows, seconds, kept_best = fit(task, batches, validation, settings=settings, state=state, logs=logs / run)
        if not is_first_process():
            return
        with atomic_path(history) as temporary:
            pd.DataFrame(rows, columns=None if rows else ["epoch", *COLUMNS]).to_csv(temporary, index=False)
        write_record(
            record,
            model=model,
            settings=settings,
            labels=labels,
            starts=starts,
            data=file_digest(clips),
            code=code,
            rows=rows,
            kept_best=kept_best,
            seconds=seconds,
        )
        save_checkpoint(out, recognizer.cpu().eval(), labels=labels, settings=settings.model_dump(mode="json"))
        if rows:
            keep_outputs(state, outputs)


def fit(
    task: RecognitionTask,
    batches: ResumableLoader,
    validation: ClipLoader | None,
    *,
    settings: Settings,
    state: Path,
    logs: Path,
) -> tuple[list[dict[str, Any]], float, bool]:
    """Train a task from the newest resume point in `state`; it then has the weights of the epoch to keep.

    The rows of the curve, the seconds that training took, and whether the best epoch is the one that is kept; of
    several processes only the first one gives them.
    """
    # a third faster on CPUs (benchmarks/train_step.py)
    task.model.to(memory_format=task.model.memory_format)
    if settings.training.sync_batch_norm:
        synchronize_batch_norm(task, num_processes=settings.training.devices * settings.training.nodes)
    curve = History()
    best = best_epoch(state, monitor=MONITOR, period=validation_period(settings.training))
    termination = Termination()
    points = ResumePoints(state, minutes=settings.training.checkpoint_minutes, termination=termination)
    callbacks = [*averaging(settings.training), Speed(), curve, termination, *([best] if validation else []), points]
    if last := newest_point(state):
        log.info("continuing from %s", last)
    loggers = curve_loggers(logs, step=num_steps(last) if last else 0, settings=settings)
    with resumable(state), warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        trainer = create_trainer(settings, callbacks, loggers)
        trainer.fit(task, batches, validation, ckpt_path=last, weights_only=True)
    if not trainer.is_global_zero:
        return [], 0.0, False
    keeps_best = bool(settings.training.keep == "best" and validation)
    if keeps_best:
        try:
            load_epoch(task, state / "best.ckpt")
            log.info("keeping the best epoch: %s %.4f", MONITOR, best.best_model_score)
        except ValueError as error:
            log.warning("%s; it is damaged, so the last epoch is kept in place of the best one", error)
            keeps_best = False
    if not keeps_best:
        # the last epoch's, too, are taken from its file: averages are there alone
        load_epoch(task, resume_points(state)[0])
    return curve.rows, points.seconds, keeps_best


def load_epoch(task: RecognitionTask, file: Path) -> None:
    """Weights of an epoch that was saved; ValueError where the file cannot be read."""
    task.load_state_dict(read_torch_file(file, expected="an epoch of this training")["state_dict"])


def fingerprint(*, clips: Path, model: str, settings: Settings, starts: Mapping[str, str], code: str) -> str:
    """Short hash of all that a training result depends on; what may be changed to get past a crash is no part of it."""
    with clips.open("rb") as file:
        data = hashlib.file_digest(file, "blake2b").hexdigest()
    weights = {key: file_digest(file) for key, file in starts.items()}
    chosen = settings.model_dump(mode="json", exclude={"training": set(UNTRACKED)})
    return digest([model, chosen, weights, data, code])


def validation_period(training: Training) -> int:
    """Epochs from one validation to the next; there is one at least."""
    return min(training.validate_every, training.epochs)


def averaging(training: Training) -> list[Callback]:
    """The running mean of the weights, where the recipe asks for it; checkpoints hold it in place of the weights."""
    if training.ema_decay is None:
        return []
    return [WeightAveraging(multi_avg_fn=get_ema_multi_avg_fn(training.ema_decay))]


def synchronize_batch_norm(task: RecognitionTask, *, num_processes: int) -> None:
    """Make batch norms count the clips of all GPUs, in place; timm's conversion keeps the activations in its layers."""
    if num_processes == 1:
        return
    if not torch.cuda.is_available():
        raise ValueError("training.sync_batch_norm works between GPUs, and none is seen here; set it to false")
    convert_sync_batchnorm(task)


def check_launcher(training: Training) -> None:
    """ValueError where this process would wait for other machines that nothing has started."""
    if training.nodes > 1 and not any(name in os.environ for name in LAUNCHERS):
        raise ValueError(
            f"training.nodes is {training.nodes}, but this process was started alone. Start one on every machine, e.g. "
            f"with `torchrun --nnodes {training.nodes} --nproc-per-node {training.devices} --rdzv-backend c10d "
            "--rdzv-endpoint HOST:PORT workflow/scripts/train.py job.yaml`, or set training.nodes to 1."
        )


def create_trainer(settings: Settings, callbacks: list, loggers: Sequence[Logger] = ()) -> L.Trainer:
    """A Lightning trainer, quiet where no one watches."""
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).handlers.clear()  # what it warns of goes to the job's log, like our lines
        logging.getLogger(name).setLevel(logging.WARNING)
    watched = sys.stderr.isatty()
    training = settings.training
    is_alone = training.devices * training.nodes == 1
    check_launcher(training)
    may_freeze = training.freeze_encoder_epochs > 0 or training.encoder_lr_factor == 0
    return L.Trainer(
        accelerator="auto",
        devices=training.devices,
        num_nodes=training.nodes,
        # parameters of a frozen encoder have no gradient, which DDP has to look for
        strategy="auto" if is_alone else "ddp_find_unused_parameters_true" if may_freeze else "ddp",
        max_epochs=training.epochs,
        check_val_every_n_epoch=validation_period(training),
        precision=training.precision,
        accumulate_grad_batches=training.accumulate,
        gradient_clip_val=training.gradient_clip,
        callbacks=[*callbacks, *([RichProgressBar()] if watched else [])],
        enable_progress_bar=watched,
        enable_model_summary=False,
        logger=loggers,
        log_every_n_steps=training.log_every_steps,
        num_sanity_val_steps=2,
        use_distributed_sampler=False,
        # one process is no business of a cluster's, whatever number of tasks its environment speaks of
        plugins=[DurableIO(), *([LightningEnvironment()] if is_alone else [])],
        deterministic="warn",
    )
