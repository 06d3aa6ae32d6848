"""`kinema predict`: what it takes, and how it goes through the videos. What is heavy is imported when it is needed."""

import argparse
import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinema.inference.option_checks import check_least, check_seconds, check_threshold

if TYPE_CHECKING:
    from kinema.inference.model import Model

DESCRIPTION = """
Say what videos show, by a trained model. With --timeline: what they show from when to when.

Exit status: 0 if all videos were answered, 1 if some could not be, 2 if none could be or the command is wrong.
"""
LIVE_SECONDS = 10.0
TIMEOUT_SECONDS = 10.0


def add_predict(commands: Any) -> None:
    """Add the sub-command to those of an argument parser."""
    predict = commands.add_parser("predict", help="say what videos show, by a trained model", description=DESCRIPTION)
    predict.formatter_class = argparse.RawDescriptionHelpFormatter
    predict.add_argument(
        "sources",
        nargs="+",
        metavar="PATH",
        help="a video, a folder with videos or of numbered pictures, a quoted pattern as 'clips/**/*.mp4', the number "
        "of a webcam, or an address: rtsp://, rtmp://, http://, https://",
    )
    predict.add_argument(
        "--model", type=Path, required=True, help="a model.xml, a model.onnx, or the folder that has one"
    )
    predict.add_argument("--top", type=int, default=5, help="how many classes of a video (%(default)s)")
    predict.add_argument(
        "--clips", type=int, help="clips of a video that are looked at (as many as the model was calibrated on)"
    )
    predict.add_argument("--each-clip", action="store_true", help="say what each clip shows, not the whole video")
    predict.add_argument(
        "--threshold", type=float, help="say `none` below this confidence, instead of the model's own; 0: never"
    )
    predict.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write it to FILE, by its ending; - writes JSON lines to the standard output",
    )
    predict.add_argument("--format", help="of the output, instead of its ending")
    live = predict.add_argument_group("webcams and addresses")
    live.add_argument("--seconds", type=float, default=LIVE_SECONDS, help="how long they are read (%(default)g)")
    live.add_argument(
        "--timeout", type=float, default=TIMEOUT_SECONDS, help="seconds without an answer before one is given up (10)"
    )
    long = predict.add_argument_group("long videos")
    long.add_argument("--timeline", action="store_true", help="what is seen from when to when")
    long.add_argument("--hop", type=float, help="seconds from one look to the next (1)")
    long.add_argument("--smooth", type=float, help="seconds over which answers are averaged (2)")
    predict.set_defaults(command=run_predict)


def run_predict(arguments: argparse.Namespace) -> int:
    """Go through the videos; ValueError, one line, where the command is wrong."""
    from kinema.inference.output import writer_of
    from kinema.inference.sources import find_sources

    logging.basicConfig(level=logging.WARNING, format="kinema: %(message)s")
    _check(arguments)
    sources = find_sources(arguments.sources)
    writer = writer_of(arguments, num_videos=len(sources))
    from kinema.inference.clips import check_modality
    from kinema.inference.model import load

    model = load(arguments.model)
    if arguments.timeline:
        check_modality(model.description.spec)
        model.scorer()  # what is wrong with an encoder beside it is told now, and not of each video
    num_failed = num_at_pace = 0
    num_top = min(arguments.top, len(model.description.labels))
    with writer(num_top) as write:
        for source in shown(sources):
            rows, is_at_pace = _rows(model, source, arguments)
            num_failed += rows[0]["status"] == "failed"
            num_at_pace += is_at_pace
            write(rows)
    _tell(model, num_at_pace)
    return 0 if not num_failed else 2 if num_failed == len(sources) else 1


def _check(arguments: argparse.Namespace) -> None:
    check_least(arguments, "top", 1)
    check_least(arguments, "clips", 1)
    check_seconds(arguments, ("seconds", "timeout", "hop", "smooth"))
    check_threshold(arguments)
    with_timeline, without = ("hop", "smooth"), ("each_clip", "clips")
    for name in without if arguments.timeline else with_timeline:
        if getattr(arguments, name) not in (None, False):
            text = "is not for --timeline" if arguments.timeline else "is for --timeline only"
            raise ValueError(f"--{name.replace('_', '-')} {text}; leave it out")


def _rows(model: "Model", source: str, arguments: argparse.Namespace) -> tuple[list[dict[str, Any]], bool]:
    """What is said of a video, and whether its frames were taken at another pace than its own."""
    from kinema.inference.rows import failed_row, rows_of, timeline_rows
    from kinema.media.probe import MediaError

    try:
        with _local(source, arguments) as path:
            if arguments.timeline:
                given = {name: getattr(arguments, name) for name in ("hop", "smooth", "threshold")}
                found = model.timeline(path, **{name: value for name, value in given.items() if value is not None})
                return timeline_rows(source, found), found.sampling.taken_at is not None
            prediction = model.predict(path, num_clips=arguments.clips, threshold=arguments.threshold)
            rows = rows_of(source, prediction, top=arguments.top, each_clip=arguments.each_clip)
            return rows, prediction.sampling.taken_at is not None
    except (ValueError, OSError, MediaError) as error:
        reason = str(error).removeprefix(f"{source}: ")
        print(f"kinema: {source}: {reason}", file=sys.stderr)
        return [failed_row(source, reason)], False


@contextlib.contextmanager
def _local(source: str, arguments: argparse.Namespace) -> Iterator[str | Path]:
    """A file with the video of a source."""
    from kinema.inference.sources import is_live

    if not is_live(source):
        yield source
        return
    from kinema.inference.live import recorded

    with recorded(source, seconds=arguments.seconds, timeout_seconds=arguments.timeout) as path:
        yield path


def shown(sources: list[str]) -> Iterator[str]:
    """The sources, with a bar of progress on a terminal; one alone needs none."""
    if len(sources) < 2 or not sys.stderr.isatty():
        yield from sources
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(sources, description="videos", console=Console(stderr=True), transient=True)


def _tell(model: "Model", num_at_pace: int) -> None:
    rates = model.description.frame_rates
    if num_at_pace and rates:
        videos = "1 video" if num_at_pace == 1 else f"{num_at_pace} videos"
        print(
            f"kinema: frames of {videos} were taken by their times, at {rates.median:.4g} a second, at which the model "
            "was trained",
            file=sys.stderr,
        )
