"""A running training -> where its time and memory go: columns of training.csv and curves of the logs."""

import resource
import time
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

GIB = 2**30
SPEED = ("data_seconds", "step_seconds", "clips_per_second", "peak_memory_gib")


class Speed(Callback):
    """Logs, per epoch: seconds a step that were waited for data, and that it took; clips per second; peak memory.

    On a GPU the memory is PyTorch's there, else the process's. A GPU works on while the next batch is fetched: its
    waits and steps are as long as the processor notices. Of an interrupted epoch, the part that this run made.
    """

    def __init__(self) -> None:
        self._data = self._step = 0.0
        self._steps = self._clips = 0
        self._since = time.perf_counter()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start anew."""
        self._data = self._step = 0.0
        self._steps = self._clips = 0
        self._since = time.perf_counter()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """The batch is here."""
        self._data += self._lap()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """The step is done."""
        self._step += self._lap()
        self._steps += 1
        self._clips += len(args[1]["label"])

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the epoch's numbers; those of several processes are added up or averaged where that is their sense."""
        if not self._steps:
            return
        values = (
            self._data / self._steps,
            self._step / self._steps,
            self._clips * trainer.world_size / (self._data + self._step),
            peak_memory_bytes() / GIB,
        )
        pl_module.log_dict(dict(zip(SPEED, values, strict=True)))

    def _lap(self) -> float:
        before, self._since = self._since, time.perf_counter()
        return self._since - before


def peak_memory_bytes() -> int:
    """Most memory so far: of the GPU where there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
