"""Clips a second of the loader against the bound of decoding alone and against a loader of frame files.

    python benchmarks/loader.py [--videos 20] [--rounds 15]

Renders 20 ten-second videos (640 x 360, h264), prepares them at 256 pixels in each storage, and reads clips of 16
frames, stride 2, at 224 pixels with two processes, all subjects the same frames. `bound` is torchvision's decode_jpeg
on JPEG data in memory, every frame whole. Two loaders as one writes them: `frame files` takes cv2.imread, then crop,
resize, flip and normalise each frame in float32; `source videos` decodes the mp4 files themselves with PyAV, from the
key frame before the clip, and cuts each frame.
All take turns in every round; ratios are medians over the rounds. The last two columns count the CPU time of all
processes, which other programs on the machine disturb less.
"""

import argparse
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import torch
from generated_videos import FPS, extracted_index, make_videos
from torch.utils.data import DataLoader, Dataset
from torchvision.io import decode_jpeg, read_file

from kinema.clips.dataset import ClipDataset
from kinema.clips.loader import ClipLoader
from kinema.experiment.data_sections import Augmentation, Clip, Media

CLIP = Clip(length=16, stride=2, size=224)
CLIPS_PER_VIDEO = 4  # a round
PLAIN = {"brightness": 0, "contrast": 0, "saturation": 0}
AUGMENTATIONS = {
    "crop and flip": Augmentation(crop="random", **PLAIN),
    "corner crop": Augmentation(crop="corner", **PLAIN),
    "area crop": Augmentation(crop="area", **PLAIN),
    "area crop, colour": Augmentation(crop="area"),
}
OTHER_STORAGES = [("frames", "crop and flip"), ("video", "crop and flip")]
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


class Decoding(Dataset):
    """The bound: JPEG data in memory is decoded and dropped."""

    def __init__(self, clips: ClipDataset, jpegs: Path):
        self.clips = clips
        self.jpegs = {
            item: [read_file(str(path)) for path in frame_files(clips, item, jpegs)] for item in items_of(clips)
        }

    def __getitem__(self, item: tuple[int, int]) -> int:
        decode_jpeg(self.jpegs[item])
        return 0


class FrameFiles(Dataset):
    """One file a frame, each read and transformed by itself; a multi-scale corner crop, as in `corner crop`."""

    def __init__(self, clips: ClipDataset, jpegs: Path):
        self.clips, self.folder = clips, jpegs

    def __getitem__(self, item: tuple[int, int]) -> torch.Tensor:
        rng = np.random.default_rng(item)
        mirror, side = rng.random() < 0.5, int(256 * rng.choice([1.0, 0.84, 0.71, 0.59, 0.5]))
        frames = []
        for path in frame_files(self.clips, item, self.folder):
            image = cv2.imread(str(path))[:side, :side, ::-1]
            image = cv2.resize(image, (CLIP.size, CLIP.size)).astype(np.float32) / 255
            image = (image[:, ::-1] if mirror else image) - MEAN
            frames.append((image / STD).transpose(2, 0, 1))
        return torch.from_numpy(np.stack(frames))


class SourceVideos(Dataset):
    """The videos as they came, without any preparation; a crop and a flip, as in `crop and flip`."""

    def __init__(self, clips: ClipDataset, videos: Path):
        self.clips, self.folder = clips, videos

    def __getitem__(self, item: tuple[int, int]) -> torch.Tensor:
        rng = np.random.default_rng(item)
        mirror, left, top = rng.random() < 0.5, int(rng.integers(0, 231)), int(rng.integers(0, 32))
        wanted = numbers_of(self.clips, item).tolist()
        frames = []
        with av.open(str(self.folder / f"{self.clips.index.video(item[1])}.mp4")) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            container.seek(round(wanted[0] / FPS / stream.time_base), stream=stream)
            for picture in container.decode(stream):
                if round(picture.pts * stream.time_base * FPS) in wanted:
                    image = cv2.resize(picture.to_ndarray(format="rgb24"), (456, 256))
                    image = image[top : top + CLIP.size, left : left + CLIP.size]
                    frames.append((image[:, ::-1] if mirror else image).transpose(2, 0, 1))
                if len(frames) == len(wanted):
                    return torch.from_numpy(np.stack(frames))
        raise ValueError(f"{self.folder}: a clip ends early")


def items_of(clips: ClipDataset) -> list[tuple[int, int]]:
    """What a round reads: every video in the first epochs."""
    return [(epoch, row) for epoch in range(CLIPS_PER_VIDEO) for row in range(len(clips))]


def frame_files(clips: ClipDataset, item: tuple[int, int], folder: Path) -> list[Path]:
    """Files of the frames that an item takes."""
    return [folder / clips.index.video(item[1]) / f"image_{n + 1:05d}.jpg" for n in numbers_of(clips, item)]


def numbers_of(clips: ClipDataset, item: tuple[int, int]) -> np.ndarray:
    """Numbers of the frames that an item takes."""
    epoch, row = item
    return clips.frame_numbers(row, np.random.default_rng(np.random.SeedSequence([clips.seed, epoch, row])))


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
        root = Path(folder)
        videos = make_videos(root / "videos", arguments.videos)
        indices = {
            storage: extracted_index(videos, root / storage, Media(storage=storage), clip=CLIP)
            for storage in ("packed", "frames", "video")
        }
        jpegs = root / "frames" / "frames" / "any"
        ours = {
            f"{storage}, {name}": ClipDataset(indices[storage], clip=CLIP, augmentation=AUGMENTATIONS[name])
            for storage, name in [*(("packed", name) for name in AUGMENTATIONS), *OTHER_STORAGES]
        }
        clips = next(iter(ours.values()))
        ours["packed, evaluation"] = ClipDataset(indices["packed"], clip=CLIP)
        datasets = {"bound": Decoding(clips, jpegs), **ours}
        datasets["frame files, corner crop"] = FrameFiles(clips, jpegs)
        datasets["source videos, crop and flip"] = SourceVideos(clips, root / "videos")
        persistent = partial(DataLoader, persistent_workers=True)
        loaders = {
            name: (ClipLoader if name in ours else persistent)(
                dataset, batch_size=8, sampler=items_of(clips), num_workers=2
            )
            for name, dataset in datasets.items()
        }
        rounds = [{name: measure(loader) for name, loader in loaders.items()} for _ in range(arguments.rounds + 1)]
    rounds = rounds[1:]  # the first starts the workers
    for name in loaders:
        speed, cpu = (statistics.median(one[name][column] for one in rounds) for column in (0, 1))
        ratio = statistics.median(one[name][0] / one["bound"][0] for one in rounds)
        cpu_ratio = statistics.median(one["bound"][1] / one[name][1] for one in rounds)
        print(f"{name:28s} {speed:6.1f} clips/s, {ratio:.2f} of the bound; {cpu:5.1f} ms CPU a clip, {cpu_ratio:.2f}")


if __name__ == "__main__":
    main()
