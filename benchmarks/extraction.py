"""Frames of 20 videos: our shard job against plain parallel ffmpeg processes that write JPEG files.

    python benchmarks/extraction.py [--rounds 3] [--videos 20]

Both run in turn in one call, on the same files, two at a time; prints the median of each and the ratio. Then 3 videos
are added: how many a second run decodes, and what it costs.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from generated_videos import WORKERS, extract, make_videos

from kinema.config import Media
from kinema.media.ffmpeg import find_ffmpeg


def plain(videos: list[Path], out: Path) -> float:
    """Seconds of one `ffmpeg ... image_%05d.jpg` a video, two at a time."""
    started_at = time.perf_counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda video: one_plain(video, out / video.stem), videos))
    return time.perf_counter() - started_at


def one_plain(video: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    options = ["-i", video, "-vf", "scale=-2:256", "-q:v", "4", folder / "image_%05d.jpg"]
    subprocess.run([find_ffmpeg(), "-nostdin", "-loglevel", "error", *options], check=True)


def ours(videos: list[Path], out: Path, media: Media) -> tuple[float, dict[str, int]]:
    """Seconds of planning and writing one shard of the videos, and what was done."""
    started_at = time.perf_counter()
    counts = extract(videos, out, media)
    return time.perf_counter() - started_at, counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--videos", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        videos = make_videos(root / "videos", arguments.videos + 3)
        first = videos[: arguments.videos]
        recipes = {storage: Media(storage=storage) for storage in ("packed", "frames", "video")}
        recipes["packed flow"] = Media(modality="flow")
        times: dict[str, list[float]] = {name: [] for name in ("plain ffmpeg", *recipes)}
        for _ in range(arguments.rounds):
            times["plain ffmpeg"].append(plain(first, root / "plain"))
            shutil.rmtree(root / "plain")
            for name, media in recipes.items():
                shutil.rmtree(root / name, ignore_errors=True)
                times[name].append(ours(first, root / name, media)[0])
        base = statistics.median(times["plain ffmpeg"])
        for name, seconds in times.items():
            ratios = [mine / theirs for mine, theirs in zip(seconds, times["plain ffmpeg"], strict=True)]
            print(f"{name:12s} {statistics.median(seconds):6.2f} s   {statistics.median(ratios):.2f} of plain ffmpeg")
        for name, media in recipes.items():
            seconds, counts = ours(videos, root / name, media)
            print(f"{name:12s} again with 3 new videos: {seconds:.2f} s, {counts}")
        print(f"({arguments.videos} videos of 10 s, 640x360, to 256; {base / arguments.videos:.2f} s a video)")


if __name__ == "__main__":
    main()
