"""Rates that headers claim: what nobody can believe leads to no unreadable frames, and to no senseless rate."""

import logging
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from media_corpus import make_video

from kinema.experiment.data_sections import Media
from kinema.media.probe import probe

NUM_FRAMES = 20


def make_avi(path, scale: int, rate: int):
    """Frame N is of the grey value 20 + 10 N. The header claims `rate / scale` frames a second."""
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"qscale": "2", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(NUM_FRAMES):
            picture = np.full((48, 64, 3), 20 + 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    header = content.index(b"strh") + 8
    content[header + 20 : header + 28] = struct.pack("<II", scale, rate)
    path.write_bytes(content)


def numbers(corpus, row) -> list[int]:
    """Which frames of the source the stored ones are."""
    return [round((float(frame.float().mean()) - 20) / 10) for frame in corpus.frames(row)]


RATES = {  # scale and rate of the header -> frames a second that are right
    (1, 200_000): 25.0,
    (1, 1_000_000): 25.0,
    (1, 4_294_967_295): 25.0,
    (1, 90_000): 25.0,
    (1, 45_001): 25.0,
    (1, 10_001): 25.0,
    (1, 10_000): 10_000.0,
    (1, 1000): 1000.0,
    (1, 240): 240.0,
    (1001, 30_000): 30_000 / 1001,
    (3, 100): 100 / 3,
    (3, 1): 1 / 3,
    (1000, 1): 1 / 1000,
    (7200, 1): 1 / 7200,
    (100_000, 1): 25.0,
    (4_294_967_295, 1): 25.0,
    (0, 25): 25.0,
    (1, 0): 25.0,
    (0, 0): 25.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("header", RATES, ids=lambda header: f"{header[1]} in {header[0]} s")
@pytest.mark.parametrize("modality", ["rgb", "flow"])
def test_every_frame_is_found_by_its_number_whatever_rate_is_claimed(corpus, header, modality):
    make_avi(corpus.videos / "a.avi", *header)
    corpus.write("a", Media(storage="video", modality=modality, short_side=None))
    row = corpus.rows()["a"]
    assert (row["status"], row["truncated"]) == ("ok", False)
    assert row["fps"] == pytest.approx(RATES[header])
    if modality == "rgb":
        assert numbers(corpus, row) == list(range(NUM_FRAMES))
    else:
        assert len(corpus.frames(row)) == NUM_FRAMES - 1


@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
@pytest.mark.parametrize(("header", "claim"), [((1, 200_000), "200000"), ((100_000, 1), "1e-05")], ids=["fast", "slow"])
def test_a_rate_that_is_not_believed_is_said_and_the_stamps_are_not_believed_either(
    corpus, storage, header, claim, caplog
):
    caplog.set_level(logging.WARNING)
    make_avi(corpus.videos / "a.avi", *header)
    corpus.write("a", Media(storage=storage, short_side=None))
    assert f"a.avi: its header claims {claim} frames a second, which is not believed; taken as 25" in caplog.text
    row = corpus.rows()["a"]
    assert (row["num_frames"], row["fps"], row["duration_seconds"]) == (NUM_FRAMES, 25.0, NUM_FRAMES / 25)
    corpus.write("a", Media(storage=storage, short_side=None, fps=5))
    assert corpus.rows()["a"]["num_frames"] == NUM_FRAMES / 5
    corpus.write({"a": {"start": 0.2, "end": 0.6, "unit": "seconds"}}, Media(storage=storage, short_side=None))
    assert numbers(corpus, corpus.rows()["a"]) == list(range(5, 15))


def test_a_rate_that_is_believed_leaves_the_stamps_alone(corpus, caplog):
    make_avi(corpus.videos / "a.avi", 1, 1000)
    corpus.write("a", Media(storage="video", short_side=None, fps=100))
    assert corpus.rows()["a"]["num_frames"] < NUM_FRAMES / 2  # a fiftieth of a second, not almost one
    assert "believed" not in caplog.text


@pytest.mark.parametrize("nanoseconds", [1, 5000, 4_000_000_000])
def test_stamps_may_be_right_where_the_rate_in_the_header_is_not(corpus, nanoseconds):
    """Matroska says the duration of a frame beside the stamps of all."""
    path = make_video(corpus.videos / "a.mkv", frames=NUM_FRAMES, times=[0, *range(10, 48, 2)])
    content = bytearray(path.read_bytes())
    at = content.index(b"\x23\xe3\x83\x84") + 4
    content[at : at + 4] = struct.pack(">I", nanoseconds)
    path.write_bytes(content)
    corpus.write("a", Media(storage="video", short_side=None))
    row = corpus.rows()["a"]
    assert row["fps"] == (0.25 if nanoseconds > 1e9 else 25.0)
    assert len(corpus.frames(row)) == NUM_FRAMES
    corpus.write({"a": {"start": 0.1, "end": 0.31, "unit": "seconds"}}, Media(short_side=None))
    assert corpus.rows()["a"]["num_frames"] == 3  # at 0.2, 0.24, 0.28 s


@pytest.mark.parametrize(("extension", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("mov", "mjpeg")])
def test_stamps_a_tick_apart_are_no_rate(corpus, extension, codec):
    """What comes of numbering frames in the clock of the container, 1 / 90000 s or less."""
    path = corpus.videos / f"a.{extension}"
    with av.open(str(path), "w", options={"video_track_timescale": "90000"}) as container:
        stream = container.add_stream(codec, rate=25, options={"bf": "0"})
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        for number in range(NUM_FRAMES):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 + 10 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base, frame.duration = number, Fraction(1, 90_000), 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    about = probe(path)
    assert about.fps is None or about.fps < 10_000
    corpus.write("a", Media(storage="video", short_side=None))
    row = corpus.rows()["a"]
    assert row["fps"] == (about.fps or 25.0)
    assert numbers(corpus, row) == list(range(NUM_FRAMES))
