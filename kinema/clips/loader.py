"""Clips -> batches: a DataLoader whose workers write clips into shared memory that is used again and again.

PyTorch takes new shared memory for every batch, and the kernel clears each page of it: a third of the time that it
takes to decode the clips (benchmarks/loader.py). Here a batch is handed over without a copy; its memory goes back to
the worker when the last tensor that uses it is gone.
"""

import atexit
import os
import signal
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, default_collate, get_worker_info

from kinema.clips.copies import pin
from kinema.clips.shared import SharedArray
from kinema.disk import SHARED_MEMORY, full_disk_named

MAX_SLOTS = 1024  # batches of one worker that can be alive at a time and have memory to be used again
FREE, WRITTEN, HELD = 0, 1, 2


class ClipLoader(DataLoader):
    """A DataLoader of clips; its workers, if it has any, outlive an epoch.

    Clips are a `ClipDataset`, or what has its `read` and `clip_shape`; without workers, what has items like its.
    `for_gpu` pins the memory of its workers, so that `BatchCopies` need not wait for the GPU.
    """

    def __init__(
        self,
        clip_dataset: Any,
        *,
        num_workers: int = 0,
        prefetch_factor: int = 2,
        for_gpu: bool = False,
        **options: Any,
    ):
        if options.get("pin_memory"):
            raise ValueError("pin_memory copies every batch, which this loader spares; use for_gpu")
        self.clip_dataset, self.for_gpu = clip_dataset, for_gpu
        self._memory: dict[tuple[int, int], SharedArray] = {}  # by worker and slot, as mapped here
        dataset: Dataset = clip_dataset
        if num_workers:
            self._states = SharedArray((num_workers, MAX_SLOTS))
            options |= {"persistent_workers": True, "prefetch_factor": prefetch_factor, "collate_fn": _as_it_is}
            dataset = _SharedBatches(clip_dataset, self._states, prefetch_factor)
        super().__init__(dataset, num_workers=num_workers, **options)

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        for batch in super().__iter__():
            yield self._received(batch) if self.num_workers else batch

    def _get_iterator(self) -> Any:
        # queues to the workers need a little of /dev/shm
        with full_disk_named(SHARED_MEMORY / "semaphores"), _workers_undisturbed():
            iterator: Any = super()._get_iterator()
        if self.num_workers:
            atexit.register(_end, weakref.ref(iterator), iterator._workers)
        return iterator

    def _received(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A worker's batch with its clips: a tensor on the memory of its slot, which it holds while it is in use."""
        place, memory = batch.pop("place"), batch.pop("memory")
        if memory is not None:
            self._memory[place] = memory
            if self.for_gpu:
                pin(memory)
        self._states.array[place] = HELD
        # an array of its own: the storage of every tensor made from it refers to it
        batch["clip"] = self._memory[place].array[: len(batch["label"])]
        weakref.finalize(batch["clip"], _release, self._states.array, place, os.getpid()).atexit = False
        return {name: torch.from_numpy(values) for name, values in batch.items()}


class _SharedBatches(Dataset):
    """Whole batches; their clips go to a free slot, shared memory of this worker's, sent along at first.

    What else is in a batch is sent as arrays: tensors would need memory of PyTorch's.
    """

    def __init__(self, clip_dataset: Any, states: SharedArray, prefetch_factor: int):
        self.clip_dataset, self.states = clip_dataset, states
        self.slots: list[SharedArray] = []
        # No more batches than this are on their way. One that was written earlier and is not held was dropped.
        self.on_their_way: deque[int] = deque(maxlen=prefetch_factor + 1)

    def __len__(self) -> int:
        return len(self.clip_dataset)

    def __getitems__(self, items: list[Any]) -> dict[str, Any]:
        worker = get_worker_info()
        assert worker is not None
        slot = self._free_slot(worker.id, len(items))
        # where a batch was dropped, its slot may have never arrived
        states = self.states.array[worker.id]
        is_known = slot < len(self.slots) and states[slot] == FREE
        if slot == len(self.slots):
            self.slots.append(SharedArray((len(items), *self.clip_dataset.clip_shape)))
        memory = self.slots[slot]
        states[slot] = WRITTEN
        self.on_their_way.append(slot)
        read = [
            self.clip_dataset.read(item, out=out)
            for item, out in zip(items, torch.from_numpy(memory.array), strict=False)
        ]
        for item in read:
            del item["clip"]
        rest = {name: values.numpy() for name, values in default_collate(read).items()}
        return {"place": (worker.id, slot), "memory": None if is_known else memory, **rest}

    def _free_slot(self, worker: int, length: int) -> int:
        """A slot that has memory for so many clips and is not in use; one more than there are asks for a new one."""
        states = self.states.array[worker, : len(self.slots)].tolist()
        for slot, (state, memory) in enumerate(zip(states, self.slots, strict=True)):
            is_free = state == FREE or (state == WRITTEN and slot not in self.on_their_way)
            if is_free and memory.shape[0] >= length:
                return slot
        if len(self.slots) == MAX_SLOTS:
            raise RuntimeError(f"{MAX_SLOTS} batches of one loader process are alive; let go of some, or copy them")
        return len(self.slots)


@contextmanager
def _workers_undisturbed() -> Iterator[None]:
    """Processes that are started here get no SIGTERM and no Ctrl-C, which come to all processes of a job at once.

    A training still needs them to end well. They end with their parent, and with their loader.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))  # which a child inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(iterator: weakref.ref, workers: list[Any]) -> None:
    """End loader processes before Python does, whose way is a SIGTERM."""
    if (running := iterator()) is not None:
        running._shutdown_workers()
    for worker in workers:
        if worker.is_alive():
            worker.kill()


def _release(states: np.ndarray, place: tuple[int, int], owner: int) -> None:
    if os.getpid() == owner:  # a forked process inherits batches, and lets go of them when it ends
        states[place] = FREE


def _as_it_is(batch: dict[str, Any]) -> dict[str, Any]:
    return batch
