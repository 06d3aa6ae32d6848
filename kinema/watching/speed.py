"""A running training -> where its time and memory go: columns of training.csv and curves of the logs."""

import resource
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback

GIB = 2**30
SPEED = ("data_seconds", "step_seconds", "clips_per_second", "images_per_second", "peak_memory_gib")


class Step(NamedTuple):
    """One step of this process: seconds waited for its batch, seconds that it took, and what was in the batch."""

    data: float
    step: float
    clips: int
    images: int


class Speed(Callback):
    """Logs seconds a step that were waited for data, and that it took; clips and their frames per second; peak memory.

    Of each epoch, and as `step/...` of the steps from one point of the logs to the next. On a GPU the memory is
    PyTorch's there, else the process's. A GPU works on while the next batch is fetched: its waits and steps are as long
    as the processor notices. Of an interrupted epoch, the part that this run made. Writing a resume point counts as a
    wait of the next step.
    """

    def __init__(self) -> None:
        self._recent: deque[Step] = deque(maxlen=1)
        self._epoch = Step(0, 0, 0, 0)
        self._num_steps = 0
        self._data = 0.0
        self._since = time.perf_counter()

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start; a run that goes on inside an epoch gets no call for the start of that."""
        self._recent = deque(maxlen=trainer.log_every_n_steps * trainer.accumulate_grad_batches)
        self.on_train_epoch_start(trainer, pl_module)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start anew."""
        self._epoch, self._num_steps = Step(0, 0, 0, 0), 0
        self._since = time.perf_counter()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """The batch is here."""
        self._data = self._lap()

    def on_train_batch_end(self, trainer: L.Trainer, pl_module: L.LightningModule, *args: Any) -> None:
        """The step is done."""
        num_clips = len(args[1]["label"])
        step = Step(self._data, self._lap(), num_clips, num_clips * pl_module.model.spec.num_frames)
        self._recent.append(step)
        self._epoch, self._num_steps = _sum([self._epoch, step]), self._num_steps + 1
        recent = _speed(_sum(self._recent), len(self._recent), trainer)
        # tensors: Lightning would make one on the GPU of a number, and wait for it
        pl_module.log_dict({f"step/{name}": torch.tensor(value) for name, value in recent.items()})

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the epoch's numbers."""
        if self._num_steps:
            pl_module.log_dict(_speed(self._epoch, self._num_steps, trainer), sync_dist=True)

    def _lap(self) -> float:
        before, self._since = self._since, time.perf_counter()
        return self._since - before


def _sum(steps: Sequence[Step] | deque[Step]) -> Step:
    return Step(*map(sum, zip(*steps, strict=True)))


def _speed(total: Step, num_steps: int, trainer: L.Trainer) -> dict[str, float]:
    """The numbers of SPEED; clips of several processes, which are as fast as each other, are added up."""
    seconds = total.data + total.step
    values = (
        total.data / num_steps,
        total.step / num_steps,
        total.clips * trainer.world_size / seconds,
        total.images * trainer.world_size / seconds,
        peak_memory_bytes(on_gpu=trainer.strategy.root_device.type == "cuda") / GIB,
    )
    return dict(zip(SPEED, values, strict=True))


def peak_memory_bytes(*, on_gpu: bool) -> int:
    """Most memory so far: what PyTorch has had of its GPU, or of this process."""
    if on_gpu:
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
