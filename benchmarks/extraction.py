"""Frames of 20 videos: our shard job against plain parallel ffmpeg processes that write JPEG files.

    python benchmarks/extraction.py [--rounds 3] [--videos 20] [--flow]

All run in turn in one call, on the same files, two at a time; prints the median of each and the median ratio, of wall
time and of processor time, which other programs on the machine disturb less. Then 3 videos are added: how many a second
run decodes, and what it costs.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from generated_videos import WORKERS, extract, make_videos

from kinema.config import Media
from kinema.media.ffmpeg import find_ffmpeg


def plain(videos: list[Path], out: Path) -> None:
    """One `ffmpeg ... image_%05d.jpg` a video, two at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda video: one_plain(video, out / video.stem), videos))


def one_plain(video: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    options = ["-i", video, "-vf", "scale=-2:256", "-q:v", "4", folder / "image_%05d.jpg"]
    subprocess.run([find_ffmpeg(), "-nostdin", "-loglevel", "error", *options], check=True)


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall time, and of processor time of this process and those it started."""
    started_at, used = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - started_at, sum(os.times()[:4]) - used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--videos", type=int, default=20)
    parser.add_argument("--flow", action="store_true", help="optical flow, too; it takes ten times as long")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        videos = make_videos(root / "videos", arguments.videos + 3)
        first = videos[: arguments.videos]
        recipes = {storage: Media(storage=storage) for storage in ("packed", "frames", "video")}
        if arguments.flow:
            recipes["packed flow"] = Media(modality="flow")
        rounds = []
        for _ in range(arguments.rounds):
            spent = {"plain ffmpeg": cost(lambda: plain(first, root / "plain"))}
            shutil.rmtree(root / "plain")
            for name, media in recipes.items():
                shutil.rmtree(root / name, ignore_errors=True)
                spent[name] = cost(lambda name=name, media=media: extract(first, root / name, media))
            rounds.append(spent)
        for name in rounds[0]:
            seconds = statistics.median(spent[name][0] for spent in rounds)
            wall, processor = (
                statistics.median(spent[name][column] / spent["plain ffmpeg"][column] for spent in rounds)
                for column in (0, 1)
            )
            print(f"{name:12s} {seconds:6.2f} s   {wall:.2f} of plain ffmpeg; processor time {processor:.2f}")
        for name, media in recipes.items():
            started_at = time.perf_counter()
            counts = extract(videos, root / name, media)
            print(f"{name:12s} again with 3 new videos: {time.perf_counter() - started_at:.2f} s, {counts}")


if __name__ == "__main__":
    main()
