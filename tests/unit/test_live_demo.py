"""`kinema demo`: what is drawn, printed and written of files, and what is told of wrong ones."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import av
import cv2
import numpy as np
import openvino as ov
import pytest
from PIL import Image
from stream_models import DESCRIPTION, SPEC, stream_model
from test_timeline import make_grey, scene_video

from kinema.cli import main
from kinema.inference import load
from kinema.inference.live_demo import command, window
from kinema.inference.live_demo.pace import Pace
from kinema.inference.live_demo.recognizer import NUM_REQUESTS, Look, Recognizer
from kinema.inference.live_demo.source import open_source
from kinema.inference.live_demo.stream_model import StreamModel, load_stream
from kinema.inference.live_demo.watch import Smoothed
from kinema.inference.predictors.openvino import compiled_network
from kinema.inference.video import Video

SUMMARY = (
    r"kinema: (\d+) frames, [\d.]+ frames/s, (\d+) passes of the encoder; "
    r"lag \d+ ms, of 95 % at most \d+ ms; (\d+) dropped"
)


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """Runs the command in the working directory, where `streaming` is; returns the exit status."""
    monkeypatch.chdir(tmp_path)
    stream_model(tmp_path / "streaming")
    return lambda *words: main(["demo", *map(str, words), "--model", "streaming"])


def pictures(path):
    with av.open(str(path)) as container:
        return [(frame.time, frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def facts(path):
    """Frames, their times, the rate, the duration and the codec."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [round(frame.time, 4) for frame in container.decode(stream)]
        duration = (stream.duration * stream.time_base) if stream.duration else container.duration / av.time_base
        return len(times), times, stream.average_rate, round(float(duration), 3), stream.codec_context.name


def summary(text):
    """Frames, passes and dropped ones of the last lines."""
    return tuple(map(int, re.search(SUMMARY, text).groups()))


# Files


def test_the_answers_of_a_video_are_printed_when_they_change(demo, tmp_path, capsys):
    scene_video(tmp_path / "a.mp4", (20, 230))
    assert demo("a.mp4", "--smooth", 0.2) == 0
    printed = capsys.readouterr()
    rows = [line.split("\t") for line in printed.out.splitlines()]
    assert [row[2] for row in rows] in (["dark", "bright"], ["dark", "middle", "bright"])
    # the first label is there with the fourth frame that is looked at, and a clip of 0.32 s is half bright after 0.16
    assert float(rows[0][0]) == pytest.approx(0.24)
    assert float(rows[-1][0]) == pytest.approx(2.2, abs=0.15)
    assert summary(printed.err) == (100, 50, 0), "every second frame is encoded, once"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "streaming"]


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_the_annotated_video_has_the_frames_and_times_of_the_source(demo, tmp_path, capsys, ending):
    times = [0, 2, 4, 6, 7, 10, 11, 20, 22, 24, 26]
    make_grey(tmp_path / "a.mp4", [128] * len(times), times)
    assert demo("a.mp4", "-o", f"new/out.{ending}") == 0
    found, expected = facts(tmp_path / f"new/out.{ending}"), facts(tmp_path / "a.mp4")
    assert found[:2] == expected[:2]
    assert found[3] == pytest.approx(expected[3], abs=0.021)
    assert found[4] == "h264"
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"out.{ending}"]
    assert f"kinema: new/out.{ending} is written" in capsys.readouterr().err


def test_an_even_rate_stays(demo, tmp_path):
    scene_video(tmp_path / "a.mp4", (20,), frames=30)
    demo("a.mp4", "-o", "out.mp4")
    assert facts(tmp_path / "out.mp4") == facts(tmp_path / "a.mp4")


def test_labels_are_drawn_and_the_rest_of_the_picture_stays(demo, tmp_path):
    size = (320, 240)
    rng = np.random.default_rng(0)
    still = cv2.resize(rng.integers(100, 140, (6, 8, 3), dtype=np.uint8), size, interpolation=cv2.INTER_CUBIC)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for _ in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(still, format="bgr24")))
        container.mux(stream.encode(None))
    assert demo("a.mp4", "-o", "out.mp4") == 0
    (_, first), *_, (_, last) = pictures(tmp_path / "out.mp4")
    (_, plain), *_ = pictures(tmp_path / "a.mp4")
    below, right = slice(100, None), slice(170, None)
    for rows, columns in ((below, slice(None)), (slice(None), right)):
        assert np.abs(last[rows, columns].astype(float) - plain[rows, columns]).mean() < 4
    assert np.abs(last[8:80, 8:120].astype(float) - plain[8:80, 8:120]).mean() > 30, "the panel"
    assert np.abs(last[:100].astype(float) - first[:100]).max() > 100, "at first it waits for a clip"


def test_a_portrait_is_drawn_upright(demo, tmp_path):
    make_grey(tmp_path / "a.mp4", [128] * 12, [2 * number for number in range(12)])
    with av.open(str(tmp_path / "a.mp4")) as old, av.open(str(tmp_path / "turned.mp4"), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a rotation")
        stream.set_display_rotation(90)
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    assert demo("turned.mp4", "-o", "out.mp4") == 0
    assert pictures(tmp_path / "out.mp4")[0][1].shape == (48, 32, 3)


def test_below_the_threshold_the_answer_is_none(demo, tmp_path, capsys):
    scene_video(tmp_path / "a.mp4", (128,), frames=20)
    assert demo("a.mp4", "--threshold", 1) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.split("\t")[2] == "none"
    assert demo("a.mp4", "--threshold", 0) == 0
    assert capsys.readouterr().out.splitlines()[0].split("\t")[2] == "middle"


def test_a_folder_of_pictures_is_a_video(demo, tmp_path, capsys):
    (tmp_path / "clip").mkdir()
    for number in range(12):
        Image.fromarray(np.full((32, 48, 3), 230, np.uint8)).save(tmp_path / f"clip/frame-{number}.png")
    assert demo("clip", "-o", "out.mp4") == 0
    assert capsys.readouterr().out.endswith("\tbright\n")
    assert facts(tmp_path / "out.mp4")[0] == 12
    assert facts(tmp_path / "out.mp4")[3] == pytest.approx(12 / 25, abs=0.002)


def test_it_ends_after_some_seconds(demo, tmp_path, capsys):
    scene_video(tmp_path / "a.mp4", (20,), frames=100)
    assert demo("a.mp4", "-o", "out.mp4", "--seconds", 1) == 0
    assert summary(capsys.readouterr().err)[0] == facts(tmp_path / "out.mp4")[0] == 25


@pytest.mark.parametrize("after", [1, 2])
def test_ctrl_c_leaves_a_whole_file(demo, tmp_path, monkeypatch, capsys, after):
    scene_video(tmp_path / "a.mp4", (20, 230), frames=200)
    answers = []

    def interrupt(*answer):
        answers.append(answer)
        if len(answers) == after:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(command, "_answered", interrupt)
    before = signal.getsignal(signal.SIGINT)
    assert demo("a.mp4", "-o", "out.mp4") == 130
    assert signal.getsignal(signal.SIGINT) is before
    number = summary(capsys.readouterr().err)[0]
    assert len(pictures(tmp_path / "out.mp4")) == number < 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "out.mp4", "streaming"]


def test_an_earlier_file_stays_where_nothing_comes_of_it(demo, tmp_path, capsys):
    scene_video(tmp_path / "a.mp4", (20,), frames=5)
    (tmp_path / "out.mp4").write_text("earlier")
    assert demo("a.mp4", "-o", "out.mp4") == 2
    assert capsys.readouterr().err == (
        "kinema: a.mp4: too short: its 5 frames are less than one clip of the model (4 frames, stride 2, 32 px); "
        "`kinema predict` takes short videos\n"
    )
    assert (tmp_path / "out.mp4").read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "out.mp4", "streaming"]


# The pace and the passes


@pytest.mark.parametrize(("fps", "passes"), [(25, 26), (50, 26)])
def test_the_pace_is_that_of_the_training(demo, tmp_path, capsys, fps, passes):
    scene_video(tmp_path / "a.mp4", (20,), frames=2 * fps + 1, fps=fps)
    assert demo("a.mp4") == 0
    assert summary(capsys.readouterr().err)[:2] == (2 * fps + 1, passes)


def test_pictures_are_taken_by_number_or_in_time():
    by_number = Pace(stride=3)
    assert [by_number.times(0.0) for _ in range(7)] == [1, 0, 0, 1, 0, 0, 1]
    in_time = Pace(stride=2, fps=25, most=4)
    assert [in_time.times(number / 50) for number in range(13)] == [1, 0, 0, 0] * 3 + [1]
    slow = Pace(stride=2, fps=25, most=4)
    assert [slow.times(number / 5) for number in range(4)] == [1, 3, 2, 3], "a picture for each time"
    dropped = Pace(stride=2, fps=25, most=4)
    assert [dropped.times(second) for second in (0, 0.04, 0.08, 5.0, 5.04, 5.08, 5.12)] == [1, 0, 1, 4, 0, 0, 1]


def pushed(model, frames, *, times=None):
    """Looks of frames that are pushed so many times each, and the passes of the encoder."""
    recognizer = Recognizer(model)
    for number, frame in enumerate(frames):
        recognizer.push(frame, float(number), times=1 if times is None else times[number])
    recognizer.close()
    return recognizer.looks(), recognizer.num_passes


@pytest.mark.parametrize("seen", [1, 2])
def test_a_frame_in_place_of_missing_ones_is_encoded_once(tmp_path, seen):
    model = load_stream(stream_model(tmp_path / "streaming", seen=seen))
    frames = [np.full((3, 32, 32), level, np.uint8) for level in (10, 80, 200, 90)]
    times = [1, 3, 1, 4]
    each = [frame for frame, number in zip(frames, times, strict=True) for _ in range(number)]
    few, num_few = pushed(model, frames, times=times)
    all_of_them, num_all = pushed(model, each)
    assert (num_few, num_all) == ((4, 9) if seen == 1 else (5, 8))
    assert np.allclose([look.logits for look in few], [all_of_them[at].logits for at in (0, 1, 5)])


def test_the_encoder_goes_on_while_the_decoder_works(tmp_path, monkeypatch):
    model = load_stream(stream_model(tmp_path / "streaming"))
    may_end, decode = threading.Event(), Recognizer._decode
    monkeypatch.setattr(Recognizer, "_decode", lambda self: may_end.wait(20) and decode(self))
    recognizer = Recognizer(model)
    frame = np.full((3, 32, 32), 200, np.uint8)
    for number in range(SPEC.num_frames + NUM_REQUESTS):
        recognizer.push(frame, float(number))
    assert recognizer.num_done == SPEC.num_frames - 1, "the first clip is not decoded yet"
    may_end.set()
    recognizer.close()
    assert [look.passes for look in recognizer.looks()] == [4, 5, 6]


def test_looks_are_those_of_the_whole_network(streamed):
    """Of a model of differences; in the order of time, with a pass of the encoder for each new frame."""
    whole = load(streamed.root / "model.xml", precision="f32")
    paths = streamed.paths("streaming/encoder.xml", "streaming/decoder.xml")
    networks = [compiled_network(path, precision="f32") for path in paths]
    spec = whole.description.spec
    shape = (12, spec.channels, spec.size, spec.size)
    frames = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    looks, num_passes = pushed(StreamModel(whole.description, *networks), frames)
    length = spec.num_frames
    assert [look.seconds for look in looks] == list(map(float, range(length - 1, 12)))
    assert num_passes == 11
    for look, end in zip(looks, range(length, 13), strict=True):
        assert np.abs(look.logits - whole.network(frames[None, end - length : end])[0]).max() < 1e-4
    assert load_stream(streamed.root / "streaming/decoder.xml").description == whole.description


def test_the_network_gets_the_pixels_that_predict_gives_it(tmp_path):
    path = scene_video(tmp_path / "a.mp4", (20, 230), frames=3)
    video = Video(path, frames=DESCRIPTION.frames)
    expected = list(video.read(range(6)))
    with open_source(str(path), frames=DESCRIPTION.frames, timeout_seconds=1) as source:
        to_input = source.to_input(32)
        found = [to_input(picture) for _, picture in source.video.pictures()]
    for frame, square in zip(expected, found, strict=True):
        assert frame.shape == (32, 48, 3)
        assert np.array_equal(square, frame[:, 8:40, ::-1].transpose(2, 0, 1))


def test_answers_are_averaged_over_the_last_seconds(tmp_path):
    model = load_stream(stream_model(tmp_path / "streaming", temperature=2.0))
    smoothed = Smoothed(model, seconds=1.0, threshold=None)
    sure = np.array([20.0, 0, 0]), np.array([0, 20.0, 0])
    seen = [smoothed.add(Look(number, number / 2, sure[number == 3])) for number in range(7)]
    assert [one.label for one in seen] == ["dark"] * 7
    assert seen[3].confidence == pytest.approx(2 / 3, abs=1e-3)
    assert seen[6].confidence == pytest.approx(1, abs=1e-3)
    (single,) = [Smoothed(model, seconds=0, threshold=None).add(Look(0, 0.0, np.array([2.0, 0, 0])))]
    assert single.confidence == pytest.approx(np.e / (np.e + 2)), "with the temperature"


def test_an_error_of_a_network_ends_it(demo, tmp_path, monkeypatch):
    scene_video(tmp_path / "a.mp4", (20,))
    monkeypatch.setattr(Recognizer, "_decode", lambda _: (_ for _ in ()).throw(RuntimeError("no memory")))
    with pytest.raises(RuntimeError, match="no memory"):
        demo("a.mp4", "-o", "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "streaming"]


# What is wrong


def whole_network(path):
    """A model.xml without a folder `streaming`."""
    (path / "other").mkdir()
    shutil.copy(path / "streaming/encoder.xml", path / "other/model.xml")
    shutil.copy(path / "streaming/encoder.bin", path / "other/model.bin")


def of_another_program(path):
    shutil.copytree(path / "streaming", path / "plain")
    frames = ov.opset13.parameter([1, 3, 32, 32], np.uint8)
    ov.save_model(ov.Model([ov.opset13.convert(frames, "f32")], [frames]), path / "plain/encoder.xml")


def of_two(path):
    stream_model(path / "two", labels=("a", "b", "c"))
    shutil.copy(path / "streaming/encoder.xml", path / "two/encoder.xml")
    shutil.copy(path / "streaming/encoder.bin", path / "two/encoder.bin")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("absent.mp4", "absent.mp4: missing; expected a video file, or a folder of numbered pictures"),
        ("empty.mp4", "empty.mp4: empty file; expected a video file"),
        ("notes.txt", "notes.txt: not a media file; expected a video file"),
        ("folder", "folder: no video in it; expected files"),
        ("two-videos", "two-videos: 2 videos; one is shown at a time, such as two-videos/a.mp4"),
        ("ftp://camera/a", "ftp://camera/a: expected an address that begins with"),
        ("93", "93: cannot be opened: "),
        ("a.mp4 -o out.txt", "--output out.txt: expected a file that ends in .mp4, .m4v, .mov, .mkv"),
        ("a.mp4 -o folder.mp4", "--output folder.mp4: that is a folder; expected the name of a video"),
        ("a.mp4 -o ./a.mp4", "--output a.mp4: that is the source itself; choose another name"),
        ("a.mp4 --top 0", "--top 0: expected 1 or more"),
        ("a.mp4 --threshold 2", "--threshold 2: expected a number from 0 to 1"),
        ("a.mp4 --seconds 0", "--seconds 0: expected a number of seconds above 0"),
        ("a.mp4 --device XPU", "--device XPU: OpenVINO cannot use it ("),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_nothing(demo, tmp_path, capfd, words, match):
    scene_video(tmp_path / "a.mp4", (20,), frames=10)
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "notes.txt").write_text("no video")
    for name in ("folder", "folder.mp4", "two-videos"):
        (tmp_path / name).mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copy(tmp_path / "a.mp4", tmp_path / "two-videos" / name)
    before = sorted(tmp_path.rglob("*"))
    more = [] if "-o" in words else ["-o", "out.mp4"]
    assert demo(*words.split(), *more) == 2
    said = capfd.readouterr()
    assert said.err.startswith(f"kinema: {match}")
    assert said.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("model", "match"),
    [
        ("absent", "absent: no such file or folder; expected the folder streaming of results/DATASET/MODEL"),
        ("a.mp4", "a.mp4: no exported model; expected the folder streaming of"),
        ("other/model.xml", "no encoder.xml and decoder.xml there or in streaming/ beside it; `snakemake --cores all "),
        (
            "other",
            "other: no encoder.xml and decoder.xml there or in streaming/ beside it; `snakemake --cores all other/",
        ),
        ("plain", "encoder.xml: not a model that kinema exported: it says nothing of its model, labels"),
        ("two", "two: encoder.xml and decoder.xml are of two models; copy the folder anew"),
        ("flow", "the model takes flow, and optical flow is computed for whole videos alone"),
        ("sized", "sized: encoder.xml and decoder.xml take other frames than they say; make them anew"),
    ],
)
def test_a_model_of_another_kind_is_told_in_one_line(demo, tmp_path, capsys, model, match):
    scene_video(tmp_path / "a.mp4", (20,), frames=10)
    for make in (whole_network, of_another_program, of_two):
        make(tmp_path)
    flow = replace(SPEC, modality="flow", color_order="XY", mean=(0, 0), std=(1, 1))
    stream_model(tmp_path / "flow", spec=flow)
    stream_model(tmp_path / "sized", spec=replace(SPEC, size=48))
    assert main(["demo", "a.mp4", "--model", model, "-o", "out.mp4"]) == 2
    said = capsys.readouterr().err
    assert match in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("named", ["streaming", "streaming/encoder.xml", "streaming/decoder.xml", ".", "model.xml"])
def test_a_model_is_named_by_its_folder_or_a_file(demo, tmp_path, named):
    (tmp_path / "model.xml").touch()
    assert load_stream(tmp_path / named).description == DESCRIPTION


# A window


def test_without_a_display_a_line_says_so(demo, tmp_path, monkeypatch, capsys):
    scene_video(tmp_path / "a.mp4", (20,))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    said = []
    monkeypatch.setattr(sys, "platform", "linux")
    for information in ("  GUI:                           QT5\n", "  GUI:                           NONE\n"):
        monkeypatch.setattr(window.cv2, "getBuildInformation", lambda text=information: text)
        assert demo("a.mp4", "--show") == 2
        said.append(capsys.readouterr().err)
    start, end = "kinema: --show: no window can be opened here: ", "; leave it out, or write a file, -o out.mp4\n"
    assert said == [
        f"{start}there is no display, DISPLAY is not set{end}",
        f"{start}this opencv-python is one without windows (headless){end}",
    ]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays of X11")
def test_a_display_that_cannot_be_reached_does_not_end_the_process(monkeypatch):
    monkeypatch.setenv("DISPLAY", "127.0.0.1:93")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    with pytest.raises(ValueError, match=r"--show: no window can be opened here: .+; leave it out"):
        window.check_window()


def test_closing_the_window_ends_it(demo, tmp_path, monkeypatch, capsys):
    scene_video(tmp_path / "a.mp4", (20,), frames=200)
    shown = []
    monkeypatch.setattr(window, "check_window", lambda: None)
    for name in ("namedWindow", "resizeWindow", "destroyAllWindows"):
        monkeypatch.setattr(window.cv2, name, lambda *_: None)
    monkeypatch.setattr(window.cv2, "imshow", lambda title, frame: shown.append((title, frame.shape)))
    monkeypatch.setattr(window.cv2, "waitKey", lambda _: ord("q") if len(shown) == 10 else -1)
    monkeypatch.setattr(window.cv2, "getWindowProperty", lambda *_: 1.0)
    assert demo("a.mp4", "--show", "-o", "out.mp4") == 0
    assert shown[0] == ("kinema: a.mp4", (32, 48, 3))
    assert 10 <= len(shown) == len(pictures(tmp_path / "out.mp4")) < 100, "it plays at the speed of the video"


def test_help_needs_none_of_the_libraries():
    code = (
        "import sys\nfrom kinema.cli import main\ntry:\n    main(['demo', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "not `make demo`" in done.stdout
    assert not {"av", "numpy", "cv2", "openvino", "rich", "torch"} & set(done.stderr.split())
