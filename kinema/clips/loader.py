"""Clips -> batches: a DataLoader whose workers write clips into shared memory that is used again and again.

PyTorch takes new shared memory for every batch, and the kernel clears each page of it: a third of the time that it
takes to decode the clips (benchmarks/loader.py).
"""

from collections import deque
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from kinema.clips.dataset import ClipDataset


class ClipLoader(DataLoader):
    """A DataLoader of `clips` whose workers, if it has any, outlive an epoch. Each batch has memory of its own."""

    def __init__(self, clips: ClipDataset, *, num_workers: int = 0, prefetch_factor: int = 2, **options: Any):
        self.clips = clips
        # a worker may be ahead by `prefetch_factor` batches while the consumer copies one
        self.num_slots = prefetch_factor + 1
        if num_workers:
            options |= {"persistent_workers": True, "prefetch_factor": prefetch_factor, "collate_fn": _as_it_is}
        dataset = _SharedBatches(clips, self.num_slots) if num_workers else clips
        super().__init__(dataset, num_workers=num_workers, **options)

    def __iter__(self) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        if not self.num_workers:
            yield from super().__iter__()
            return
        mapped: deque[torch.Tensor] = deque(maxlen=self.num_workers * self.num_slots)
        for batch in super().__iter__():
            mapped.append(batch["clip"])  # memory that is still referred to need not be mapped again
            # NumPy, unlike PyTorch, asks for huge pages, which are cheap to clear
            yield batch | {"clip": torch.from_numpy(batch["clip"].numpy().copy())}


class _SharedBatches(Dataset):
    """Whole batches; their clips go to one of `num_slots` shared tensors in turn, and each worker has its own."""

    def __init__(self, clips: ClipDataset, num_slots: int):
        self.clips = clips
        self.slots = [torch.empty(0, dtype=torch.uint8)] * num_slots
        self.turn = 0

    def __len__(self) -> int:
        return len(self.clips)

    def __getitems__(self, items: list[Any]) -> dict[str, Any]:
        self.turn = (self.turn + 1) % len(self.slots)
        if len(self.slots[self.turn]) < len(items):
            shape = (len(items), *self.clips.clip_shape)
            self.slots[self.turn] = torch.empty(shape, dtype=torch.uint8).share_memory_()
        memory = self.slots[self.turn][: len(items)]
        read = [self.clips.read(item, out=out) for item, out in zip(items, memory, strict=True)]
        for item in read:
            del item["clip"]
        return {"clip": memory, **default_collate(read)}


def _as_it_is(batch: dict[str, Any]) -> dict[str, Any]:
    return batch
