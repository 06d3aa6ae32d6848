"""How long `kinema predict` takes to start: `--help`, and all of a first prediction but decoding and inference.

    python benchmarks/startup.py [--rounds 7]

Processes of their own, in turn: a bare Python, `--help`, and a prediction of one video and of five, with random
weights (efficientnet_lite0_vtn, 16 frames at 224 px). What four videos more take is decoding, preprocessing and
inference; what a process for one video takes less a quarter of that is its start: imports, reading and compiling the
network. Medians over the rounds. Processor time is told beside, as a busy machine changes it less. `python -X
importtime -m kinema.cli predict ...` says which imports take how long.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from generated_videos import make_videos
from predicting import export, timed

MORE = 4  # videos


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = ["--model", str(export(Path(folder)))]
        one, *more = (str(path) for path in make_videos(Path(folder) / "videos", 1 + MORE, seconds=2))
        predict = [sys.executable, "-m", "kinema.cli", "predict"]
        commands = {
            "bare Python": [sys.executable, "-c", "pass"],
            "kinema predict --help": [*predict, "--help"],
            "one video": [*predict, one, *model],
            f"{1 + MORE} videos": [*predict, one, *more, *model],
        }
        rounds = [[timed(command) for command in commands.values()] for _ in range(arguments.rounds + 1)][1:]
    for number, name in enumerate(commands):
        report(name, [each[number] for each in rounds])
    first, last = (number for number, name in enumerate(commands) if "video" in name)
    starts = [
        tuple(start - (all_ - start) / MORE for start, all_ in zip(each[first], each[last], strict=True))
        for each in rounds
    ]
    report("first prediction, beside decoding and inference", starts)


def report(name: str, seconds: list[tuple[float, ...]]) -> None:
    wall, used = (statistics.median(column) for column in zip(*seconds, strict=True))
    print(f"{name:48s} {wall:6.3f} s, {used:6.3f} s of processor time")


if __name__ == "__main__":
    main()
