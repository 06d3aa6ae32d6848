"""What a sample of the videos says of an extraction, against the extraction itself.

    python benchmarks/estimate.py [FOLDER ...] [--storage packed] [--sample 40] [--samples 5]

The videos below each FOLDER, else 60 generated ones of 2 to 40 seconds, are stored once; then samples are drawn with
several seeds. Prints, for each folder, the real numbers, and of frames, bytes and seconds of one core the estimates as
parts of them, in how many of the samples the range held the truth, and how long a sample took.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from generated_videos import WORKERS, render

from kinema.experiment.data_sections import Media
from kinema.media import estimate as estimation
from kinema.media.estimate import Estimate, estimate_extraction
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.listing import scan_videos
from kinema.media.plan import manifest_path, plan_shards
from kinema.media.storages.table import storage_of
from kinema.media.trial import Taken, Trial

Row = dict[str, object]


def make_unlike(folder: Path, count: int = 60) -> None:
    """Generated videos, most of them short."""
    folder.mkdir()
    for number, seconds in enumerate(np.random.default_rng(0).lognormal(1.6, 0.8, count).clip(2, 40)):
        render(folder / f"video_{number:03d}.mp4", seed=number, seconds=int(seconds))


def manifest_of(folder: Path, out: Path) -> list[Row]:
    """Manifest rows of all videos below a folder."""
    names = {Path(name).with_suffix("").name for name in scan_videos(folder)[0]}
    database = {name: {"subset": "training", "annotations": {"label": "any"}} for name in names}
    out.mkdir(parents=True, exist_ok=True)
    (out / "annotation.json").write_text(json.dumps({"labels": ["any"], "database": database}))
    plan_shards([out / "annotation.json"], video_folder=folder, num_shards=1, with_labels=True, out=out / "plan.json")
    lines = manifest_path(out / "plan.json", "0000").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["path"]]


def store_all(rows: list[Row], media: Media, out: Path) -> Taken:
    """Store every video whole; all that this took."""
    trial = Trial(storage=storage_of(media), ffmpeg=find_ffmpeg(), spill=out, part_seconds=float("inf"))
    started_at = time.perf_counter()
    taken = list(estimation.tried(rows, trial, WORKERS, seconds=float("inf")).values())
    seconds = WORKERS * (time.perf_counter() - started_at)
    return Taken(sum(one.frames for one in taken), sum(one.num_bytes for one in taken), seconds)


def report(name: str, rows: list[Row], real: Taken, found: list[Estimate], seconds: list[float]) -> None:
    """Print a block of lines."""
    print(f"{name}: {len(rows)} videos, {real.frames:.0f} frames, {real.num_bytes / 1e6:.0f} MB, {real.seconds:.0f} s")
    held = sum(one.low <= real.num_bytes <= one.high for one in found)
    for what in ("frames", "num_bytes", "seconds"):
        ratios = sorted(getattr(one, what) / getattr(real, what) for one in found)
        print(f"  {what}: {ratios[len(ratios) // 2]:.2f} of the real ones ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"  the range held the truth in {held} of {len(found)}; a sample took {np.median(seconds):.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--storage", default="packed", choices=["packed", "frames", "video"])
    parser.add_argument("--sample", type=int, default=estimation.SAMPLE, help="videos of a sample")
    parser.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    media = Media(storage=options.storage)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        if not options.folders:
            make_unlike(root / "generated")
        for number, folder in enumerate(options.folders or [root / "generated"]):
            out = root / str(number)
            rows = manifest_of(folder, out)
            real, found, seconds = store_all(rows, media, out), [], []
            for seed in range(options.samples):
                started_at = time.perf_counter()
                estimate = estimate_extraction(
                    rows, media=media, ffmpeg=None, workers=WORKERS, folder=out, sample=options.sample, seed=seed
                )
                assert estimate, "the machine is too slow"
                found.append(estimate)
                seconds.append(time.perf_counter() - started_at)
            report(folder.name, rows, real, found, seconds)


if __name__ == "__main__":
    main()
