"""The pictures of a video as ffmpeg gives them: their shape, number, colours and limits."""

import re
import subprocess

import av
import numpy as np
import pytest
import torch
from media_corpus import MEDIA, make_video
from torchvision.io import decode_jpeg

from kinema.experiment.data_sections import Media
from kinema.media import commands
from kinema.media.ffmpeg import find_ffmpeg, jpeg_stream
from kinema.media.probe import MediaError, probe


def test_a_turned_video_comes_out_upright(corpus):
    lying = make_video(corpus.root / "lying.mp4", size=(96, 48))
    command = [find_ffmpeg(), "-loglevel", "error", "-display_rotation", "90", "-i", lying, "-c", "copy"]
    subprocess.run([*command, corpus.videos / "turned.mp4"], check=True)
    corpus.write(["turned"])
    row = corpus.rows()["turned"]
    assert (row["height"], row["width"]) == (64, 32)


def test_shapes_keep_their_aspect_ratio_with_even_sides(corpus):
    make_video(corpus.videos / "tall.mp4", size=(48, 96))
    make_video(corpus.videos / "odd.mp4", size=(98, 50))
    corpus.write(["tall", "odd"])
    rows = corpus.rows()
    assert (rows["tall"]["height"], rows["tall"]["width"]) == (64, 32)
    assert (rows["odd"]["height"], rows["odd"]["width"]) == (32, 62)
    corpus.write(["tall"], MEDIA.model_copy(update={"short_side": None}))
    assert corpus.frames(corpus.rows()["tall"])[0].shape == (3, 96, 48)


def test_uneven_time_stamps_double_no_frame_unless_a_rate_is_asked_for(corpus):
    times = [0, 2, 4, 40, 42, 100]
    make_video(corpus.videos / "a.mkv", times=times)
    corpus.write("a")
    assert corpus.rows()["a"]["num_frames"] == len(times)
    corpus.write("a", MEDIA.model_copy(update={"fps": 10.0}))
    row = corpus.rows()["a"]
    assert row["fps"] == 10.0
    assert row["num_frames"] == pytest.approx(20, abs=2)


@pytest.mark.parametrize("name", ["-i", "%03d", "a:b", "it's $x;[1]", "😀 %d"])
def test_any_file_name_can_be_decoded(tmp_path, name):
    video = make_video(tmp_path / f"{name}.mp4", frames=3)
    assert len(list(jpeg_stream(video, media=MEDIA, ffmpeg=find_ffmpeg()))) == 3
    assert probe(video).width == 64


def test_colours_keep_their_range(tmp_path):
    """Black and white of the video's limited range become 0 and 255."""
    video = tmp_path / "a.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        planes = np.full((96, 64), 128, np.uint8)
        planes[:32], planes[32:64] = 16, 235
        container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")))
        container.mux(stream.encode(None))
    (jpeg,) = jpeg_stream(video, media=Media(short_side=None, jpeg_quality=2), ffmpeg=find_ffmpeg())
    picture = decode_jpeg(torch.frombuffer(bytearray(jpeg), dtype=torch.uint8)).float()
    assert picture[:, :24].mean() < 3
    assert picture[:, 40:].mean() > 252


def test_leaving_the_stream_early_ends_ffmpeg(tmp_path):
    video = make_video(tmp_path / "a.mp4", frames=500)
    stream = jpeg_stream(video, media=MEDIA, ffmpeg=find_ffmpeg())
    next(stream)
    process = stream.gi_frame.f_locals["process"]
    stream.close()
    assert process.returncode is not None


@pytest.mark.parametrize(("binary", "message"), [("/no/such/ffmpeg", "does not run"), ("/bin/echo", "is not ffmpeg")])
def test_a_configured_ffmpeg_must_work(binary, message):
    with pytest.raises(ValueError, match=rf"config key `ffmpeg`: '{binary}' {message}"):
        find_ffmpeg(binary)


def test_probe_names_the_trouble(tmp_path):
    with pytest.raises(MediaError, match=r"^missing$"):
        probe(tmp_path / "gone.mp4")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "encoder"),
    [("a.mp4", ["libx264"]), ("a.mkv", ["png"]), ("a.avi", ["mjpeg"]), ("a.mov", ["png"]), ("a.mpg", ["mpeg2video"])],
    ids=str,
)
@pytest.mark.parametrize("short_side", [32, None])
def test_pictures_that_take_too_much_memory_are_not_decoded(corpus, name, encoder, short_side):
    source = ["-f", "lavfi", "-i", "testsrc=size=320x240:rate=25:duration=0.2", "-c:v", *encoder]
    subprocess.run([find_ffmpeg(), "-loglevel", "error", *source, corpus.videos / name], check=True)
    strict = MEDIA.model_copy(update={"max_megapixels": 0.05, "short_side": short_side})
    corpus.write("a", strict)
    row = corpus.rows()["a"]
    assert (row["status"], row["reason"]) == ("failed", "too large")
    assert row["detail"] == "pictures of 320 x 240 pixels, more than media.max_megapixels = 0.05"
    assert corpus.write("a", strict.model_copy(update={"max_megapixels": 0.08}))["decoded"] == 1


@pytest.mark.parametrize(
    ("size", "changes", "detail"),
    [
        ((4, 2000), {"short_side": 256}, "4 x 2000 pixels become frames of 256 x 128000, no side of which .* 65500"),
        ((400, 4), {"short_side": 256, "storage": "video"}, "frames of 25600 x 256, no side of which .* 16384"),
        (
            (64, 48),
            {"max_megapixels": 0.005, "short_side": 64},
            "frames of 86 x 64, more than media.max_megapixels = 0.005",
        ),
    ],
    ids=str,
)
def test_frames_that_would_be_too_large_are_not_made(corpus, size, changes, detail):
    make_video(corpus.videos / "a.mp4", size=size)
    corpus.write("a", MEDIA.model_copy(update=changes))
    row = corpus.rows()["a"]
    assert (row["status"], row["reason"]) == ("failed", "too large")
    assert re.search(detail, row["detail"])


@pytest.mark.parametrize(
    ("version", "is_old"),
    [
        ("ffmpeg version 4.2.2-static https://example.org", True),
        ("ffmpeg version 5.0", True),
        ("ffmpeg version n5.1.6", False),
        ("ffmpeg version 9.0.2-essentials", False),
        ("ffmpeg version N-118193-g5f38c82536", False),
    ],
)
def test_old_releases_are_asked_for_what_they_can(tmp_path, monkeypatch, version, is_old):
    """Their option has another name, and what they write with restart markers cannot be read."""
    monkeypatch.setattr(commands, "ffmpeg_version", lambda binary: version)
    words = commands.jpeg_command(tmp_path / "a.mp4", media=MEDIA, ffmpeg="ffmpeg")
    assert words[words.index("-slices") + 1] == ("0" if is_old else "2")
    assert ("-vsync" in words, "-fps_mode" in words) == (is_old, not is_old)
