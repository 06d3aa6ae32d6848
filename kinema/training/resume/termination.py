"""SIGTERM and Ctrl-C, by which clusters and people end a run, become a question that all processes answer together."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import lightning as L
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Termination(Callback):
    """Notes that this process was asked to end, by the signal `noted`.

    Lightning's own handler talks to the other processes at once, in the middle of whatever they do. A signal that comes
    to all of them, as from a cluster, then leaves some waiting for ever. Here a process only remembers; those who save
    resume points ask at their next opportunity, all of them at the same one. A second Ctrl-C ends the process at once.
    """

    def __init__(self) -> None:
        self.noted: signal.Signals | None = None  # by this process

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen in this block, where no training runs."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        self._listen()
        try:
            yield
        finally:
            if threading.current_thread() is threading.main_thread():
                for number, handler in before.items():
                    signal.signal(number, handler)

    def on_sanity_check_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Listen from here on: Lightning has set its handlers, and puts back at the end what was there before."""
        self._listen()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """The same, for trainings without validation."""
        self._listen()

    def _listen(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN:  # as shells start what runs in the background
                    signal.signal(number, self._note)

    def end_if_asked(self, trainer: L.Trainer) -> None:
        """SIGTERMException in all processes if any was asked to end; they must call this together."""
        if trainer.strategy.reduce_boolean_decision(self.noted is not None, all=False):
            raise SIGTERMException((self.noted or signal.SIGTERM).name)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.noted == number == signal.SIGINT:
            signal.default_int_handler(number, frame)
        self.noted = signal.Signals(number)
