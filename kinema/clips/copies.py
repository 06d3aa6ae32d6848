"""Batches of a loader -> a GPU, while that computes: from memory that is pinned, and held until they are there.

The memory of a batch is written again once the last tensor that uses it is gone (`kinema.clips.loader`), so a copy that
nobody waits for must hold it.
"""

import logging
import os
import weakref
from collections import deque
from typing import Any

import numpy as np
import torch

from kinema.clips.shared import SharedArray

log = logging.getLogger(__name__)
PORTABLE = 1  # cudaHostRegisterPortable: for all GPUs of this process


class BatchCopies:
    """Copies batches, dicts of tensors, to a device; to a GPU without waiting for it."""

    def __init__(self) -> None:
        self._held: deque[tuple[Any, dict[str, torch.Tensor]]] = deque()

    def __call__(self, batch: dict[str, torch.Tensor], device: torch.device) -> dict[str, torch.Tensor]:
        """The batch on the device. On a GPU its copy is done before whatever is computed there from now on."""
        is_gpu = device.type == "cuda"
        copied = {name: values.to(device, non_blocking=is_gpu) for name, values in batch.items()}
        if is_gpu:
            self._hold(batch)
        return copied

    def _hold(self, batch: dict[str, torch.Tensor]) -> None:
        copied = torch.cuda.Event()
        copied.record()
        self._held.append((copied, batch))
        while self._held and self._held[0][0].query():
            self._held.popleft()


def pin(memory: SharedArray) -> None:
    """Lock memory in place until it is let go, so that a GPU reads it by itself; where CUDA refuses, it stays as is."""
    owner = memory.array.base  # every view of the memory holds it
    assert isinstance(owner, np.ndarray)
    address, cudart = owner.ctypes.data, torch.cuda.cudart()
    if error := int(cudart.cudaHostRegister(address, owner.nbytes, PORTABLE)):
        log.debug("memory of a loader is not pinned, copies to the GPU wait for it: CUDA error %d", error)
        return
    weakref.finalize(owner, _unpin, address, os.getpid()).atexit = False


def _unpin(address: int, owner: int) -> None:
    if os.getpid() == owner:  # CUDA does not work in a forked process
        torch.cuda.cudart().cudaHostUnregister(address)
