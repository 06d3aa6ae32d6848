"""Seconds and peak memory of every stage that sees all videos at once, on a made-up Kinetics-size list.

    python benchmarks/scale.py [--rows 250000 650000] [--folder DIR]

Each stage is a process of its own, start-up and imports included; opening is timed inside, as a loader worker sees it.
The videos are files of 1.5 MB that take no space, the shard tables hold 250 made-up frames a video; `--folder` (about
3 GB for 650,000 rows, default: a temporary one) is kept and used again. Snakemake judges a copy of this project there,
with `--touch` in the place of 512 extraction jobs.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from kinema.annotations.convert import convert
from kinema.clips.index import build_index
from kinema.clips.report import write_report
from kinema.clips.table import ClipIndex
from kinema.experiment.data_sections import Annotations, Clip, Media
from kinema.media.layout import arrow_table
from kinema.media.listing import known_tokens, listing_digest
from kinema.media.plan import manifest_path, plan_shards, shard_name
from kinema.media.reader import Shard
from kinema.media.recipe import recipe_of
from kinema.media.shard import SHARD_SCHEMA

REPOSITORY = Path(__file__).resolve().parents[1]
CODE = ("Snakefile", "workflow", "kinema", "config", "envs", "profiles")
NUM_SHARDS, NUM_LABELS, NUM_FRAMES = 512, 400, 250
VIDEO_BYTES = 1_500_000
KINETICS, TABLE, VIDEOS = Path("data/scale/kinetics.csv"), Path("data/scale/table.csv"), Path("data/scale/videos")
RESULTS = Path("results/scale")
PLAN = Path(f"prepared/scale/{recipe_of(Media())}/plan.json")
SHARDS = [PLAN.parent / "shards" / f"{shard_name(shard)}.parquet" for shard in range(NUM_SHARDS)]
TARGET = str(RESULTS / "clips.parquet")


def prepare() -> None:
    """The project in this folder, named after its number of rows: code, lists and (empty) videos."""
    for name in CODE:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, name, dirs_exist_ok=True)
        else:
            shutil.copy2(REPOSITORY / name, name)
    annotations = {"format": "kinetics", "path": str(KINETICS)}
    dataset = {"annotations": annotations, "videos": str(VIDEOS), "num_shards": NUM_SHARDS}
    Path("config/datasets/scale.yaml").write_text(yaml.safe_dump(dataset))
    number = pd.Series(range(int(Path.cwd().name)))
    rows = pd.DataFrame(
        {
            "label": "label of class " + (number // 20 % NUM_LABELS).astype("str").str.zfill(3),
            "youtube_id": "y" + (number * 2654435761 % 10**10).astype("str").str.zfill(10),
            "time_start": number % 300,
            "time_end": number % 300 + 10,
            "split": np.select([number % 20 < 17, number % 20 < 18], ["train", "val"], "test"),
        }
    )
    start, end = (rows[name].astype("str").str.zfill(6) for name in ("time_start", "time_end"))
    videos = rows["youtube_id"] + "_" + start + "_" + end
    KINETICS.parent.mkdir(parents=True, exist_ok=True)
    rows.to_csv(KINETICS, index=False)
    pd.DataFrame({"video": videos, "label": rows["label"], "subset": rows["split"]}).to_csv(TABLE, index=False)
    for label, names in videos.groupby(rows["label"]):
        folder = VIDEOS / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        for name in set(names + ".mp4") - {path.name for path in folder.iterdir()}:
            (folder / name).touch()
            os.truncate(folder / name, VIDEO_BYTES)


def first_listing() -> None:
    """Tokens of all videos, of which none is known."""
    known_tokens(VIDEOS).unlink(missing_ok=True)
    listing_digest(VIDEOS, known=known_tokens(VIDEOS))


def write_shards() -> None:
    """Tables as extraction would write them, one video in 50 missing and one in 50 failed."""
    rng = np.random.default_rng(0)
    SHARDS[0].parent.mkdir(exist_ok=True)
    for path in SHARDS:
        lines = manifest_path(PLAN, path.stem).read_text().splitlines()
        rows = pd.DataFrame([json.loads(line) for line in lines], columns=["id", "path"])
        table = shard_table(rows, rng)
        pq.write_table(table, path, compression="zstd")
        with pa.ipc.new_file(arrow_table(path), table.schema) as file:
            file.write_table(table)


def shard_table(rows: pd.DataFrame, rng: np.random.Generator) -> pa.Table:
    status = rng.choice(["ok", "missing", "failed"], len(rows), p=[0.96, 0.02, 0.02])
    ok = status == "ok"
    offsets = np.cumsum(rng.integers(5_000, 20_000, (len(rows), NUM_FRAMES + 1)), axis=1)
    bounds = np.arange(0, offsets.size + 1, NUM_FRAMES + 1, dtype="int32")
    values = {
        "id": rows["id"],
        "status": status,
        "reason": np.where(status == "failed", "decode error", None),
        "detail": np.where(status == "failed", "after frame 0: partial file", None),
        "path": rows["path"],
        "duplicates": pa.array([[]] * len(rows), pa.list_(pa.string())),
        "content": rows["id"],
        "frames_digest": np.where(ok, rows["id"], None),
        "num_frames": np.where(ok, NUM_FRAMES, None),
        "height": np.where(ok, 256, None),
        "fps": np.where(ok, 25.0, None),
        "stored": np.where(ok, "some.tar", None),
        "duration_seconds": np.where(ok, 10.0, None),
        "is_even": np.where(ok, True, None),
        "truncated": np.where(ok, False, None),
        "num_bytes": np.where(ok, offsets[:, -1] - offsets[:, 0], None),
        "frame_offsets": pa.ListArray.from_arrays(pa.array(bounds), pa.array(offsets.ravel())),
    }
    nothing = pa.nulls(len(rows))
    columns = [pa.array(values.get(field.name, nothing), field.type) for field in SHARD_SCHEMA]
    return pa.table(columns, schema=SHARD_SCHEMA.with_metadata({"media": Media().model_dump_json()}))


def open_index(clip: Clip) -> float:
    """Seconds from nothing to the place of the first evaluation clip."""

    def opened() -> None:
        index = ClipIndex.load(Path(TARGET), subset="testing", clip=clip)
        assert index.video(0)
        assert index.start[0] >= 0

    return median_seconds(opened)


def open_shard() -> float:
    """Seconds from nothing to the offsets of a video's frames, each time of another shard."""
    index = ClipIndex.load(Path(TARGET), subset="testing", clip=Clip())
    rows = iter(range(0, len(index), len(index) // 10))

    def opened() -> None:
        row = next(rows)
        assert len(Shard(index.shard(row)).find(index.video(row)).offsets) == NUM_FRAMES + 1

    return median_seconds(opened)


def median_seconds(function: Callable[[], None], *, repeats: int = 5) -> float:
    seconds = []
    for _ in range(repeats):
        started_at = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started_at)
    return statistics.median(seconds)


def annotations(form: str, path: Path) -> Annotations:
    return Annotations.model_validate({"format": form, "path": str(path)})


def snakemake(*arguments: str, expected: str = "") -> None:
    """Run snakemake here; it must say what is expected."""
    command = [sys.executable, "-m", "snakemake", "--cores", "1", TARGET, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or expected not in done.stdout:
        raise SystemExit(done.stdout[-3000:])


INPUTS = {"annotation_path": RESULTS / "annotation.json", "table_paths": SHARDS}
REPORT = {"out": RESULTS / "dataset_report.json", "page_path": RESULTS / "dataset_report.md"}
STAGES: dict[str, Callable[[], float | None]] = {
    "(prepare)": prepare,
    "(imports alone)": lambda: None,
    "annotation, table": lambda: convert([TABLE], settings=annotations("table", TABLE), out=RESULTS / "table.json"),
    "annotation, kinetics": lambda: convert(
        [KINETICS], settings=annotations("kinetics", KINETICS), out=INPUTS["annotation_path"]
    ),
    "first listing of the videos": first_listing,
    "further listings": lambda: listing_digest(VIDEOS, known=known_tokens(VIDEOS)) and None,
    "snakemake -n, nothing made yet": lambda: snakemake("-n", expected="This was a dry-run"),
    "plan": lambda: plan_shards(
        [INPUTS["annotation_path"]],
        video_folder=VIDEOS,
        num_shards=NUM_SHARDS,
        out=PLAN,
        known_path=known_tokens(VIDEOS),
    ),
    "(write shard tables)": write_shards,
    "report": lambda: write_report(dataset="scale", **INPUTS, **REPORT),
    "index": lambda: build_index(
        **INPUTS, clip=Clip(), max_failed_fraction=0.1, report_path=REPORT["page_path"], out=Path(TARGET)
    ),
    "(snakemake --touch)": lambda: snakemake("--touch"),
    "snakemake -n, all up to date": lambda: snakemake("-n", expected="Nothing to be done"),
    "open index": lambda: open_index(Clip()),
    "open index, other clips": lambda: open_index(Clip(num_test_clips=5)),
    "open shard": open_shard,
}


def measure(stage: str, project: Path) -> None:
    """Run a stage in a process and print what it took."""
    command = [sys.executable, __file__, "--stage", stage, "--folder", str(project)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    started_at = time.perf_counter()
    with (project / "stage.log").open("w+") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started_at
        output.seek(0)
        lines = output.read().splitlines()
    if status:
        raise SystemExit(f"{stage} failed:\n" + "\n".join(lines[-20:]))
    inside = json.loads(lines[-1]) if stage.startswith("open") else None
    shown = f"{1000 * inside:.1f} ms" if inside is not None else f"{seconds:.1f} s"
    processor = usage.ru_utime + usage.ru_stime
    print(f"| {stage} | {shown} | {processor:.1f} s | {usage.ru_maxrss / 1024:,.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 650_000])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--stage", choices=list(STAGES), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        os.chdir(arguments.folder)
        print(json.dumps(STAGES[arguments.stage]()))
        return
    with tempfile.TemporaryDirectory() as temporary:
        for num_rows in arguments.rows:
            project = (arguments.folder or Path(temporary)).resolve() / str(num_rows)
            project.mkdir(parents=True, exist_ok=True)
            print(f"\n{num_rows:,} rows\n\n| stage | time | processor time | peak MiB |\n|---|---|---|---|")
            for stage in STAGES:
                measure(stage, project)


if __name__ == "__main__":
    main()
