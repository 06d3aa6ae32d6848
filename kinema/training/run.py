"""Clip index + resolved experiment -> model.pth, by one Lightning run that continues where a killed one stopped."""

import logging
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import lightning as L
import pandas as pd
import torch

from kinema.clips.loader import ClipLoader
from kinema.clips.table import labels_of
from kinema.config import UNTRACKED, Settings
from kinema.files import atomic_path
from kinema.job import is_first_process
from kinema.locks import sole_user
from kinema.models.checkpoint import save_checkpoint
from kinema.origins import is_trained
from kinema.provenance import digest, file_digest
from kinema.training.batch_norm import avoid_lone_clips
from kinema.training.checkpoints import ResumePoints, best_epoch, resumable
from kinema.training.data import ResumableLoader, training_loader, validation_loader
from kinema.training.finished import is_finished, keep_outputs, restore_outputs
from kinema.training.history import COLUMNS, History
from kinema.training.logs import curve_loggers
from kinema.training.points import is_whole, newest_point, read_point, resume_points
from kinema.training.record import MONITOR, write_record
from kinema.training.speed import Speed
from kinema.training.start import create_network, load_teacher
from kinema.training.task import RecognitionTask
from kinema.training.termination import Termination
from kinema.training.trainer import (
    EXPECTED_WARNINGS,
    averaging,
    create_trainer,
    synchronize_batch_norm,
    validation_period,
)

log = logging.getLogger(__name__)


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
            avoid_lone_clips(batches, recognizer, settings.training)
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
    if last := newest_point(state, task):
        log.info("continuing from %s", last)
    step = read_point(last, task).global_step if last else 0
    with resumable(points, last, logs=logs), warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        loggers = curve_loggers(logs, step=step, settings=settings)
        trainer = create_trainer(settings, callbacks, loggers)
        trainer.fit(task, batches, validation, ckpt_path=last, weights_only=True)
    if not trainer.is_global_zero:
        return [], 0.0, False
    keeps_best = settings.training.keep == "best" and validation is not None and is_whole(state / "best.ckpt", task)
    if keeps_best:
        log.info("keeping the best epoch: %s %.4f", MONITOR, best.best_model_score)
    # the last epoch's, too, are taken from its file: averages are there alone
    file = state / "best.ckpt" if keeps_best else resume_points(state)[0]
    task.load_state_dict(read_point(file, task).state_dict)
    return curve.rows, points.seconds, keeps_best


def fingerprint(*, clips: Path, model: str, settings: Settings, starts: Mapping[str, str], code: str) -> str:
    """Short hash of all that a training result depends on; what may be changed to get past a crash is no part of it."""
    weights = {key: file_digest(file) for key, file in starts.items()}
    chosen = settings.model_dump(mode="json", exclude={"training": set(UNTRACKED)})
    return digest([model, chosen, weights, file_digest(clips), code])
