"""Frames of 20 videos: our shard job against plain parallel ffmpeg processes that write JPEG files.

    python benchmarks/extraction.py [--rounds 3] [--videos 20] [--flow]

All run in turn in one call, on the same files, two at a time; prints the median of each and the median ratio, of wall
time and of processor time, which other programs on the machine disturb less; and, of three videos, how similar (SSIM)
plain and our frames are to the scaled source, and how many bytes they take. Then 3 videos are added: how many a second
run decodes, and what it costs. TMPDIR on a file system in memory leaves out what writing many small files costs.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from generated_videos import FPS, WORKERS, extract, make_videos

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import find_ffmpeg


def plain(videos: list[Path], out: Path) -> None:
    """One `ffmpeg ... image_%05d.jpg` a video, two at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda video: one_plain(video, out / video.stem), videos))


def one_plain(video: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    options = ["-i", video, "-vf", "scale=-2:256", "-q:v", "4", folder / "image_%05d.jpg"]
    subprocess.run([find_ffmpeg(), "-nostdin", "-loglevel", "error", *options], check=True)


def similarity(video: Path, folder: Path) -> float:
    """SSIM of frames to the source, scaled without JPEG coding: of luminance and colours, as ffmpeg weighs them."""
    graph = "[0]scale=-2:256:out_range=full:out_color_matrix=bt601,format=yuvj420p[a];[1]format=yuvj420p[b];[a][b]ssim"
    inputs = ["-i", video, "-framerate", str(FPS), "-i", folder / "image_%05d.jpg"]
    command = [find_ffmpeg(), "-nostdin", *inputs, "-lavfi", graph, "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return float(re.findall(r"All:([0-9.]+)", told)[-1])


def compare_quality(videos: list[Path], plain_frames: Path, ours: Path) -> None:
    """Print SSIM of both, and our bytes as a fraction of theirs."""
    folders = [[root / video.stem for video in videos] for root in (plain_frames, ours)]
    ssim = [statistics.mean(map(similarity, videos, those)) for those in folders]
    size = [sum(file.stat().st_size for folder in those for file in folder.iterdir()) for those in folders]
    print(f"SSIM: plain {ssim[0]:.4f}, ours {ssim[1]:.4f}; bytes {size[1] / size[0]:.3f} of plain")


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
            shutil.rmtree(root / "plain", ignore_errors=True)
            spent = {"plain ffmpeg": cost(lambda: plain(first, root / "plain"))}
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
        compare_quality(first[:3], root / "plain", root / "frames" / "frames" / "any")
        for name, media in recipes.items():
            started_at = time.perf_counter()
            counts = extract(videos, root / name, media)
            print(f"{name:12s} again with 3 new videos: {time.perf_counter() - started_at:.2f} s, {counts}")


if __name__ == "__main__":
    main()
