"""Clip index + resolved experiment -> model.pth, by one Lightning run that continues where a killed one stopped."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import lightning as L
import numpy as np
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger

from kinema.clips.loader import ClipLoader
from kinema.clips.table import check_scored, labels_of
from kinema.digests import file_digest
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Training
from kinema.experiment.params import from_json
from kinema.job import Interrupted
from kinema.locks import sole_user
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.loading.start_keys import is_trained
from kinema.models.loading.starts import starting_network
from kinema.models.made_of import remove_made_of
from kinema.models.recognizer import Recognizer
from kinema.processes import is_first_process
from kinema.training.data import ResumableLoader, training_loader, validation_loader
from kinema.training.distillation import load_teacher
from kinema.training.features.keeping import KeptFeatures
from kinema.training.network import avoid_lone_clips, encoder_aside, synchronize_batch_norm
from kinema.training.resume.callbacks import ResumePoints, best_epoch
from kinema.training.resume.ending import resumable
from kinema.training.resume.folder import (
    BEST,
    is_finished,
    is_whole,
    keep_outputs,
    newest_point,
    read_point,
    restore_outputs,
    take_over,
)
from kinema.training.resume.regroup import Steps
from kinema.training.resume.runs import (
    INTERRUPTED,
    lineage_of,
    note_interruption,
    num_epochs,
    obstacle,
    other_runs,
    resume_points,
    run_folder,
    validation_period,
)
from kinema.training.resume.termination import Termination
from kinema.training.task import MONITOR, RecognitionTask
from kinema.training.trainer import EXPECTED_WARNINGS, averaging, create_trainer
from kinema.training.world import ALONE, Share, World
from kinema.words import anew

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingInputs:
    """What is trained, and from what.

    `clips_path` is the clip index, `starts` the files that training starts from (`kinema.models.loading.start_keys`).
    `data` are digests of the parts of the index that decide what is trained, by part; `code` is that of the code.
    `scored` holds for each model that is to be scored the subsets of which one is needed. `copies` is a folder with
    copies of the frames (`kinema.clips.local_copy`), `world` are the processes that train. `features_folder` has what
    frozen encoders say of clips, for all models (`kinema.training.features`); `encoder_code` is of the code of that.
    """

    clips_path: Path
    model_name: str
    settings: Settings
    starts: Mapping[str, str]
    data: Mapping[str, str]
    code: str
    scored: Sequence[Sequence[str]] = ()
    copies: Path | None = None
    world: World = ALONE
    features_folder: Path | None = None
    encoder_code: str = ""

    @classmethod
    def from_params(
        cls, params: Mapping[str, str], resources: Mapping[str, Any], *, clips_path: Path
    ) -> "TrainingInputs":
        """From the texts that rule train has as its params and resources, by name, and the number of its GPUs."""
        settings = from_json(params["settings"], resources.get("untracked", "{}"))
        return cls(
            clips_path=clips_path,
            model_name=params["model"],
            settings=settings,
            starts=json.loads(params["starts"]),
            data=json.loads(params["data"]),
            code=params["code"],
            scored=json.loads(resources.get("scored", "[]")),
            world=World.of(resources, settings.training.accelerator),
            features_folder=Path(params["features"]),
            encoder_code=params["encoder_code"],
        )

    @property
    def is_trained(self) -> bool:
        """Whether there is a training at all."""
        return is_trained(self.settings, self.starts)

    @property
    def copies_place(self) -> str | None:
        """Where frames are to be copied to before the training, if there is one (`kinema.clips.local_copy`).

        Nowhere for kept features: each frame is read once then, if at all.
        """
        training = self.settings.training
        return training.local_copy if self.is_trained and not training.feature_views else None

    @property
    def lineage(self) -> str:
        """See `lineage_of`."""
        weights = {key: file_digest(file) for key, file in self.starts.items()}
        return lineage_of(self.model_name, self.settings, weights=weights, data=self.data, code=self.code)


@dataclass(frozen=True)
class TrainingOutputs:
    """What a training writes: the checkpoint; what its watch writes (`history_path`, `record_path`, curves).

    Each run has its own folder inside `work_folder` for what it needs to go on, and another inside `curves_folder`,
    called by its lineage and its number of epochs.
    """

    model_path: Path
    history_path: Path
    record_path: Path
    work_folder: Path
    curves_folder: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are there when it is done."""
        return self.model_path, self.history_path, self.record_path


@dataclass(frozen=True)
class Fitted:
    """How a training went: `kept_best` says whether the weights are those of the best epoch, else of the last one.

    `seconds` were spent in it, in interrupted runs as well. `world` trained it, each process its `share`, on devices of
    the kind `device`; that of the last run, where there were several.
    """

    kept_best: bool = False
    seconds: float = 0.0
    world: World | None = None
    share: Share | None = None
    device: str = ""


@dataclass(frozen=True)
class Trained:
    """A training that is done, with the labels of its classes."""

    inputs: TrainingInputs
    labels: Sequence[str]
    fitted: Fitted


class Watch(Protocol):
    """Looks on while a model is trained, and writes down what it saw; nothing of it changes the model."""

    def callbacks(self) -> list[Callback]:
        """What is called at every step and epoch, in all processes of the training."""

    def loggers(self, run: str, *, step: int, settings: Settings) -> list[Logger]:
        """What takes the curves of a run, which goes on behind this step."""

    def write(self, trained: Trained) -> None:
        """Write its outputs."""


def train(inputs: TrainingInputs, outputs: TrainingOutputs, *, watch: Watch, threads: int) -> None:
    """Train and write the checkpoint; `watch` writes what it saw.

    Resume state lives in the run's folder (`kinema.training.resume.runs`): an interrupted run goes on from its last
    resume point, one of more epochs from that of the one before where the schedule allows it; one of a changed
    experiment, of other data or code starts anew. Once the outputs are written, links to them are kept there.
    """
    check_scored(inputs.clips_path, inputs.scored)
    settings, starts = inputs.settings, inputs.starts
    inputs.world.share_threads(threads)
    L.seed_everything(settings.training.seed, verbose=False)
    work, folder = outputs.work_folder, run_folder(outputs.work_folder, inputs.lineage, settings.training)
    with sole_user(work, purpose=f"training in {work}") if is_first_process() else nullcontext():
        (work / INTERRUPTED).unlink(missing_ok=True)
        if is_finished(folder, outputs.files):
            if is_first_process():
                log.info("finished before: the outputs are those kept in %s; remove it to train anew", folder)
                remove_made_of(outputs.model_path)
                restore_outputs(folder, outputs.files)
            return
        labels = labels_of(inputs.clips_path)
        recognizer = starting_network(inputs.model_name, labels=labels, settings=settings, starts=starts)
        fitted = Fitted()
        if inputs.is_trained:
            features = _features(recognizer, inputs)
            with _interruptions_kept(work):
                task, batches, validation = _prepared(recognizer, inputs, features)
            places = {"folder": folder, "curves_folder": outputs.curves_folder}
            with encoder_aside(recognizer) if features else nullcontext():
                fitted = fit(task, batches, validation, settings=settings, world=inputs.world, watch=watch, **places)
        if not is_first_process():
            return
        watch.write(Trained(inputs, labels, fitted))
        remove_made_of(outputs.model_path)
        dumped = settings.model_dump(mode="json")
        save_checkpoint(outputs.model_path, recognizer.cpu().eval(), labels=labels, settings=dumped)
        if inputs.is_trained:
            keep_outputs(folder, outputs.files, settings.training)


@contextmanager
def _interruptions_kept(work: Path) -> Iterator[None]:
    """A signal while features are computed is told in the last lines of the workflow as well."""
    try:
        yield
    except Interrupted as error:
        if is_first_process():
            note_interruption(work, str(error))
        raise


def _features(recognizer: Recognizer, inputs: TrainingInputs) -> KeptFeatures | None:
    """What keeps the features that are trained on; None where the encoder is to see clips."""
    if not inputs.settings.training.feature_views:
        return None
    assert inputs.features_folder
    return KeptFeatures(recognizer, inputs.settings, folder=inputs.features_folder, code=inputs.encoder_code)


def _prepared(
    recognizer: Recognizer, inputs: TrainingInputs, features: KeptFeatures | None
) -> tuple[RecognitionTask, ResumableLoader, ClipLoader | None]:
    """The task of training a network, and its loaders."""
    settings, world = inputs.settings, inputs.world
    options: dict[str, Any] = {"modality": recognizer.spec.modality, "copies": inputs.copies, "features": features}
    batches = training_loader(inputs.clips_path, settings, world=world, **options)
    avoid_lone_clips(batches, recognizer, settings.training, num_processes=world.size)
    validation = validation_loader(inputs.clips_path, settings, world=world, **options)
    labels = labels_of(inputs.clips_path)
    teacher = load_teacher(inputs.starts, labels=labels, settings=settings.distillation)
    index = batches.clip_dataset.index
    task = RecognitionTask(
        recognizer,
        training=settings.training,
        videos=index.videos,
        teacher=teacher,
        class_counts=np.bincount(index.label_index, minlength=len(labels)),
    )
    return task, batches, validation


def fit(
    task: RecognitionTask,
    batches: ResumableLoader,
    validation: ClipLoader | None,
    *,
    settings: Settings,
    world: World,
    folder: Path,
    curves_folder: Path,
    watch: Watch,
) -> Fitted:
    """Train a task from the newest resume point in `folder`; it then has the weights of the epoch to keep.

    Of several processes only the first one knows how it went.
    """
    # a third faster on CPUs (benchmarks/train_step.py)
    task.model.to(memory_format=task.model.memory_format)
    if settings.training.sync_batch_norm:
        synchronize_batch_norm(task, num_processes=world.size)
    best = best_epoch(folder, monitor=MONITOR, period=validation_period(settings.training))
    termination = Termination()
    steps = Steps.of(settings.training, world, num_clips=len(batches.clip_dataset))
    points = ResumePoints(folder, minutes=settings.training.checkpoint_minutes, termination=termination, steps=steps)
    callbacks = [*averaging(settings.training), *watch.callbacks(), termination]
    callbacks += [*([best] if validation else []), points]
    if last := _last_point(folder, task, settings.training):
        log.info("continuing from %s", last)
    step = read_point(last, task).global_step if last else 0
    with resumable(points, last, curves_folder=curves_folder), warnings.catch_warnings():
        for message in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", message=message)
        loggers = watch.loggers(folder.name, step=step, settings=settings)
        trainer = create_trainer(settings, callbacks, loggers, world=world)
        trainer.fit(task, batches, validation, ckpt_path=last, weights_only=True)
    if not trainer.is_global_zero:
        return Fitted()
    keeps_best = settings.training.keep == "best" and validation is not None and is_whole(folder / BEST, task)
    if keeps_best:
        log.info("keeping the best epoch: %s %.4f", MONITOR, best.best_model_score)
    # the last epoch's, too, are taken from its file: averages are there alone
    path = folder / BEST if keeps_best else resume_points(folder)[0]
    task.load_state_dict(read_point(path, task).state_dict)
    device = trainer.strategy.root_device.type
    return Fitted(keeps_best, points.seconds, world, world.share(settings.training), device)


def _last_point(folder: Path, task: RecognitionTask, training: Training) -> Path | None:
    """Where a run goes on: in its own folder, or behind a run with another number of epochs. None: it begins anew."""
    if own := newest_point(folder, task):
        return own
    others = other_runs(folder)
    taken = take_over(folder, task, training)
    if others and not taken and is_first_process():
        before = num_epochs(others[0])
        log.warning(anew(training.epochs, before, obstacle(training, before)))
    return taken
