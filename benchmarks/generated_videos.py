"""Videos for benchmarks: moving, textured pictures at the bit rate that video sites give this size."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kinema.media.ffmpeg import find_ffmpeg


def make_videos(folder: Path, count: int, *, seconds: int = 10, size: str = "640x360") -> list[Path]:
    """`count` h264 files, 30 fps, 700 kbit/s, each a different part of a Mandelbrot zoom with film grain."""
    folder.mkdir(parents=True, exist_ok=True)

    def make(number: int) -> Path:
        path = folder / f"video_{number:03d}.mp4"
        picture = f"mandelbrot=size={size}:rate=30:start_scale={0.6 + 0.1 * number}:end_scale=0.01:maxiter=300"
        options = ["-t", str(seconds), "-vf", f"noise=alls=6:allf=t:all_seed={number}", "-pix_fmt", "yuv420p"]
        encoder = ["-c:v", "libx264", "-preset", "medium", "-b:v", "700k", "-threads", "1", path]
        source = ["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", picture]
        subprocess.run([find_ffmpeg(), *source, *options, *encoder], check=True)
        return path

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(make, range(count)))
