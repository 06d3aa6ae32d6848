"""SIGTERM, by which clusters and people end a run -> a question that all processes of a training answer together."""

import signal
import threading

import lightning as L
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException


class Termination(Callback):
    """Notes that this process was asked to end.

    Lightning's own handler talks to the other processes at once, in the middle of whatever they do. A signal that comes
    to all of them, as from a cluster, then leaves some waiting for ever. Here a process only remembers; those who save
    resume points ask at their next opportunity, all of them at the same one.
    """

    def __init__(self) -> None:
        self.is_noted = False  # by this process

    def on_sanity_check_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen from here on: Lightning has set its handlers, and puts back at the end what was there before."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._note)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The same, for trainings without validation."""
        self.on_sanity_check_start(trainer, pl_module)

    def on_validation_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: object) -> None:
        """A process that is alone need not finish a long validation."""
        if self.is_noted and trainer.world_size == 1:
            raise SIGTERMException

    def end_if_asked(self, trainer: L.Trainer) -> None:
        """SIGTERMException in all processes if any was asked to end; they must call this together."""
        if trainer.strategy.reduce_boolean_decision(self.is_noted, all=False):
            raise SIGTERMException

    def _note(self, number: int, frame: object) -> None:
        self.is_noted = True
