"""What Lightning calls while a training runs: resume points and the best epoch are written.

A point is written after every epoch and every so many minutes, inside an epoch as well. The one before it stays until
the new one is whole, and one more, so that a file that a power cut damaged costs minutes and not the run.
"""

import random
import time
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint, WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO

from kinema.files import atomic_path
from kinema.training.resume.folder import BEST, KEY
from kinema.training.resume.regroup import Steps, regroup
from kinema.training.resume.runs import resume_points
from kinema.training.resume.termination import Termination
from kinema.words import place

KEPT = 2
# how far a validation is for Lightning, in its first step
STEP = {"ready": 1, "started": 1, "processed": 0, "completed": 0}
AT_FIRST_STEP = {"total": STEP, "current": STEP, "is_last_batch": False}


class DurableIO(TorchCheckpointIO):
    """Writes checkpoints that are there whole or not at all, whatever happens to the machine."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a file beside it, flush it to the disk, and rename it."""
        with atomic_path(Path(path)) as temporary:
            torch.save(checkpoint, temporary)  # Lightning's own way needs as much space in TMPDIR


class ResumePoints(Checkpoint):
    """Writes `folder/resume-<batches>.ckpt` after epochs, every `minutes` and on a signal; the newest two are kept.

    After the point that a signal asks for, SIGTERMException ends the training, in all of its processes.

    Beside Lightning's state a point holds the generators of random numbers, gradients that are not yet used, and the
    time spent in training. As a `Checkpoint` it comes after the callbacks whose state it must hold.
    """

    def __init__(self, folder: Path, *, minutes: float, termination: Termination, steps: Steps):
        self.folder, self.interval_seconds, self.termination, self.steps = folder, 60 * minutes, termination, steps
        self.has_begun = False
        self.place: str | None = None  # of the last point, in words
        self._first_place: str | None = None
        self._restored: dict[str, Any] = {}
        self._seconds_before = 0.0
        self._started_at = self._saved_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time spent in training, that of interrupted runs up to their last point included."""
        return self._seconds_before + time.monotonic() - self._started_at

    @property
    def is_further(self) -> bool:
        """Whether a later point was written than the one that this run went on from."""
        return self.place != self._first_place

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Put back what Lightning does not."""
        self._saved_at = time.monotonic()
        self.has_begun = True
        if not self._restored:
            return
        # Lightning would, too, but not where the schedule asked for the number of steps, which opens the loader first
        trainer.train_dataloader.load_state_dict(self._restored["loader"])
        _set_random_states(self._restored["random"])
        gradients = self._restored["gradients"]
        for name, parameter in pl_module.named_parameters():
            parameter.grad = gradients[name].to(parameter.device) if name in gradients else None
        self._restored = {}
        if trainer.fit_loop.restarted_mid_epoch:
            pl_module.on_train_epoch_start()  # Lightning leaves it out, but it decides what is frozen

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """A point inside the epoch, when it is time; after the last batch, validation and the epoch's point follow."""
        is_due = self.termination.noted is not None or time.monotonic() - self._saved_at >= self.interval_seconds
        # gradients that wait for more batches differ from process to process, and one process writes
        is_possible = trainer.world_size == 1 or not trainer.fit_loop._should_accumulate()
        is_last = args[2] + 1 == trainer.num_training_batches
        # one question to all processes a step: on GPUs each waits for the device
        if not is_last and is_possible and trainer.strategy.reduce_boolean_decision(is_due, all=False):
            self._save(trainer)
            self.termination.end_if_asked(trainer)

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """A process that is alone need not finish a long validation; the next run starts it again."""
        if self.termination.noted is None or trainer.world_size > 1:
            return
        if not trainer.sanity_checking:  # which comes before anything is trained
            for callback in trainer.callbacks:
                if isinstance(callback, WeightAveraging):
                    callback._swap_models(pl_module)  # it is the mean that is validated, in place of the weights
            self._save(trainer)
        self.termination.end_if_asked(trainer)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A point after every epoch."""
        self._save(trainer)
        if trainer.current_epoch + 1 < int(trainer.max_epochs or 0):
            self.termination.end_if_asked(trainer)

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add what Lightning leaves out, and let it start a validation again that is not finished."""
        waiting = trainer.fit_loop._should_accumulate()
        named = pl_module.named_parameters() if waiting else ()
        checkpoint[KEY] = {
            "random": _random_states(trainer.strategy.root_device.type),
            "gradients": {name: parameter.grad for name, parameter in named if parameter.grad is not None},
            "loader": trainer.train_dataloader.state_dict(),
            "seconds": self.seconds,
            "steps_a_batch": self.steps.a_batch,
        }
        if trainer.validating:
            checkpoint["loops"]["fit_loop"]["epoch_loop.val_loop.batch_progress"] = AT_FIRST_STEP

    def on_load_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep it until training starts; that of another number of processes is put in the batches of this one."""
        regroup(checkpoint["loops"], checkpoint[KEY], self.steps)
        self._restored = checkpoint[KEY]
        self._seconds_before = self._restored["seconds"]
        self.place = self._first_place = self._place(self._restored["loader"])

    def _save(self, trainer: L.Trainer) -> None:
        loader = trainer.train_dataloader.state_dict()
        trainer.save_checkpoint(self.folder / f"resume-{self.steps.since_the_start(loader):09d}.ckpt")
        self._saved_at = time.monotonic()
        self.place = self._place(loader)
        if trainer.is_global_zero:
            for old in resume_points(self.folder)[KEPT:]:
                old.unlink()

    def _place(self, loader: dict[str, int]) -> str:
        return place(loader["epoch"] + 1, self.steps.of_epoch(loader))


class BestEpoch(ModelCheckpoint):
    """A checkpoint that still knows its best score where its folder has another path than it had."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over scores, with the names of their files in this folder."""
        moved = dict(state_dict, dirpath=self.dirpath)
        for key in ("best_model_path", "kth_best_model_path", "last_model_path"):
            moved[key] = self._here(state_dict[key])
        moved["best_k_models"] = {self._here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(moved)

    def _here(self, path: str) -> str:
        return str(Path(str(self.dirpath)) / Path(path).name) if path else path


def best_epoch(folder: Path, *, monitor: str, period: int = 1) -> BestEpoch:
    """Keeps the epoch in `folder` in which `monitor`, measured every `period` epochs, is the highest so far."""
    return BestEpoch(
        dirpath=folder,
        filename=Path(BEST).stem,
        monitor=monitor,
        mode="max",
        every_n_epochs=period,
        save_on_train_epoch_end=True,  # after validation and History, so that both are inside
        enable_version_counter=False,
    )


def _random_states(device_type: str) -> dict[str, Any]:
    """Of Python, NumPy and PyTorch, as what a file that is not unpickled may hold; of GPUs only where one is used.

    What is drawn here today is seeded step by step; these are for what a network or a callback of the user's draws.
    """
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if device_type == "cuda" else [],
    }


def _set_random_states(states: dict[str, Any]) -> None:
    random.setstate(states["python"])
    name, keys, *rest = states["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["torch"])
    if states["cuda"] and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
