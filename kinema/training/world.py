"""The processes that train one model together, and what each does of a step.

How many there are is a matter of the job's resources. The recipe counts the clips of all of them, so that it is the
same experiment on one GPU and on eight.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch.plugins.environments import ClusterEnvironment, LightningEnvironment

from kinema.experiment.model_sections import Training
from kinema.input_error import InputError
from kinema.models.device import device_of
from kinema.processes import TASK, TORCHRUN

THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True)
class Share:
    """Clips of a process and batch, and batches before the optimizer moves."""

    batch_size: int
    accumulate: int


@dataclass(frozen=True)
class World:
    """Machines, and processes on each."""

    nodes: int = 1
    per_node: int = 1

    @classmethod
    def of(cls, resources: Mapping[str, Any], accelerator: str) -> "World":
        """From a job's resources `gpu`, `nodes` and `tasks`, or from torchrun, which started all of them.

        A process for each GPU; on processors one for each task. InputError where GPUs are asked for that are not seen.
        """
        if TORCHRUN in os.environ:
            size, per_node = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
            return cls(size // per_node, per_node)
        nodes, gpus = int(resources.get("nodes") or 1), int(resources.get("gpu") or 0)
        on_gpus = device_of(accelerator).type == "cuda"
        if not on_gpus and gpus > 1:
            raise InputError(
                f"resources: the job asks for gpu={gpus}, but PyTorch sees no GPU of CUDA here; ask for gpu=1, or 0"
            )
        size = max(gpus, 1) if on_gpus else int(resources.get("tasks") or 1)
        if size % nodes:
            raise InputError(f"resources: {size} processes on {nodes} nodes; ask for as many on each")
        world = cls(nodes, size // nodes)
        if on_gpus and world.per_node > torch.cuda.device_count():
            raise InputError(
                f"resources: gpu={gpus} on {nodes} nodes, but PyTorch sees {torch.cuda.device_count()} on this one"
            )
        return world

    @property
    def size(self) -> int:
        """Number of processes."""
        return self.nodes * self.per_node

    def environment(self) -> ClusterEnvironment | None:
        """How Lightning knows of the others; None leaves it to torchrun.

        Else it takes an environment of SLURM's for its own wherever it sees one. Snakemake runs a job as a single task:
        Lightning would train one process, whatever was asked for, and say nothing.
        """
        return None if TORCHRUN in os.environ else LightningEnvironment()

    def share_threads(self, threads: int) -> None:
        """Let this process, and those that it starts, compute on their part of the job's threads.

        A task of SLURM's has as many cores of its own.
        """
        own = threads if TASK in os.environ else max(1, threads // self.per_node)
        torch.set_num_threads(own)
        if self.size > 1:
            os.environ.setdefault(THREADS, str(own))  # else Lightning shares out all cores of the machine

    def share(self, training: Training) -> Share:
        """What each process does, so that all do together what one would: `batch_size` times `accumulate` clips a move.

        As few batches as have no more than `batch_size` clips, which fit on a device. InputError where the clips cannot
        be shared evenly.
        """
        joint = training.batch_size * training.accumulate
        for accumulate in range(1, training.accumulate + 1):
            batch_size, rest = divmod(joint, self.size * accumulate)
            if not training.accumulate % accumulate and not rest and 0 < batch_size <= training.batch_size:
                return Share(batch_size, accumulate)
        raise InputError(
            f"training.batch_size is {training.batch_size}, the clips of a step over all processes, which {self.size} "
            f"processes cannot share evenly; take a multiple of {self.size}, or another number of GPUs"
        )


ALONE = World()
