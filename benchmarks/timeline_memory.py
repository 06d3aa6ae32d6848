"""Memory of `kinema predict --timeline` on a video of an hour against one of two minutes.

    python benchmarks/timeline_memory.py [--minutes 60] [--size 320x240]

Renders a video of half a minute (10 frames a second), and joins copies of it without encoding anew. The network is a
small one with random weights, 4 frames at 64 px, so that decoding takes most of the time. Prints the highest resident
memory of each process.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import cv2
import numpy as np
from predicting import export

from kinema.experiment.data_sections import Clip

FPS, PART_SECONDS, SHORT_MINUTES = 10, 30, 2
MIB = 2**20  # bytes
WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def render(path: Path, *, width: int, height: int) -> None:
    """Noise that drifts, which needs bytes as a real video does."""
    rng = np.random.default_rng(0)
    scene = cv2.resize(rng.integers(0, 256, (60, 90, 3), np.uint8), (3 * width, 3 * height))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(FPS * PART_SECONDS):
            frame = scene[number : number + height, number : number + width].copy()
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def joined(part_path: Path, path: Path, *, minutes: float) -> Path:
    """Copies of the packets of a video, one after the other."""
    with av.open(str(path), "w") as out:
        written, until = None, 0
        for _ in range(round(60 * minutes / PART_SECONDS)):
            with av.open(str(part_path)) as part:
                video = part.streams.video[0]
                written = written or out.add_stream_from_template(video)
                for packet in part.demux(video):
                    if packet.size:
                        packet.pts, packet.dts = packet.pts + until, packet.dts + until
                        packet.stream = written
                        out.mux(packet)
                until += round(PART_SECONDS / video.time_base)
    return path


def peak(video: Path, model_path: Path) -> tuple[float, float]:
    """Seconds, and highest resident memory in bytes, of a process that writes the timeline of a video."""
    options = ["--model", str(model_path), "--timeline", "--output", str(video.with_suffix(".csv"))]
    command = [sys.executable, "-m", "kinema.cli", "predict", str(video), *options]
    started_at = time.perf_counter()
    # from a small process, since one that is begun counts the memory of the one that begins it
    told = subprocess.run([sys.executable, "-c", WATCH, *command], check=True, stdout=subprocess.PIPE).stdout
    return time.perf_counter() - started_at, 1024 * int(told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--size", default="320x240", help="width and height of the video (%(default)s)")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = Clip(length=4, stride=2, size=64)
        model_path = export(folder, name="efficientnet_lite0_baseline", clip=clip, fps=FPS)
        render(folder / "part.mp4", width=width, height=height)
        found = {}
        for minutes in (SHORT_MINUTES, arguments.minutes):
            video = joined(folder / "part.mp4", folder / f"{minutes:g}.mp4", minutes=minutes)
            seconds, found[minutes] = peak(video, model_path)
            print(
                f"{minutes:g} minutes of {arguments.size}: {found[minutes] / MIB:.0f} MiB, {seconds:.0f} s", flush=True
            )
    print(f"ratio {found[arguments.minutes] / found[SHORT_MINUTES]:.2f}")


if __name__ == "__main__":
    main()
