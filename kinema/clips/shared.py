"""Arrays of bytes that processes share, in memory that has no size limit of its own.

PyTorch's shared tensors lie in /dev/shm, which containers make as small as 64 MB.
"""

import math
import mmap
import os
import tempfile
from multiprocessing.reduction import DupFd
from typing import Any

import numpy as np


class SharedArray:
    """A uint8 `array` of zeros; a pickled one is the same memory in the process that gets it."""

    def __init__(self, shape: tuple[int, ...], *, descriptor: int | None = None):
        size = math.prod(shape)
        self.shape = shape
        self._descriptor = _memory(size) if descriptor is None else descriptor
        self.array = np.frombuffer(mmap.mmap(self._descriptor, size), np.uint8).reshape(shape)

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (DupFd(self._descriptor), self.shape)

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)  # what is mapped stays


def _received(descriptor: Any, shape: tuple[int, ...]) -> SharedArray:
    try:
        own = descriptor.detach()
    except (ConnectionError, EOFError, FileNotFoundError) as error:  # the sender serves it until its last moment
        raise RuntimeError("DataLoader worker ended before the memory that it sent was fetched") from error
    return SharedArray(shape, descriptor=own)


def _memory(size: int) -> int:
    """Descriptor of memory without a name; of a file in TMPDIR on systems that have none such."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("kinema-clips")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor
