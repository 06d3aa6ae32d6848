"""Clips a second of the loader against the bound of decoding alone and against a loader of frame files.

    python benchmarks/loader.py [--videos 20] [--rounds 15]

Renders 20 ten-second videos (640 x 360, h264), prepares them at 256 pixels, and reads clips of 16 frames, stride 2, at
224 pixels with two processes, all subjects the same frames. `bound` is torchvision's decode_jpeg on JPEG data in
memory; `frame files` is a plain loader: cv2.imread, then crop, resize, flip and normalise each frame in float32.
All take turns in every round; ratios are medians over the rounds. The last two columns count the CPU time of all
processes, which other programs on the machine disturb less.
"""

import argparse
import itertools
import json
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import torch
from kinema.media.packed import PackedReader
from torch.utils.data import DataLoader, Dataset
from torchvision.io import decode_jpeg

from kinema.clips.dataset import ClipDataset, ClipIndex
from kinema.clips.loader import ClipLoader
from kinema.clips.sampling import EpochSampler
from kinema.clips.windows import RANDOM_START
from kinema.config import Augmentation, Clip, Media
from kinema.media.shard import write_shard

CLIP = Clip(length=16, stride=2, size=224)
CLIPS_PER_VIDEO = 4  # a round
PLAIN = {"brightness": 0, "contrast": 0, "saturation": 0}
AUGMENTATIONS = {
    "crop and flip": Augmentation(crop="random", **PLAIN),
    "corner crop": Augmentation(crop="corner", **PLAIN),
    "area crop": Augmentation(crop="area", **PLAIN),
    "area crop, colour": Augmentation(crop="area"),
}
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def render(path: Path, rng: np.random.Generator, *, seconds: int = 10, fps: int = 25) -> None:
    """A camera that pans over a textured picture, with a disc that moves against it."""
    coarse, fine = rng.integers(0, 256, (30, 45, 3), dtype=np.uint8), rng.normal(0, 9, (600, 900, 3))
    scene = cv2.resize(coarse, (900, 600), interpolation=cv2.INTER_CUBIC) + cv2.GaussianBlur(fine, (3, 3), 0) * 2
    scene = np.clip(scene, 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for angle in np.linspace(0, 2 * np.pi, seconds * fps):
            left, top = int(130 + 129 * np.cos(angle)), int(120 + 119 * np.sin(angle))
            frame = scene[top : top + 360, left : left + 640].copy()
            cv2.circle(frame, (320 - left, 60 + top), 50, (250, 240, 30), -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def prepare(folder: Path, *, num_videos: int) -> pd.DataFrame:
    """Render and pack videos; rows of a clip index with one row a clip."""
    rows = []
    for number in range(num_videos):
        path = folder / f"{number:02d}.mp4"
        render(path, np.random.default_rng(number))
        stat = path.stat()
        rows.append({"id": path.stem, "path": str(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns})
    manifest, table = folder / "0000.jsonl", folder / "0000.parquet"
    manifest.write_text("\n".join(json.dumps(row) for row in rows))
    write_shard(manifest, tar=folder / "0000.tar", table=table, media=Media(), ffmpeg=None, workers=2)
    shard = pq.read_table(table, columns=["id", "num_frames", "num_bytes"]).to_pandas()
    size = shard["num_bytes"].sum() / shard["num_frames"].sum()
    print(f"{num_videos} videos, {size / 1000:.1f} kB a frame", flush=True)
    videos = shard.rename(columns={"id": "video"}).assign(
        shard=str(table), shard_row=range(num_videos), label_index=0, start=RANDOM_START
    )
    return pd.concat([videos] * CLIPS_PER_VIDEO, ignore_index=True)


class Decoding(Dataset):
    """The bound: JPEG data in memory is decoded and dropped."""

    def __init__(self, clips: ClipDataset):
        self.clips, self.jpegs = clips, {}
        offsets = pq.read_table(clips.index.rows["shard"][0], columns=["frame_offsets"])["frame_offsets"].to_pylist()
        reader = PackedReader()
        for row, (shard, video) in enumerate(clips.index.rows[["shard", "shard_row"]].itertuples(index=False)):
            spans = [offsets[video][number : number + 2] for number in frame_numbers(clips, row)]
            data = reader.read(Path(shard).with_suffix(".tar"), spans)
            self.jpegs[row] = [torch.frombuffer(bytearray(jpeg), dtype=torch.uint8) for jpeg in data]

    def __getitem__(self, item: tuple[int, int]) -> int:
        decode_jpeg(self.jpegs[item[1]])
        return 0


class FrameFiles(Dataset):
    """One file a frame, each read and transformed by itself; a multi-scale corner crop, as in `corner crop`."""

    def __init__(self, clips: ClipDataset, folder: Path):
        self.clips, self.folder = clips, folder
        for video in set(clips.index.rows["video"]):
            self._write(video)

    def _write(self, video: str) -> None:
        row = self.clips.index.rows.set_index("video").loc[video].iloc[0]
        offsets = pq.read_table(row["shard"], columns=["frame_offsets"])["frame_offsets"][row["shard_row"]].as_py()
        (self.folder / video).mkdir()
        spans = itertools.pairwise(offsets)
        for number, data in enumerate(PackedReader().read(Path(row["shard"]).with_suffix(".tar"), spans), start=1):
            (self.folder / video / f"image_{number:05d}.jpg").write_bytes(data)

    def __getitem__(self, item: tuple[int, int]) -> torch.Tensor:
        video, rng = self.clips.index.rows["video"][item[1]], np.random.default_rng(item)
        numbers, mirror = frame_numbers(self.clips, item[1]), rng.random() < 0.5
        side = int(256 * rng.choice([1.0, 0.84, 0.71, 0.59, 0.5]))
        frames = []
        for number in numbers:
            image = cv2.imread(str(self.folder / video / f"image_{number + 1:05d}.jpg"))[:side, :side, ::-1]
            image = cv2.resize(image, (CLIP.size, CLIP.size)).astype(np.float32) / 255
            image = (image[:, ::-1] if mirror else image) - MEAN
            frames.append((image / STD).transpose(2, 0, 1))
        return torch.from_numpy(np.stack(frames))


def frame_numbers(clips: ClipDataset, row: int) -> np.ndarray:
    """The frames that epoch 0 takes of this row."""
    return clips.frame_numbers(row, np.random.default_rng(np.random.SeedSequence([clips.seed, 0, row])))


def cpu_seconds() -> float:
    """Of this process and of all loaders; those that wait for their turn use none."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(loader: DataLoader) -> tuple[float, float]:
    """Clips a second, and milliseconds of CPU a clip."""
    started_at, used = time.perf_counter(), cpu_seconds()
    for _ in loader:
        pass
    num_clips = len(loader.sampler)
    return num_clips / (time.perf_counter() - started_at), 1000 * (cpu_seconds() - used) / num_clips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = ClipIndex(rows=prepare(Path(folder), num_videos=arguments.videos), labels=["any"])
        ours = {
            f"packed, {name}": ClipDataset(index, clip=CLIP, augmentation=augmentation)
            for name, augmentation in AUGMENTATIONS.items()
        }
        clips = next(iter(ours.values()))
        datasets = {"bound": Decoding(clips), **ours, "frame files, corner crop": FrameFiles(clips, Path(folder))}
        sampler = EpochSampler(len(clips), seed=0)
        persistent = partial(DataLoader, persistent_workers=True)
        loaders = {
            name: (ClipLoader if name in ours else persistent)(dataset, batch_size=8, sampler=sampler, num_workers=2)
            for name, dataset in datasets.items()
        }
        rounds = [{name: measure(loader) for name, loader in loaders.items()} for _ in range(arguments.rounds + 1)]
    rounds = rounds[1:]  # the first starts the workers
    for name in loaders:
        speed, cpu = (statistics.median(one[name][column] for one in rounds) for column in (0, 1))
        ratio = statistics.median(one[name][0] / one["bound"][0] for one in rounds)
        cpu_ratio = statistics.median(one["bound"][1] / one[name][1] for one in rounds)
        print(f"{name:26s} {speed:6.1f} clips/s, {ratio:.2f} of the bound; {cpu:5.1f} ms CPU a clip, {cpu_ratio:.2f}")


if __name__ == "__main__":
    main()
