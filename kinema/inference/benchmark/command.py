"""`kinema benchmark`: what it takes, and how it goes through the models. What is heavy is imported when needed."""

import argparse
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinema.inference.option_checks import check_seconds

if TYPE_CHECKING:
    from kinema.inference.benchmark.contestants import Named
    from kinema.records.benchmark import Benchmark, WholeWay

DESCRIPTION = """
Measure how fast a model answers on this machine, by each file and library that is there, and say which to use.

All measurements take turns, so that what else the machine does falls on all alike. It should do nothing else.
"""
SECONDS = 20.0
BATCH = 8
MOST_THREADS, MOST_CLIPS = 1024, 1024
STDOUT = "-"


def add_benchmark(commands: Any) -> None:
    """Add the sub-command to those of an argument parser."""
    benchmark = commands.add_parser(
        "benchmark", help="measure how fast a model answers on this machine", description=DESCRIPTION
    )
    benchmark.formatter_class = argparse.RawDescriptionHelpFormatter
    benchmark.add_argument(
        "models",
        nargs="+",
        type=Path,
        metavar="MODEL",
        help="results/DATASET/MODEL: all files in it; or one of them: a model.xml, model.onnx or model.pth",
    )
    benchmark.add_argument(
        "--video", type=Path, metavar="FILE", help="measure the way from this video to its answer as well"
    )
    benchmark.add_argument(
        "-o", "--output", metavar="FILE", help="write it to FILE.json; - writes JSON to the standard output"
    )
    benchmark.add_argument(
        "--batch", type=int, default=BATCH, help="clips at once, beside single ones (%(default)s); 1: only these"
    )
    benchmark.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help="how long at least, and with --video as long again (%(default)g); five rounds are measured in any case",
    )
    benchmark.add_argument("--threads", type=int, help="of each library, instead of as many as it chooses")
    benchmark.set_defaults(command=run_benchmark)


def run_benchmark(arguments: argparse.Namespace) -> int:
    """Measure all models; ValueError, one line, where the command is wrong."""
    _check(arguments)
    from kinema.inference.benchmark.told import show
    from kinema.records.json_file import as_json
    from kinema.records.record import KEY

    logging.basicConfig(level=logging.WARNING, format="kinema: %(message)s")
    found = _measured(arguments)
    if arguments.output == STDOUT:
        print(as_json({KEY: found.VERSION, **vars(found)}), end="")
        return 0
    if arguments.output:
        found.write(Path(arguments.output))
    show(found)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for name, most in (("batch", MOST_CLIPS), ("threads", MOST_THREADS)):
        value = getattr(arguments, name)
        if value is not None and not 1 <= value <= most:
            raise ValueError(f"--{name} {value}: expected a number from 1 to {most}")
    check_seconds(arguments, ("seconds",))
    output = arguments.output
    if output not in (None, STDOUT) and Path(output).suffix.lower() != ".json":
        raise ValueError(f"--output {output}: expected a file that ends in .json, or {STDOUT}")
    if arguments.video and not arguments.video.is_file():
        raise ValueError(f"--video {arguments.video}: no such file; expected a video")


def _measured(arguments: argparse.Namespace) -> "Benchmark":
    from kinema.inference.benchmark.contestants import Options, named_model
    from kinema.inference.benchmark.machine import machine, versions
    from kinema.inference.benchmark.measured import measured_model
    from kinema.inference.benchmark.rounds import in_rounds
    from kinema.records.benchmark import Benchmark

    here = machine(arguments.threads)  # before this program computes itself
    options = Options(batch=arguments.batch, threads=arguments.threads)
    models = [named_model(path, options) for path in dict.fromkeys(arguments.models)]
    # first what may be refused
    videos = _videos(models, arguments) if arguments.video else [[] for _ in models]
    contestants = [one for named in models for one in named.contestants]
    print(f"kinema: {len(contestants)} measurements in turns", file=sys.stderr)
    rounds = in_rounds([one.run for one in contestants], seconds=arguments.seconds)
    parts = rounds.split([len(named.contestants) for named in models])
    return Benchmark(
        measured_at=time.strftime("%Y-%m-%d %H:%M:%S%z"),
        machine=here,
        versions=versions(),
        num_rounds=rounds.num_rounds,
        video=str(arguments.video) if arguments.video else None,
        models=[measured_model(*found) for found in zip(models, parts, videos, strict=True)],
        left_out=[line for named in models for line in named.left_out],
    )


def _videos(models: "list[Named]", arguments: argparse.Namespace) -> "list[list[WholeWay]]":
    """The way from the video to its answer, of each model."""
    from kinema.inference.benchmark.videos import Entrant, measured_videos
    from kinema.inference.model import load

    entrants = [
        [Entrant(name, precision, load(path, threads=arguments.threads)) for name, path, precision in named.for_videos]
        for named in models
    ]
    if not any(entrants):
        raise ValueError(f"--video {arguments.video}: no model.xml is among the models; name one, or leave it out")
    flat = [entrant for of_model in entrants for entrant in of_model]
    found = iter(measured_videos(flat, arguments.video, seconds=arguments.seconds))
    return [[next(found) for _ in of_model] for of_model in entrants]
