"""Clips of a data set in order, read by threads while the network computes what came before.

All cores that the network uses share the reading of each batch. A loader process takes the time of one core, and as the
threads of a network wait for the slowest of them, the others lose as much. OpenCV decodes without Python's lock, and
nothing here needs /dev/shm.
"""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch

from kinema.evaluation.views import ViewDataset


def read_batches(
    dataset: ViewDataset, rows: Sequence[int], *, batch_size: int, num_threads: int
) -> Iterator[tuple[list[int], torch.Tensor]]:
    """Rows and their clips, uint8 (B, T, V, C, S, S), in this order, each row once.

    At least `num_threads` clips are on their way while a batch is looked at, however small that is. The memory of a
    batch is used again when the next one is asked for. What cannot be read is a ValueError.
    """
    batches = [list(rows[begin : begin + batch_size]) for begin in range(0, len(rows), batch_size)]
    ahead = max(1, min(len(batches), -(-num_threads // batch_size)))  # batches
    shape = (min(batch_size, len(rows)), *dataset.clip_shape)
    memory = [torch.empty(shape, dtype=torch.uint8) for _ in range(ahead + 1)]
    own = threading.local()

    def of(number: int) -> torch.Tensor:
        return memory[number % len(memory)]

    def read(row: int, out: torch.Tensor) -> None:
        if not hasattr(own, "dataset"):
            own.dataset = dataset.for_one_of(num_threads)
        own.dataset.read(row, out=out)

    with ThreadPoolExecutor(num_threads, thread_name_prefix="clips") as pool:

        def begun(number: int) -> list[Future[None]]:
            of_batch = zip(batches[number], of(number), strict=False) if number < len(batches) else ()
            return [pool.submit(read, row, out) for row, out in of_batch]

        try:
            on_their_way = deque(begun(number) for number in range(ahead))
            for number, batch in enumerate(batches):
                for clip in on_their_way.popleft():
                    clip.result()
                on_their_way.append(begun(number + ahead))
                yield batch, of(number)[: len(batch)]
        finally:
            pool.shutdown(cancel_futures=True)
