"""How the small corpus of these tests is indexed, and corpora that are only tables."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq

from kinema.annotations.convert import convert
from kinema.clips.index import NO_FLIP, build_index
from kinema.demo.dataset import render_demo
from kinema.experiment.config import Demo
from kinema.experiment.data_sections import Annotations, Clip, Media
from kinema.media.plan import manifest_path, plan_shards, shard_of
from kinema.media.recipe import frames_json
from kinema.media.shard import SHARD_SCHEMA, write_shard

CLIP = Clip(length=4, stride=2, size=48, num_val_clips=3)
ALWAYS = ("id", "status", "reason", "detail", "path", "duplicates", "content")  # what a video without frames has
OK = {"status": "ok", "num_frames": 50, "fps": 25.0, "duration_seconds": 2.0, "is_even": True}
OK |= {"truncated": False, "num_bytes": 1000}


def build(root, *, allowed, clip=CLIP, scored=(), augmentation=NO_FLIP, table_paths=None):
    build_index(
        annotation_path=root / "annotation.json",
        table_paths=table_paths or [root / "0000.parquet", root / "0001.parquet"],
        clip=clip,
        max_failed_fraction=allowed,
        report_path=root / "report.md",
        out=root / "clips.parquet",
        scored=scored,
        augmentation=augmentation,
    )


def prepare(root):
    """Videos of the demo in two shards, indexed; one that is listed has no file."""
    settings = Demo(train_videos_per_class=1, val_videos_per_class=1)
    render_demo(table_path=root / "list.csv", video_folder=root / "videos", settings=settings)
    (root / "videos/merge/merge_train_000.mp4").unlink()
    convert([root / "list.csv"], settings=Annotations(path="list.csv"), out=root / "annotation.json")
    plan_shards([root / "annotation.json"], video_folder=root / "videos", num_shards=2, out=root / "plan.json")
    for shard in ("0000", "0001"):
        write_shard(
            manifest_path(root / "plan.json", shard),
            table_path=root / f"{shard}.parquet",
            media=Media(short_side=64),
            ffmpeg=None,
            workers=2,
        )
    build(root, allowed=0.2)


def prepare_both(root, pictures):
    """The corpus of `prepare` in the folder `pictures` with its optical flow in shards of its own, indexed."""
    shutil.copy(pictures / "annotation.json", root)
    tables = [pictures / "0000.parquet", pictures / "0001.parquet", root / "0000.parquet", root / "0001.parquet"]
    for table in tables[2:]:
        manifest, media = manifest_path(pictures / "plan.json", table.stem), Media(short_side=64, modality="flow")
        write_shard(manifest, table_path=table, media=media, ffmpeg=None, workers=2)
    build(root, allowed=0.2, table_paths=tables)


def write_annotation(root, database, *, labels=("walk", "run")):
    (root / "annotation.json").write_text(json.dumps({"labels": list(labels), "database": database}))


def write_corpus(root, database, became, *, labels=("walk", "run"), modality="rgb"):
    """annotation.json and two shard tables; `became` says of a video what differs from a plain `ok` row."""
    write_annotation(root, database, labels=labels)
    shards = [[], []]
    for video in sorted(database):
        own = {"id": video, "duplicates": [], "content": video, "frames_digest": f"frames of {video}"}
        row = own | OK | became.get(video, {})
        if row["status"] != "ok":
            row = {name: row.get(name) for name in ALWAYS}
        shards[shard_of(video, 2)].append(row)
    schema = SHARD_SCHEMA.with_metadata({"media": frames_json(Media(modality=modality))})
    for shard, rows in enumerate(shards):
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), root / f"{shard:04d}.parquet")


def entry(subset, label="walk", **more):
    """An entry of an annotation's database."""
    return {"subset": subset, "annotations": {"label": label} if label else {}, **more}
