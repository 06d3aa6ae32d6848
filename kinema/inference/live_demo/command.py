"""`kinema demo`: what it takes, and what it tells. What is heavy is imported when it is needed."""

import argparse
import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinema.inference.option_checks import check_least, check_seconds, check_threshold

if TYPE_CHECKING:
    from kinema.inference.live_demo.source import Source
    from kinema.inference.live_demo.watch import Watch
    from kinema.inference.prediction import Scored

DESCRIPTION = """
Say what a camera or a video shows while it runs, at one pass of the encoder a frame, and draw it into the picture.
Prints the time, the probability and the class whenever the answer changes. Ctrl-C ends it, and the file is whole.

It is not `make demo`, which trains a model on videos that are made up.
"""
TOP, SMOOTH_SECONDS, TIMEOUT_SECONDS = 3, 1.0, 10.0
INTERRUPTED = 130  # exit status, as of a shell


def add_demo(commands: Any) -> None:
    """Add the sub-command to those of an argument parser."""
    demo = commands.add_parser(
        "demo", help="say live what a camera or a video shows, and draw it into the picture", description=DESCRIPTION
    )
    demo.formatter_class = argparse.RawDescriptionHelpFormatter
    demo.add_argument(
        "source",
        metavar="SOURCE",
        help="a video, a folder of numbered pictures, the number of a webcam, or an address: rtsp://, rtmp://, "
        "http://, https://",
    )
    demo.add_argument(
        "--model", type=Path, required=True, help="the folder `streaming` of a model, or the folder that has it"
    )
    demo.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the annotated video: .mp4, .mov or .mkv")
    demo.add_argument("--show", action="store_true", help="open a window; q, Esc or closing it ends")
    demo.add_argument("--top", type=int, default=TOP, help="how many classes are drawn (%(default)s)")
    demo.add_argument(
        "--threshold", type=float, help="say `none` below this confidence, instead of the model's own; 0: never"
    )
    demo.add_argument(
        "--smooth", type=float, default=SMOOTH_SECONDS, help="seconds over which answers are averaged (%(default)g)"
    )
    demo.add_argument("--seconds", type=float, help="end after so many of the source")
    demo.add_argument(
        "--timeout",
        type=float,
        default=TIMEOUT_SECONDS,
        help="seconds without an answer before a live source is given up (%(default)g)",
    )
    demo.add_argument("--device", default="CPU", help="of OpenVINO: CPU, GPU, NPU, AUTO ... (%(default)s)")
    demo.set_defaults(command=run_demo)


def run_demo(arguments: argparse.Namespace) -> int:
    """Go through the source; ValueError, one line, where the command is wrong."""
    logging.basicConfig(level=logging.WARNING, format="kinema: %(message)s")
    _check(arguments)
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(arguments: argparse.Namespace) -> int:
    from kinema.inference.frame_spec import FrameSpec
    from kinema.inference.live_demo.output import check_output
    from kinema.inference.live_demo.source import open_source
    from kinema.inference.live_demo.stream_model import load_stream
    from kinema.inference.live_demo.window import check_window
    from kinema.inference.sources import find_sources

    find_sources([arguments.source])
    if arguments.output:
        check_output(arguments.output, source=arguments.source)
    if arguments.show:
        check_window()
    model = load_stream(arguments.model, device=arguments.device)
    frames = model.description.frames or FrameSpec()
    with open_source(arguments.source, frames=frames, timeout_seconds=arguments.timeout) as source:
        threshold = model.description.threshold if arguments.threshold is None else arguments.threshold
        return _watched(arguments, source, top=arguments.top, threshold=threshold, model=model)


def _watched(arguments: argparse.Namespace, source: "Source", **options: Any) -> int:
    from kinema.inference.live_demo.output import video_file
    from kinema.inference.live_demo.watch import Watch
    from kinema.inference.live_demo.window import Window
    from kinema.media.probe import MediaError

    stop = threading.Event()
    sinks: list[Any] = []
    with contextlib.ExitStack() as files:
        interrupted = files.enter_context(stopped_by_signals(stop))
        if arguments.output:
            written = video_file(arguments.output, fps=source.fps, time_base=source.time_base, is_live=source.is_live)
            sinks.append(files.enter_context(written))
        if arguments.show:
            window = Window(f"kinema: {source.name}")
            files.callback(window.close)

            def show(seconds: float, frame: Any) -> None:
                window.show(frame)
                if not window.is_open():
                    stop.set()

            sinks.append(show)
        with _told() as tell:
            watch = Watch(source, sinks=sinks, smooth=arguments.smooth, tell=tell, answered=_answered, **options)
            try:
                watch.run(stop, most_seconds=arguments.seconds, is_paced=arguments.show)
            except MediaError as error:
                raise ValueError(f"{source.name}: {error}") from None
        if watch.seen is None and not source.is_live and not stop.is_set():
            spec = options["model"].description.spec
            raise ValueError(
                f"{source.name}: too short: its {watch.meter.num_frames} frames are less than one clip of the model "
                f"({spec.clip_in_words}); `kinema predict` takes short videos"
            )
    _summarize(watch, arguments.output)
    return INTERRUPTED if interrupted.is_set() and not source.is_live else 0


def _check(arguments: argparse.Namespace) -> None:
    check_least(arguments, "top", 1)
    check_seconds(arguments, ("seconds", "timeout", "smooth"))
    check_threshold(arguments)


@contextlib.contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[threading.Event]:
    """Ctrl-C, or a request to end, sets `stop` and what is given; the second Ctrl-C breaks off."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def end(number: int, frame: Any) -> None:
        if interrupted.is_set():
            raise KeyboardInterrupt
        interrupted.set()
        stop.set()

    earlier = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _answered(seconds: float, seen: "Scored") -> None:
    print(f"{seconds:.2f}\t{seen.confidence:.4f}\t{_answer(seen)}", flush=True)


def _answer(seen: "Scored") -> str:
    from kinema.inference.rows import NONE

    return NONE if seen.answer is None else seen.answer


@contextlib.contextmanager
def _told() -> Iterator[Any]:
    """Gives what tells of the state on a terminal."""
    if not sys.stderr.isatty():
        yield lambda watch: None
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    console, shares = Console(stderr=True), sys.stdout.isatty()
    with Live(console=console, refresh_per_second=4, redirect_stdout=shares, transient=True) as live:
        yield lambda watch: live.update(Text(_state(watch)))


def _state(watch: "Watch") -> str:
    meter, seen = watch.meter, watch.seen
    answer = "..." if seen is None else f"{_answer(seen)} {seen.confidence:.2f}"
    rates = f"{meter.fps:.1f} frames/s, lag {meter.lag:.0f} ms, {watch.num_dropped} dropped"
    return f"{watch.seconds:.1f} s: {answer} ({rates})"


def _summarize(watch: "Watch", output: Path | None) -> None:
    meter = watch.meter
    usual, most = meter.lags
    print(
        f"kinema: {meter.num_frames} frames, {meter.mean_fps:.1f} frames/s, {watch.num_passes} passes of the encoder; "
        f"lag {usual:.0f} ms, of 95 % at most {most:.0f} ms; {watch.num_dropped} dropped",
        file=sys.stderr,
    )
    if output and meter.num_frames:
        print(f"kinema: {output} is written", file=sys.stderr)
