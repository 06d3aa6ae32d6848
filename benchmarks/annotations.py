"""Lists of Kinetics size -> annotation.json: seconds of read, check and write, beside a plain loop over csv.DictReader.

    python benchmarks/annotations.py [--labels ../shared/annotations/kinetics/kinetics-400_val.csv]

`--labels` is a Kinetics list whose labels are used; the rows are made up.
"""

import argparse
import csv
import json
import random
import resource
import string
import tempfile
import time
from pathlib import Path

from kinema.annotations.convert import convert
from kinema.experiment.data_sections import Annotations

KINETICS_400_TRAINING = 246_534
KINETICS_700 = 650_000
HEADERS = {
    "kinetics": ["label", "youtube_id", "time_start", "time_end", "split"],
    "table": ["video", "label", "subset", "group", "start", "end"],
}


def write_list(path: Path, kind: str, labels: list[str], num_rows: int) -> None:
    draw = random.Random(1)
    characters = string.ascii_letters + string.digits + "-_"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS[kind])
        for number in range(num_rows):
            name, start = "".join(draw.choices(characters, k=11)), draw.randrange(600)
            label = labels[number * len(labels) // num_rows]
            if kind == "kinetics":
                writer.writerow([label, name, start, start + 10, "train"])
            else:
                writer.writerow([f"{name}.mp4", label, "train", name[:3], start, start + 10.5])


def plain_loop(path: Path, out: Path) -> None:
    """What one would write first for a Kinetics list; it checks nothing."""
    database, labels = {}, {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            labels.setdefault(row["label"])
            name = f"{row['youtube_id']}_{int(row['time_start']):06d}_{int(row['time_end']):06d}"
            database[name] = {"subset": "training", "annotations": {"label": row["label"]}}
    with out.open("w") as file:
        json.dump({"labels": list(labels), "database": database}, file)


def seconds(function, *arguments, **options) -> float:
    started_at = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - started_at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, default=Path("../shared/annotations/kinetics/kinetics-400_val.csv"))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with arguments.labels.open(newline="") as file:
        labels = list(dict.fromkeys(row["label"] for row in csv.DictReader(file)))
    with tempfile.TemporaryDirectory() as folder:
        path, out, plain_out = (Path(folder) / name for name in ("list.csv", "annotation.json", "plain.json"))
        for kind, num_rows in (("kinetics", KINETICS_400_TRAINING), ("table", KINETICS_700)):
            write_list(path, kind, labels, num_rows)
            settings = Annotations(format=kind, path=str(path))
            ours, plain = [], []
            for _ in range(arguments.rounds):
                ours.append(seconds(convert, [path], settings=settings, out=out))
                plain += [seconds(plain_loop, path, plain_out)] if kind == "kinetics" else []
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            beside = f", {min(ours) / min(plain):.2f} of a plain loop's {min(plain):.2f} s" if plain else ""
            print(f"{kind}, {num_rows} rows: {min(ours):.2f} s{beside}; peak memory so far {peak:.2f} GiB", flush=True)
            assert not plain or json.loads(out.read_text()) == json.loads(plain_out.read_text())


if __name__ == "__main__":
    main()
