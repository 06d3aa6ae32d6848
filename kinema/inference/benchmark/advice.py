"""Measurements -> which file to use on this machine."""

from collections.abc import Iterator, Sequence

from kinema.inference.benchmark.contestants import INT8, PYTORCH
from kinema.records.benchmark import Advice, Measurement

WORTH = 1.1  # times as fast, in nine of ten rounds, before another file than model.xml is worth its trouble


def advice(measurements: Sequence[Measurement]) -> Iterator[Advice]:
    """For clips, and for live pictures where there are streams."""
    single = [one for one in measurements if one.batch == 1 and one.is_default and one.runtime != PYTORCH]
    clips = [one for one in single if not one.is_stream]
    if len(clips) > 1:
        yield _for_clips(clips)
    streams = [one for one in single if one.is_stream]
    if streams:
        yield _for_streams(streams)


def _for_clips(clips: Sequence[Measurement]) -> Advice:
    usual = clips[0]
    best = max(clips, key=lambda one: one.speed.median / usual.speed.median)
    chosen = best if best.speed.low / usual.speed.median >= WORTH and best.file != usual.file else usual
    text = f"{chosen.file} ({in_words(chosen)}) takes {1000 * chosen.seconds.median:.3g} ms a clip"
    if chosen is not usual:
        return Advice(file=chosen.file, text=f"{text}: {_times(chosen, usual)} as fast as {usual.file}")
    others = [one for one in clips if one.file != usual.file]
    told = [f"{one.file} ({in_words(one)}) is {_times(one, usual)} as fast" for one in others]
    return Advice(file=chosen.file, text=": ".join([text, *([", ".join(told)] if told else [])]))


def _for_streams(streams: Sequence[Measurement]) -> Advice:
    usual = streams[0]
    best = max(streams, key=lambda one: one.speed.median)
    chosen = best if best.speed.low >= WORTH * usual.speed.median else usual
    text = f"{chosen.file} ({in_words(chosen)}) takes {1000 * chosen.seconds.median:.3g} ms a new frame"
    return Advice(file=chosen.file, text=f"{text}, {chosen.speed.median:.3g} times the answers of whole clips")


def _times(one: Measurement, other: Measurement) -> str:
    return f"{one.speed.median / other.speed.median:.2f} times"


def in_words(one: Measurement) -> str:
    """What it is computed in, and by what where that is not OpenVINO."""
    return one.precision if one.precision == INT8 or one.runtime == "OpenVINO" else f"{one.runtime}, {one.precision}"
