"""Clip index + resolved experiment -> model.pth, by one Lightning run that continues where a killed one stopped."""

import hashlib
import logging
import shutil
import sys
from pathlib import Path

import lightning as L
import pandas as pd
import torch
from lightning.pytorch.callbacks import RichProgressBar

from kinema.config import Settings
from kinema.files import atomic_path, sole_user
from kinema.models.checkpoint import save_checkpoint
from kinema.models.registry import create_model
from kinema.models.state import read_torch_file
from kinema.provenance import digest, file_digest
from kinema.training.checkpoints import DurableIO, ResumePoints, best_epoch, newest_point, resumable
from kinema.training.data import training_loader, validation_loader
from kinema.training.history import History
from kinema.training.task import RecognitionTask

log = logging.getLogger(__name__)


def train(
    *, clips: Path, model: str, settings: Settings, out: Path, history: Path, work: Path, code: str, threads: int
) -> None:
    """Train `model` on the index `clips`; write the checkpoint `out` and the curve `history` (CSV).

    Resume state lives in `work/<fingerprint>/`, the fingerprint of experiment, data and code: an interrupted run goes
    on from its last resume point, a changed one starts anew. All of `work` is removed once the outputs are written.
    """
    torch.set_num_threads(threads)
    L.seed_everything(settings.training.seed, verbose=False)
    state = work / fingerprint(clips=clips, model=model, settings=settings, code=code)
    with sole_user(work, purpose=f"training in {work}"):
        batches, validation = training_loader(clips, settings), validation_loader(clips, settings)
        index = batches.clips.index
        recognizer = create_model(model, num_classes=len(index.labels), clip=settings.clip, network=settings.network)
        # a third faster on CPUs (benchmarks/train_step.py)
        recognizer.to(memory_format=recognizer.memory_format)
        task = RecognitionTask(recognizer, training=settings.training, videos=batches.clips.videos)
        curve, best = History(), best_epoch(state, monitor="val_video_top1")
        points = ResumePoints(state, minutes=settings.training.checkpoint_minutes)
        trainer = create_trainer(settings, [curve, *([best] if validation else []), points])
        if last := newest_point(state):
            log.info("continuing from %s", last)
        with resumable(state):
            trainer.fit(task, batches, validation, ckpt_path=last, weights_only=True)
        if settings.training.keep == "best" and validation:
            kept = read_torch_file(Path(best.best_model_path), expected="the best epoch of this training")
            task.load_state_dict(kept["state_dict"])
            log.info("keeping the best epoch: val_video_top1 %.4f", best.best_model_score)
        with atomic_path(history) as temporary:
            pd.DataFrame(curve.rows).to_csv(temporary, index=False)
        save_checkpoint(out, recognizer.cpu().eval(), labels=index.labels, settings=settings.model_dump(mode="json"))
        shutil.rmtree(work)  # with what changed experiments left behind


def fingerprint(*, clips: Path, model: str, settings: Settings, code: str) -> str:
    """Short hash of all that a training result depends on; what may be changed to get past a crash is no part of it."""
    with clips.open("rb") as file:
        data = hashlib.file_digest(file, "blake2b").hexdigest()
    files = (settings.network.weights, settings.network.encoder_weights)
    weights = [file_digest(file) for file in files if file]  # of the user's files, where they are some
    chosen = settings.model_dump(mode="json", exclude={"training": {"num_workers", "checkpoint_minutes"}})
    return digest([model, chosen, weights, data, code])


def create_trainer(settings: Settings, callbacks: list) -> L.Trainer:
    """A Lightning trainer for one device, quiet where no one watches."""
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).handlers.clear()  # what it warns of goes to the job's log, like our lines
        logging.getLogger(name).setLevel(logging.WARNING)
    watched = sys.stderr.isatty()
    training = settings.training
    return L.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=training.epochs,
        precision=training.precision,
        accumulate_grad_batches=training.accumulate,
        gradient_clip_val=training.gradient_clip,
        callbacks=[*callbacks, *([RichProgressBar()] if watched else [])],
        enable_progress_bar=watched,
        enable_model_summary=False,
        logger=False,
        num_sanity_val_steps=2,
        use_distributed_sampler=False,
        plugins=[DurableIO()],
        deterministic="warn",
    )
