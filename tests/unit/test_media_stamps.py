"""Odd time stamps: every decoded frame is stored once, in order, in every storage."""

import subprocess
from fractions import Fraction

import av
import numpy as np
import pytest

from kinema.experiment.data_sections import Media
from kinema.inference.video import Video
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.reader import FrameReader

TICKS = 90000
BITS = 6


def numbered(number, width=192, height=64):
    """A picture that shows its number: bright and dark columns, the lowest bit at the left."""
    image = np.full((height, width, 3), 30, np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            image[:, bit * width // BITS : (bit + 1) * width // BITS] = 220
    return image


def number_of(frame):
    columns = frame[..., 0].reshape(frame.shape[0], BITS, -1).mean((0, 2))
    return sum(int(value > 127) << bit for bit, value in enumerate(columns))


def encode(path, codec="libx264", *, times, container=None, size=(192, 64), **options):
    """A video with a frame at each of `times`, in 1/90000 s."""
    options = {"preset": "ultrafast", "bf": "0"} if codec == "libx264" else options
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=30, options=options)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, TICKS)
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, TICKS)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def restamped(path, out, stamps, container="matroska"):
    """A copy whose packet N has the stamps of an expression."""
    form = ["-c", "copy", "-bsf:v", f"setts={stamps}", "-f", container]
    command = [find_ffmpeg(), "-v", "error", "-i", path, *form, out]
    subprocess.run(command, check=True)
    path.unlink()


def slow_motion(folder):
    steps = [375 if 15 <= number < 35 else 3000 for number in range(50)]
    encode(folder / "a.mov", times=np.cumsum(steps).tolist())
    return list(range(50))


def bursts(folder):
    """A web recording: five frames within five milliseconds, then a pause."""
    times = [(number // 5) * 18000 + number % 5 * 90 for number in range(40)]
    encode(folder / "a.webm", "libvpx", times=times, **{"lag-in-frames": "0", "deadline": "realtime", "b": "1M"})
    return list(range(40))


def one_frame_is_late(folder):
    times = [number * 3000 + 2160 * (number == 20) for number in range(40)]
    encode(folder / "a.mp4", times=times)
    return list(range(40))


def equal_stamps(folder):
    path = encode(folder / "whole.ts", times=range(0, 40 * 3000, 3000), container="mpegts")
    restamped(path, folder / "a.mkv", "pts=floor(N/2)*66:dts=floor(N/2)*66")
    return list(range(40))


def backwards(folder):
    path = encode(folder / "whole.ts", times=range(0, 40 * 3000, 3000), container="mpegts")
    restamped(path, folder / "a.mkv", "pts=if(lt(N\\,20)\\,N+100\\,N):dts=N", "nut")
    return list(range(40))


def joined(folder):
    """Two recordings of one camera: the clock starts again."""
    path = encode(folder / "a.mpg", times=range(0, 25 * 3000, 3000), container="mpegts")
    path.write_bytes(path.read_bytes() * 2)
    return [*range(25), *range(25)]


def joined_of_two_sizes(folder):
    parts = [
        encode(folder / f"{width}.ts", times=range(0, 25 * 3000, 3000), container="mpegts", size=(width, 64))
        for width in (192, 384)
    ]
    (folder / "a.mpg").write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return [*range(25), *range(25)]


KINDS = [slow_motion, bursts, one_frame_is_late, equal_stamps, backwards, joined, joined_of_two_sizes]


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_frame_is_stored_once_and_in_order(corpus, kind, storage):
    numbers = kind(corpus.videos)
    corpus.write("a", Media(short_side=None, storage=storage))
    row = corpus.rows()["a"]
    frames = FrameReader().read(corpus.table, "a", range(row["num_frames"]))
    assert [number_of(frame) for frame in frames] == numbers
    assert (row["status"], row["truncated"], row["height"], row["width"]) == ("ok", False, 64, 192)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_flow_is_that_between_all_neighbours(corpus, kind):
    numbers = kind(corpus.videos)
    corpus.write("a", Media(short_side=None, modality="flow"))
    row = corpus.rows()["a"]
    assert (row["status"], row["num_frames"], row["truncated"]) == ("ok", len(numbers) - 1, False)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_times_are_those_that_a_client_sees(corpus, kind):
    kind(corpus.videos)
    corpus.write("a", Media(short_side=None))
    row, (path,) = corpus.rows()["a"], corpus.videos.iterdir()
    times = Video(path).times
    assert row["num_frames"] == len(times)
    if row["is_even"] is False:
        assert row["frame_times"] == pytest.approx(times, abs=3e-6)
    elif kind is joined_of_two_sizes:
        assert row["is_even"] is None, "what was noted before the change of size is lost"
    else:
        assert np.arange(len(times)) / row["fps"] == pytest.approx(times, abs=0.003)
        assert kind is joined


@pytest.mark.parametrize("rate", [5.0, 15.0, 60.0])
def test_a_rate_is_kept_across_a_restart_of_the_clock(corpus, rate):
    """Two recordings of 25 frames at 30 a second."""
    joined(corpus.videos)
    corpus.write("a", Media(short_side=None, fps=rate))
    row = corpus.rows()["a"]
    frames = [number_of(frame) for frame in FrameReader().read(corpus.table, "a", range(row["num_frames"]))]
    assert row["num_frames"] == pytest.approx(50 * rate / 30, abs=1.5)
    restart = next(place for place in range(1, len(frames)) if frames[place] < frames[place - 1])
    assert restart == pytest.approx(len(frames) / 2, abs=1)
    assert frames[:restart] == sorted(frames[:restart])
    assert frames[restart:] == sorted(frames[restart:])
    assert max(frames[0], frames[restart]) <= 30 / rate
