"""Failures of one video are failures of that video alone: unknown codecs, parts outside a file, what nobody foresaw."""

import errno
import pkgutil
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media_corpus import MEDIA, encode_noise, make_video

from kinema.experiment.data_sections import Media
from kinema.media.decode import Decoder

UNKNOWN = {
    "ZZZZ": ("tag.avi", "mpeg4", b"FMP4"),
    "zzz1": ("tag.mp4", "libx264", b"avc1"),
    "V_MPEG9/ISO/AVC": ("tag.mkv", "libx264", b"V_MPEG4/ISO/AVC"),
    "WMX2": ("tag.wmv", "wmv2", b"WMV2"),
}


@pytest.mark.parametrize("tag", UNKNOWN)
def test_an_unknown_codec_fails_its_file_alone(corpus, tmp_path, tag):
    name, codec, known = UNKNOWN[tag]
    data = encode_noise(tmp_path / name, codec, frames=3).read_bytes()
    for video in "ac":
        make_video(corpus.videos / f"{video}.mp4")
    (corpus.videos / "b.mp4").write_bytes(data.replace(known, tag.encode()))
    assert corpus.write("abc") == {"kept": 0, "decoded": 2, "failed": 1, "missing": 0}
    row = corpus.rows()["b"]
    assert (row["status"], row["reason"], row["detail"]) == ("failed", "unknown codec", tag)
    assert corpus.write("abc") == {"kept": 3, "decoded": 0, "failed": 0, "missing": 0}


def test_a_codec_that_only_ffmpeg_does_not_know(corpus):
    """As where it was built without a decoder."""
    make_video(corpus.videos / "a.mp4")
    ffmpeg = corpus.root / "ffmpeg"
    ffmpeg.write_text(
        '#!/bin/bash\n[ "$1" = -version ] && exec echo ffmpeg version 9\n'
        'echo "[vist#0:0/h264 @ 0x1] Decoding requested, but no decoder found for: h264" >&2; exit 1\n'
    )
    ffmpeg.chmod(0o755)
    assert corpus.write("a", ffmpeg=ffmpeg)["failed"] == 1
    row = corpus.rows()["a"]
    assert (row["reason"], row["detail"]) == ("unknown codec", "this ffmpeg has no decoder for h264")


# every call on the way of a video, by storage and modality, where it is looked up
DECODE = ["content_hash", "probe_within_limits", "Segment.of", "Outcome", "Outcome.check"]
JPEGS = ["source.jpeg_stream", "written.jpeg_size", "written.FramesDigest.add"]
FLOW = ["source.grey_stream", "source.flow_pictures"]
MP4 = ["video.video_command", "video.running", "video.probe", "video.FramesDigest.add_part"]
ON_THE_WAY = [
    *[("packed", "rgb", f"decode.{name}") for name in DECODE],
    *[(storage, "rgb", f"storages.{name}") for storage in ("packed", "frames") for name in JPEGS],
    *[("video", "rgb", f"storages.{name}") for name in MP4],
    *[("packed", "flow", f"storages.{name}") for name in [*FLOW, "source.encode_jpeg"]],
    *[("video", "flow", f"storages.{name}") for name in [*FLOW, "video.flow_video_command", "video.running"]],
]


@pytest.fixture
def throws(monkeypatch):
    """A function that has another one, given by its name, throw an error when it is called on behalf of video b."""
    current = threading.local()
    decode_one = Decoder._decode
    monkeypatch.setattr("kinema.media.shard.PAUSE_SECONDS", 0)

    def remembered(self, row, *args):
        current.id = row["id"]
        return decode_one(self, row, *args)

    def prepare(name, error):
        original = pkgutil.resolve_name(name)

        def thrower(*args, **options):
            if current.id == "b":
                raise error
            return original(*args, **options)

        monkeypatch.setattr(name, thrower)

    monkeypatch.setattr(Decoder, "_decode", remembered)
    return prepare


def failed(corpus, media=MEDIA) -> tuple[str, str]:
    """Why b failed, the others being there; it is tried again as long as that may help."""
    others = [f"{name}.mp4" for name in "ac"]
    for seed, name in enumerate([*others, "b.mp4"]):
        make_video(corpus.videos / name, seed=seed)
    assert corpus.write("abc", media) == {"kept": 0, "decoded": 2, "failed": 1, "missing": 0}
    row = corpus.rows()["b"]
    assert (row["status"], row["num_frames"], row["stored"]) == ("failed", None, None)
    assert row["detail"].endswith("the next run tries again")
    return row["reason"], row["detail"]


@pytest.mark.slow
@pytest.mark.parametrize(("storage", "modality", "name"), ON_THE_WAY)
def test_whatever_a_video_brings_about_ends_no_shard(corpus, throws, storage, modality, name):
    throws(f"kinema.media.{name}", AttributeError("of a library"))
    reason, detail = failed(corpus, Media(storage=storage, modality=modality, short_side=32))
    assert (reason, detail.partition(";")[0]) == ("unexpected error", "AttributeError: of a library")


@pytest.mark.parametrize(
    "name", ["packets.open_container", "probe._describe", "ffmpeg.jpeg_command", "ffmpeg.split_jpegs"]
)
@pytest.mark.parametrize("error", [RuntimeError("odd"), AssertionError(), TypeError("None")], ids=repr)
def test_whatever_its_steps_bring_about_ends_no_shard(corpus, throws, name, error):
    throws(f"kinema.media.{name}", error)
    reason, detail = failed(corpus)
    assert (reason, detail.partition(";")[0]) == ("unexpected error", f"{type(error).__name__}: {error}".rstrip(": "))


@pytest.mark.parametrize("name", ["content_hash", "probe_within_limits", "Outcome"])
def test_a_source_that_cannot_be_read_fails_alone(corpus, throws, name):
    throws(f"kinema.media.decode.{name}", OSError(errno.EIO, "Input/output error"))
    assert failed(corpus) == ("unreadable", "Input/output error; the next run tries again")


@pytest.mark.parametrize("name", ["decode.content_hash", "storages.source.jpeg_stream", "storages.written.jpeg_size"])
def test_too_little_memory_fails_one_video(corpus, throws, name):
    throws(f"kinema.media.{name}", MemoryError())
    assert failed(corpus)[0] == "out of memory"


@pytest.mark.parametrize("name", ["source.jpeg_stream", "written.FramesDigest.add"])
def test_frames_that_cannot_be_written_end_the_shard(corpus, throws, name):
    """No other video could be written either."""
    throws(f"kinema.media.storages.{name}", OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match=r"cannot write shard 0000 .*Input/output error"):
        failed(corpus)


@pytest.fixture
def long(corpus):
    """A video of 4 seconds."""
    encode_noise(corpus.videos / "v.mp4", "libx264", frames=100, preset="ultrafast")
    return corpus


@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
@pytest.mark.parametrize(
    ("unit", "start", "detail"),
    [
        ("seconds", 150, "the part begins at 150 s, the file ends at 4.00 s"),
        ("seconds", 4, "the part begins at 4 s, the file ends at 4.00 s"),
        ("frames", 100, "the part begins at frame 100, the file has 100"),
        ("frames", 3000, "the part begins at frame 3000, the file has 100"),
    ],
)
def test_a_part_after_the_end_says_where_the_file_ends(long, storage, unit, start, detail):
    part = {"video": "v", "start": start, "end": start + 50, "unit": unit}
    long.write({"part": part}, Media(storage=storage, short_side=32))
    row = long.rows()["part"]
    assert (row["status"], row["reason"], row["detail"]) == ("failed", "after the end of the file", detail)


def test_a_part_before_the_first_picture_says_when_that_is(corpus):
    late_picture(corpus.videos / "v.mp4")
    corpus.write({"part": {"video": "v", "start": 0.5, "end": 1.5, "unit": "seconds"}})
    row = corpus.rows()["part"]
    assert (row["status"], row["reason"]) == ("failed", "before the first picture")
    assert row["detail"] == "the part ends at 1.5 s, the first picture is at 2.00 s"


@pytest.mark.parametrize(
    ("unit", "start", "end", "frames", "detail"),
    [
        ("seconds", 3, 6, 25, "the file ends at 4.00 s, the part at 6 s"),
        ("seconds", 3, 4.02, 25, None),  # a rounded end
        ("seconds", 3, None, 25, None),
        ("frames", 80, 200, 20, "the file ends after 20 of the 120 frames"),
        ("frames", 80, 100, 20, None),
    ],
)
def test_a_part_that_ends_after_the_file_is_what_there_is_and_says_so(long, unit, start, end, frames, detail):
    long.write({"part": {"video": "v", "start": start, "end": end, "unit": unit}})
    row = long.rows()["part"]
    assert (row["status"], row["num_frames"], row["truncated"]) == ("ok", frames, False)
    assert row["detail"] == detail


def test_a_part_that_lies_between_two_pictures_has_too_few(long):
    long.write({"part": {"video": "v", "start": 1.001, "end": 1.002, "unit": "seconds"}})
    assert (long.rows()["part"]["reason"], long.rows()["part"]["detail"]) == ("too few frames", "0 of 1")


def test_a_part_of_a_cut_file_behind_the_cut_says_that_it_is_damaged(corpus, tmp_path):
    data = encode_noise(tmp_path / "v.mkv", "libx264", frames=100, preset="ultrafast").read_bytes()
    (corpus.videos / "v.mp4").write_bytes(data[: len(data) // 2])
    corpus.write({"part": {"video": "v", "start": 3, "end": 4, "unit": "seconds"}})
    row = corpus.rows()["part"]
    assert (row["status"], row["reason"]) == ("failed", "decode error")
    assert row["detail"].startswith("after frame 0: ")


def late_picture(path: Path) -> None:
    """Sound from the beginning, pictures from 2 seconds on."""
    with av.open(str(path), "w", format="mp4") as file:
        video, audio = file.add_stream("libx264", rate=25), file.add_stream("aac", rate=8000)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for number in range(75):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 320), np.float32), format="fltp", layout="mono")
            silence.sample_rate, silence.pts = 8000, 320 * number
            file.mux(audio.encode(silence))
            if number >= 50:
                picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number, np.uint8), format="rgb24")
                picture.pts, picture.time_base = number, Fraction(1, 25)
                file.mux(video.encode(picture))
        file.mux(video.encode(None))
        file.mux(audio.encode(None))
