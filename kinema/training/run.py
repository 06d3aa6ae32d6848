"""Clip index + resolved experiment -> model.pth, by one Lightning run that continues where a killed one stopped."""

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from kinema.clips.loader import ClipLoader
from kinema.clips.table import labels_of
from kinema.config import Settings
from kinema.digests import digest, file_digest
from kinema.locks import sole_user
from kinema.models.checkpoint import save_checkpoint
from kinema.models.made_of import remove_made_of
from kinema.models.recognizer import Recognizer
from kinema.params import training_json
from kinema.processes import is_first_process
from kinema.training.batch_norm import avoid_lone_clips
from kinema.training.checkpoints import ResumePoints, best_epoch, resumable
from kinema.training.data import ResumableLoader, training_loader, validation_loader
from kinema.training.finished import is_finished, keep_outputs, restore_outputs
from kinema.training.points import is_whole, newest_point, read_point, resume_points
from kinema.training.start import create_network, load_teacher
from kinema.training.start_keys import is_trained
from kinema.training.task import RecognitionTask
from kinema.training.termination import Termination
from kinema.training.trainer import (
    EXPECTED_WARNINGS,
    MONITOR,
    averaging,
    create_trainer,
    synchronize_batch_norm,
    validation_period,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A training that is done. `data` and `code` are digests of the clips and of the code behind it.

    `kept_best`: the weights are those of the best epoch, else of the last one. `seconds` were spent in training.
    """

    model: str
    settings: Settings
    labels: Sequence[str]
    starts: Mapping[str, str]
    data: Mapping[str, str]
    code: str
    kept_best: bool = False
    seconds: float = 0.0


class Watch(Protocol):
    """Looks on while a model is trained, and writes down what it saw; nothing of it changes the model."""

    @property
    def outputs(self) -> Sequence[Path]:
        """Files that it writes."""

    @property
    def logs(self) -> Path:
        """The folder that it writes curves to."""

    def callbacks(self) -> list[Callback]:
        """What is called at every step and epoch, in all processes of the training."""

    def loggers(self, run: str, *, step: int, settings: Settings) -> list[Logger]:
        """What takes the curves of a run, which goes on behind this step."""

    def write(self, trained: Trained) -> None:
        """Write its outputs."""


def train(
    *,
    clips: Path,
    model: str,
    settings: Settings,
    starts: Mapping[str, str],
    data: Mapping[str, str],
    out: Path,
    work: Path,
    code: str,
    threads: int,
    watch: Watch,
) -> None:
    """Train `model` on the index `clips` and write the checkpoint `out`; `watch` writes what it saw.

    `starts` are the files that training starts from (`kinema.training.start_keys`), `data` the digests of the parts of
    the index that decide what is trained, by part. Resume state lives in `work/<fingerprint>/`, the fingerprint of
    experiment, data and code: an interrupted run goes on from its last resume point, a changed one starts anew. Once
    the outputs are written, links to them are all that it keeps (`kinema.training.finished`).
    """
    torch.set_num_threads(threads)
    L.seed_everything(settings.training.seed, verbose=False)
    run = fingerprint(model=model, settings=settings, starts=starts, data=data, code=code)
    state, outputs = work / run, (out, *watch.outputs)
    with sole_user(work, purpose=f"training in {work}") if is_first_process() else nullcontext():
        if is_finished(state, outputs):
            if is_first_process():
                log.info("finished before: the outputs are those kept in %s; remove it to train anew", state)
                remove_made_of(out)
                restore_outputs(state, outputs)
            return
        labels = labels_of(clips)
        recognizer = create_network(model, labels=labels, settings=settings, starts=starts)
        kept_best, seconds = False, 0.0
        if is_trained(settings, starts):
            task, batches, validation = _prepared(recognizer, clips=clips, settings=settings, starts=starts)
            kept_best, seconds = fit(task, batches, validation, settings=settings, state=state, watch=watch)
        if not is_first_process():
            return
        watch.write(Trained(model, settings, labels, starts, data, code, kept_best, seconds))
        remove_made_of(out)
        save_checkpoint(out, recognizer.cpu().eval(), labels=labels, settings=settings.model_dump(mode="json"))
        if is_trained(settings, starts):
            keep_outputs(state, outputs)


def _prepared(
    recognizer: Recognizer, *, clips: Path, settings: Settings, starts: Mapping[str, str]
) -> tuple[RecognitionTask, ResumableLoader, ClipLoader | None]:
    """The task of training a network, and its loaders."""
    modality = recognizer.spec.modality
    batches = training_loader(clips, settings, modality=modality)
    avoid_lone_clips(batches, recognizer, settings.training)
    validation = validation_loader(clips, settings, modality=modality)
    teacher = load_teacher(starts, labels=labels_of(clips), settings=settings)
    task = RecognitionTask(recognizer, training=settings.training, videos=batches.clips.videos, teacher=teacher)
    return task, batches, validation


def fit(
    task: RecognitionTask,
    batches: ResumableLoader,
    validation: ClipLoader | None,
    *,
    settings: Settings,
    state: Path,
    watch: Watch,
) -> tuple[bool, float]:
    """Train a task from the newest resume point in `state`; it then has the weights of the epoch to keep.

    Whether that is the best epoch, and the seconds that training took; of several processes only the first one knows.
    """
    # a third faster on CPUs (benchmarks/train_step.py)
    task.model.to(memory_format=task.model.memory_format)
    if settings.training.sync_batch_norm:
        synchronize_batch_norm(task, num_processes=settings.training.devices * settings.training.nodes)
    best = best_epoch(state, monitor=MONITOR, period=validation_period(settings.training))
    termination = Termination()
    points = ResumePoints(state, minutes=settings.training.checkpoint_minutes, termination=termination)
    callbacks = [*averaging(settings.training), *watch.callbacks(), termination]
    callbacks += [*([best] if validation else []), points]
    if last := newest_point(state, task):
        log.info("continuing from %s", last)
    step = read_point(last, task).global_step if last else 0
    with resumable(points, last, logs=watch.logs), warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        loggers = watch.loggers(state.name, step=step, settings=settings)
        trainer = create_trainer(settings, callbacks, loggers)
        trainer.fit(task, batches, validation, ckpt_path=last, weights_only=True)
    if not trainer.is_global_zero:
        return False, 0.0
    keeps_best = settings.training.keep == "best" and validation is not None and is_whole(state / "best.ckpt", task)
    if keeps_best:
        log.info("keeping the best epoch: %s %.4f", MONITOR, best.best_model_score)
    # the last epoch's, too, are taken from its file: averages are there alone
    file = state / "best.ckpt" if keeps_best else resume_points(state)[0]
    task.load_state_dict(read_point(file, task).state_dict)
    return keeps_best, points.seconds


def fingerprint(
    *, model: str, settings: Settings, starts: Mapping[str, str], data: Mapping[str, str], code: str
) -> str:
    """Short hash of all that a training result depends on; what may be changed to get past a crash is no part of it."""
    weights = {key: file_digest(file) for key, file in starts.items()}
    return digest([model, json.loads(training_json(settings)), weights, dict(data), code])
