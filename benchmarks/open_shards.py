"""Memory and open files of loader workers that read from very many shards.

    python benchmarks/open_shards.py [--shards 320] [--workers 1 4 8]

Makes shards of 480 videos with 250 frames each, as Kinetics-400 has in 512 shards. Every worker reads one frame of a
video of each shard, in an order of its own, as training does. Printed are medians over the workers while all of them
hold their shards open: memory that only this process has, its share of what several map (proportional set size), and
its open files; then the same where a process may have 256 open files (`ulimit -n 256`).
"""

import argparse
import multiprocessing
import os
import random
import resource
import statistics
import tempfile
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
from generated_videos import extracted_index, make_videos

from kinema.experiment.data_sections import Clip, Media
from kinema.media.layout import arrow_table
from kinema.media.reader import FrameReader
from kinema.media.shard import SHARD_SCHEMA

VIDEOS = [f"video_{number:04d}" for number in range(480)]
NUM_FRAMES = 250
Figures = dict[str, float]


def make_shards(folder: Path, count: int) -> list[Path]:
    """Tables of shards; each has a tar of its own, in which all its videos are one and the same."""
    index = extracted_index(make_videos(folder / "videos", 1), folder / "one", Media(), clip=Clip())
    one = index.shard(0)
    tar, rows = one.with_suffix(".tar"), pa.ipc.open_file(str(arrow_table(one))).read_all().to_pylist()
    offsets = np.tile(rows[0]["frame_offsets"][: NUM_FRAMES + 1], len(VIDEOS))
    tables = [folder / f"{number:04d}.parquet" for number in range(count)]
    for table in tables:
        os.link(tar, table.with_suffix(".tar"))
        write_table(table, rows[0], offsets)
    return tables


def write_table(table: Path, row: dict, offsets: np.ndarray) -> None:
    """The mapped table of a shard; loaders read nothing else of it."""
    values = {"id": VIDEOS, "stored": [str(table.with_suffix(".tar"))] * len(VIDEOS)}
    values["num_frames"] = [NUM_FRAMES] * len(VIDEOS)
    bounds = pa.array(np.arange(0, len(offsets) + 1, NUM_FRAMES + 1, dtype="int32"))
    columns = {"frame_offsets": pa.ListArray.from_arrays(bounds, pa.array(offsets))}
    for field in SHARD_SCHEMA:
        if field.name not in columns:
            columns[field.name] = pa.array(values.get(field.name, [row[field.name]] * len(VIDEOS)), field.type)
    schema = SHARD_SCHEMA.with_metadata({"media": Media().model_dump_json()})
    with pa.ipc.new_file(arrow_table(table), schema) as file:
        file.write_table(pa.table([columns[name] for name in schema.names], schema=schema))


def work(tables: list[Path], seed: int, most_files: int, barrier: Barrier, answers: Connection) -> None:
    """A loader worker: reads of one shard, then of all, and sends its figures both times."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))
    rng, reader = random.Random(seed), FrameReader()
    for some in (tables[:1], rng.sample(tables, len(tables))):
        for table in some:
            for _ in reader.read(table, rng.choice(VIDEOS), [rng.randrange(NUM_FRAMES)]):
                pass
        barrier.wait()
        answers.send(figures())
        barrier.wait()


def figures() -> Figures:
    process = psutil.Process()
    memory = process.memory_full_info()
    return {"own": memory.uss / 2**20, "share": memory.pss / 2**20, "files": process.num_fds()}


def measure(tables: list[Path], num_workers: int, most_files: int) -> list[Figures]:
    """Median figures of the workers with one shard, and with all."""
    context = multiprocessing.get_context("spawn")
    barrier, pipes = context.Barrier(num_workers), [context.Pipe(duplex=False) for _ in range(num_workers)]
    workers = [
        context.Process(target=work, args=(tables, seed, most_files, barrier, sender))
        for seed, (_, sender) in enumerate(pipes)
    ]
    for worker in workers:
        worker.start()
    found = [[receiver.recv() for receiver, _ in pipes] for _ in range(2)]
    for worker in workers:
        worker.join()
    return [{name: statistics.median(one[name] for one in part) for name in part[0]} for part in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=320)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 8])
    arguments = parser.parse_args()
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    print("| workers | may open | shards | own MiB | share MiB | open files |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        tables = make_shards(Path(folder), arguments.shards)
        for num_workers, most_files in [*((workers, allowed) for workers in arguments.workers), (4, 256)]:
            for num_shards, found in zip((1, len(tables)), measure(tables, num_workers, most_files), strict=True):
                memory = f"{found['own']:.1f} | {found['share']:.1f}"
                print(f"| {num_workers} | {most_files} | {num_shards} | {memory} | {found['files']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
