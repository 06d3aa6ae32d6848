"""A made-up corpus through the workflow: videos of a few frames to a clip index, and again with new ones.

    python benchmarks/scale_workflow.py [--videos 250000 650000] [--shards 512] [--new 0 3 1000] [--folder DIR] [-- ...]

Every video is decoded, as a hard link to one of its class and subset: what one costs beside its decoding. What follows
`--` goes to snakemake in the place of `--cores 2`, such as `-- --workflow-profile DIR` of a cluster. `--folder` (by
default a temporary one) keeps the corpus and what was measured, in measured.jsonl: a run that ended goes on, a step
that is there is not measured again, and one that was stopped (Ctrl-C, SIGTERM) is the sum of its parts. A corpus may
grow: `--videos 250000 --new 0 3 1000 398997 0 3 1000` ends with 650,000 and some, each decoded once.
`benchmarks/scale.py` measures single stages, without videos.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import av
import numpy as np
import pandas as pd
import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
CODE = ("Snakefile", "workflow", "kinema", "config", "envs", "profiles")
NUM_LABELS, NUM_FRAMES, WIDTH, HEIGHT = 400, 4, 64, 48
SUBSETS = ("training", "validation", "testing")
TABLE, VIDEOS, SOURCES = Path("data/scale/table.csv"), Path("data/scale/videos"), Path("data/scale/sources")
TARGET = "results/scale/clips.parquet"
MADE = ("prepared", "results", "work", "logs", ".snakemake")
SUBMITTED = re.compile(r"submitted with SLURM jobid|kubectl describe job|^Submitted ", re.MULTILINE)
JOB = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):", re.MULTILINE)


@dataclass
class Measured:
    """What one call of snakemake took: seconds, MiB of its largest process, and jobs by rule."""

    step: str
    is_whole: bool
    wall: float
    processor: float
    peak: float
    jobs: dict[str, int] = field(default_factory=dict)
    submissions: int = 0

    def __add__(self, other: "Measured") -> "Measured":
        return Measured(
            self.step,
            other.is_whole,
            self.wall + other.wall,
            self.processor + other.processor,
            max(self.peak, other.peak),
            dict(Counter(self.jobs) + Counter(other.jobs)),
            self.submissions + other.submissions,
        )

    def __str__(self) -> str:
        times = f"{self.wall:,.1f} s | {self.processor:,.1f} s | {self.peak:,.0f}"
        named = ", ".join(f"{number} {rule}" for rule, number in self.jobs.items())
        return f"| {self.step} | {times} | {sum(self.jobs.values())}: {named} | {self.submissions} |"


def prepare(num_shards: int) -> None:
    """The code of the project and the configuration of the data set, here."""
    for name in CODE:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, name, dirs_exist_ok=True)
        else:
            shutil.copy2(REPOSITORY / name, name)
    dataset = {
        "annotations": {"format": "table", "path": str(TABLE)},
        "videos": str(VIDEOS),
        "num_shards": num_shards,
        "look_alikes_limit": 0,
        "media": {"short_side": HEIGHT},
        "clip": {"length": NUM_FRAMES, "stride": 1},
    }
    Path("config/datasets/scale.yaml").write_text(yaml.safe_dump(dataset))


def list_videos(count: int) -> None:
    """The table of the first `count` videos, and a file of each."""
    number = pd.Series(range(count))
    rows = pd.DataFrame(
        {
            "video": "v" + number.astype("str").str.zfill(7),
            "label": "class" + (number // 20 % NUM_LABELS).astype("str").str.zfill(3),
            "subset": np.select([number % 20 < 17, number % 20 < 18], SUBSETS[:2], SUBSETS[2]),
        }
    )
    for (label, subset), names in rows.groupby(["label", "subset"])["video"]:
        source, folder = render(str(label), str(subset)), VIDEOS / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        for name in set(names + ".mp4") - {path.name for path in folder.iterdir()}:
            os.link(source, folder / name)
    rows.to_csv(TABLE, index=False)


def render(label: str, subset: str) -> Path:
    """A video of a few frames, of other content than that of every other class and subset, so that none is a leak."""
    path = SOURCES / f"{label}_{subset}.mp4"
    if path.exists():
        return path
    SOURCES.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([int(label.removeprefix("class")), SUBSETS.index(subset)])
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for picture in random.integers(0, 256, (NUM_FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return unfinished.rename(path)


def snakemake(step: str, *options: str) -> Measured:
    """Run snakemake here, its words in snakemake.log; one that is stopped ends well and is measured all the same."""
    command = [sys.executable, "-m", "snakemake", TARGET, *options]
    started_at, is_stopped = time.perf_counter(), False
    with Path("snakemake.log").open("w+") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except KeyboardInterrupt:
            is_stopped = True
            os.killpg(child.pid, signal.SIGINT)  # as a terminal does
            _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started_at
        output.seek(0)
        text = output.read()
    if status and not is_stopped:
        raise SystemExit(f"{step}: snakemake failed\n{text[-3000:]}")
    jobs, sent = {} if "-n" in options else dict(Counter(JOB.findall(text))), len(SUBMITTED.findall(text))
    processor = usage.ru_utime + usage.ru_stime
    return Measured(step, not is_stopped, seconds, processor, usage.ru_maxrss / 1024, jobs, sent)


def measure(step: str, *options: str) -> None:
    """Measure a step that measured.jsonl does not have whole, and print its row."""
    record = Path("measured.jsonl")
    lines = record.read_text().splitlines() if record.exists() else []
    parts = [part for part in (Measured(**json.loads(line)) for line in lines) if part.step == step]
    if not (parts and parts[-1].is_whole):
        parts.append(snakemake(step, *options))
        with record.open("a") as file:
            file.write(json.dumps(asdict(parts[-1])) + "\n")
    whole = parts[0]
    for part in parts[1:]:
        whole += part
    print(whole, flush=True)
    if not whole.is_whole:
        raise SystemExit("stopped; run the same command again, which goes on from there")


def files() -> Iterator[str]:
    """How many files lie in each folder that the workflow makes, and how large they are."""
    for name in MADE:
        found = [path for path in Path(name).rglob("*") if path.is_file()]
        yield f"{name}: {len(found):,} files, {sum(path.stat().st_size for path in found) / 2**20:,.1f} MiB"


def measure_corpus(num_videos: int, num_shards: int, new: list[int], options: list[str]) -> None:
    """All steps of a corpus, in the working directory."""
    if not Path(TARGET).exists():
        prepare(num_shards)
        list_videos(num_videos)
    measure("`snakemake -n`, nothing made yet", "-n", *options)
    measure("annotations to index", *options)
    print("\n".join(files()), flush=True)
    listed = num_videos
    for count in new:
        listed += count
        if len(TABLE.read_text().splitlines()) <= listed:
            list_videos(listed)
        measure(f"{count:,} new videos, {listed:,} in all", *options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, nargs="+", default=[250_000, 650_000])
    parser.add_argument("--shards", type=int, default=512)
    parser.add_argument("--new", type=int, nargs="+", default=[0, 3, 1000], help="one run each, one after the other")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("options", nargs="*", default=["--cores", "2"], help="of snakemake")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):  # in the background a shell has the latter ignored, by snakemake too
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as temporary:
        for num_videos in arguments.videos:
            project = (arguments.folder or Path(temporary)).resolve() / str(num_videos)
            project.mkdir(parents=True, exist_ok=True)
            os.chdir(project)
            print(f"\n{num_videos:,} videos, {arguments.shards} shards\n")
            print("| step | wall | processor | peak MiB | jobs | submissions |\n|---|---|---|---|---|---|", flush=True)
            measure_corpus(num_videos, arguments.shards, arguments.new, arguments.options)


if __name__ == "__main__":
    main()
