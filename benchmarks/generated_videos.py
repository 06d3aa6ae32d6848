"""A data set of generated videos for benchmarks: textured pictures in motion, at the bit rate that video sites use."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import cv2
import numpy as np

from kinema.clips.index import build_index
from kinema.clips.table import ClipIndex
from kinema.experiment.data_sections import Clip, Media
from kinema.media.plan import manifest_path, plan_shards
from kinema.media.shard import write_shard
from kinema.media.storages.facts import STORAGE_FACTS

FPS, WIDTH, HEIGHT = 30, 640, 360
ENCODER = {"preset": "medium", "b": "700k", "threads": "1"}
WORKERS = 2


def make_videos(folder: Path, count: int, *, seconds: int = 10) -> list[Path]:
    """`count` h264 files of 640 x 360 pixels and 30 frames a second."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"video_{number:03d}.mp4" for number in range(count)]
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda number: render(paths[number], seed=number, seconds=seconds), range(count)))
    return paths


def render(path: Path, *, seed: int, seconds: int) -> None:
    """A camera that pans over a textured picture, with a disc that moves against it."""
    rng = np.random.default_rng(seed)
    coarse, fine = rng.integers(0, 256, (30, 45, 3), dtype=np.uint8), rng.normal(0, 9, (600, 900, 3))
    scene = cv2.resize(coarse, (900, 600), interpolation=cv2.INTER_CUBIC) + cv2.GaussianBlur(fine, (3, 3), 0) * 2
    scene = np.clip(scene, 0, 255).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for angle in np.linspace(0, 2 * np.pi, seconds * FPS):
            left, top = int(130 + 129 * np.cos(angle)), int(120 + 119 * np.sin(angle))
            frame = scene[top : top + HEIGHT, left : left + WIDTH].copy()
            cv2.circle(frame, (320 - left, 60 + top), 50, (250, 240, 30), -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))


def extract(videos: list[Path], out: Path, media: Media) -> dict[str, int]:
    """Plan and write one shard of training videos; returns what was done."""
    database = {video.stem: {"subset": "training", "annotations": {"label": "any"}} for video in videos}
    out.mkdir(parents=True, exist_ok=True)
    annotation = out / "annotation.json"
    annotation.write_text(json.dumps({"labels": ["any"], "database": database}))
    with_labels = STORAGE_FACTS[media.storage].has_label_folders
    plan_shards(
        [annotation], video_folder=videos[0].parent, num_shards=1, with_labels=with_labels, out=out / "plan.json"
    )
    manifest, table = manifest_path(out / "plan.json", "0000"), out / "shards" / "0000.parquet"
    return write_shard(manifest, table_path=table, media=media, ffmpeg=None, workers=WORKERS)


def extracted_index(videos: list[Path], out: Path, media: Media, *, clip: Clip) -> ClipIndex:
    """The clip index of training videos that are extracted first."""
    extract(videos, out, media)
    build_index(
        annotation_path=out / "annotation.json",
        table_paths=[out / "shards" / "0000.parquet"],
        clip=clip,
        max_failed_fraction=0,
        report_path=out / "dataset_report.md",
        out=out / "clips.parquet",
    )
    return ClipIndex.load(out / "clips.parquet", subset="training", clip=clip)
