"""`kinema demo` of sources that do not wait: what is late is dropped and counted, and memory stays bounded."""

import itertools
import os
import signal
import threading
import time

import av
import cv2
import numpy as np
import pytest
from loopback import sending, serving
from stream_models import DESCRIPTION, stream_model
from test_live_demo import facts, pictures, summary
from test_timeline import scene_video

from kinema.cli import main
from kinema.inference.live_demo import command
from kinema.inference.live_demo.arrivals import Arrivals
from kinema.inference.live_demo.meter import Meter
from kinema.inference.live_demo.output import video_file
from kinema.inference.live_demo.recognizer import Recognizer
from kinema.inference.live_demo.source import open_source
from kinema.inference.live_demo.stream_model import load_stream
from kinema.inference.live_demo.watch import MOST_QUEUED, Watch

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"


def motion_jpeg(*, pictures=None, pause=0.0):
    """Parts of a stream as webcams send it; without a number of pictures it has no end."""
    found, jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), 230, np.uint8))
    assert found
    part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg.tobytes())
    for _ in itertools.count() if pictures is None else range(pictures):
        yield part
        time.sleep(pause)


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """Runs the command in the working directory, where `streaming` is; returns the exit status."""
    monkeypatch.chdir(tmp_path)
    stream_model(tmp_path / "streaming")
    return lambda *words: main(["demo", *map(str, words), "--model", "streaming"])


@pytest.fixture
def slow(monkeypatch):
    """Each pass takes 50 ms; what was queued before each is noted."""
    queued = []
    begin, put = Recognizer._begin, Arrivals.put

    def slowly(self, *arguments, **options):
        time.sleep(0.05)
        begin(self, *arguments, **options)

    def noted(self, *arguments):
        is_wanted = put(self, *arguments)
        queued.append(len(self._waiting))
        return is_wanted

    monkeypatch.setattr(Recognizer, "_begin", slowly)
    monkeypatch.setattr(Arrivals, "put", noted)
    return queued


def test_a_source_that_is_faster_than_the_model_loses_pictures_and_keeps_its_time(demo, slow, tmp_path, capsys):
    with sending(HEAD, motion_jpeg) as address:
        assert demo(address, "-o", "out.mp4", "--seconds", 2) == 0
    printed = capsys.readouterr()
    frames, passes, dropped = summary(printed.err)
    assert dropped > frames
    assert len(slow) == frames + dropped
    assert max(slow) <= MOST_QUEUED
    # one pass for each time that a clip looks at, every second frame of 25 a second, or fewer where it was too slow
    assert 3 < passes <= 26
    number, times, _, _, _ = facts(tmp_path / "out.mp4")
    assert number == frames
    assert 1 < times[-1] < 2.1
    assert printed.out.endswith("\tbright\n")


def test_a_file_never_loses_a_picture(demo, slow, tmp_path, capsys):
    scene_video(tmp_path / "a.mp4", (20,), frames=30)
    assert demo("a.mp4") == 0
    assert summary(capsys.readouterr().err) == (30, 15, 0)
    assert max(slow) <= MOST_QUEUED


def test_ctrl_c_ends_a_live_source(demo, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "_answered", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with sending(HEAD, lambda: motion_jpeg(pause=0.02)) as address:
        assert demo(address, "-o", "out.mp4") == 0
    assert len(pictures(tmp_path / "out.mp4")) == summary(capsys.readouterr().err)[0] > 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "streaming"]


@pytest.mark.slow
def test_what_is_written_of_a_live_source_can_be_played_before_its_end(tmp_path):
    """As after a power cut: the file that lies beside the output."""
    still = np.full((48, 64, 3), 90, np.uint8)
    for is_live in (True, False):
        with video_file(tmp_path / "out.mp4", fps=25, time_base=None, is_live=is_live) as write:
            for number in range(600):
                write(number / 25, still)
            (beside,) = tmp_path.glob(".out.*.mp4")
            copy = tmp_path / f"copy-{is_live}.mp4"
            copy.write_bytes(beside.read_bytes())
        assert len(pictures(tmp_path / "out.mp4")) == 600
    assert len(pictures(tmp_path / "copy-True.mp4")) >= 500
    with pytest.raises(av.error.FFmpegError):
        pictures(tmp_path / "copy-False.mp4")


def test_a_source_without_time_stamps_has_the_times_at_which_it_comes(demo, tmp_path):
    # libavformat gives the first pictures together, once it has three of them
    with sending(HEAD, lambda: motion_jpeg(pictures=24, pause=0.1)) as address:
        assert demo(address, "-o", "out.mp4") == 0
    _, times, _, _, _ = facts(tmp_path / "out.mp4")
    assert times[-1] > 1.2, "25 frames a second, as the format claims, would be 0.92"


def test_a_stream_that_is_sent_in_one_go_is_shown_at_its_own_speed(demo, tmp_path, capsys):
    with serving() as server:
        server.files["a.ts"] = scene_video(tmp_path / "a.ts", (20,), frames=30).read_bytes()
        started_at = time.monotonic()
        assert demo(f"{server.address}/a.ts", "-o", "out.mkv") == 0
    assert time.monotonic() - started_at > 1
    frames, passes, dropped = summary(capsys.readouterr().err)
    assert frames + dropped == 30
    assert 3 < passes <= 16


def test_a_source_that_is_not_there_is_told(demo, tmp_path, capsys):
    with serving() as server:
        assert demo(f"{server.address}/absent.ts", "-o", "out.mp4") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kinema: {server.address}/absent.ts: cannot be opened: ")
    assert said.count("\n") == 1
    with sending(b"", lambda: iter(lambda: time.sleep(0.2) or b"", None)) as address:
        assert demo(address, "--timeout", 1) == 2
    assert capsys.readouterr().err == f"kinema: {address}: no answer: nothing within 1 s\n"
    assert [path.name for path in tmp_path.iterdir()] == ["streaming"]


def test_a_camera_that_goes_away_is_an_end(demo, tmp_path, capsys, caplog):
    def stopping():
        yield from motion_jpeg(pictures=30, pause=0.02)
        yield b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 99999\r\n\r\n"

    with sending(HEAD, stopping) as address:
        assert demo(address, "-o", "out.mp4") == 0
    frames, _, dropped = summary(capsys.readouterr().err)
    assert frames + dropped == pytest.approx(30, abs=1)
    assert len(pictures(tmp_path / "out.mp4")) == frames


# The queue


def test_a_full_queue_drops_the_oldest_or_waits():
    live = Arrivals(2, drops=True)
    assert all(live.put(float(number), number) for number in range(5))
    assert live.num_dropped == 3
    assert [live.get(1).picture for _ in range(2)] == [3, 4]
    file, taken = Arrivals(2, drops=False), []
    reader = threading.Thread(target=lambda: [taken.append(file.put(0.0, number)) for number in range(3)])
    reader.start()
    until = time.monotonic() + 30
    while len(taken) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(taken) == 2, "the third waits"
    assert file.get(1).picture == 0
    reader.join(5)
    assert taken == [True] * 3
    file.close()
    assert file.put(0.0, "late") is False
    assert [file.get(1).picture for _ in range(2)] == [1, 2]
    assert file.is_over
    assert file.get(1) is None


def test_an_error_of_the_reader_comes_after_what_it_has_read():
    queue = Arrivals(2, drops=False)
    queue.put(0.0, "a")
    queue.close(ValueError("broken"))
    assert not queue.is_over
    assert queue.get(1).picture == "a"
    with pytest.raises(ValueError, match="broken"):
        _ = queue.is_over


def test_whoever_waits_for_nothing_is_closed_out():
    queue = Arrivals(1, drops=False)
    queue.put(0.0, "a")
    answers = []
    reader = threading.Thread(target=lambda: answers.append(queue.put(0.0, "b")))
    reader.start()
    queue.close()
    reader.join(5)
    assert answers == [False]


# Rates


def test_rates_and_lags_are_measured(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("kinema.inference.live_demo.meter.time.monotonic", lambda: now[0])
    meter = Meter()
    assert (meter.fps, meter.mean_fps, meter.lag, meter.lags) == (0, 0, 0, (0, 0))
    for number in range(1, 101):
        now[0] = 100 + number / 10
        meter.add(now[0] - (0.5 if number > 90 else 0.02))
    assert (meter.fps, meter.mean_fps) == (pytest.approx(10), pytest.approx(10))
    assert meter.lags == (pytest.approx(20), pytest.approx(500))
    assert meter.lag == pytest.approx(20)


def test_the_state_is_told_for_each_picture(tmp_path):
    model, told = load_stream(stream_model(tmp_path / "streaming")), []
    with (
        sending(HEAD, lambda: motion_jpeg(pictures=24, pause=0.05)) as address,
        open_source(address, frames=DESCRIPTION.frames, timeout_seconds=5) as source,
    ):
        assert (source.is_live, source.is_paced, source.time_base) == (True, False, None)
        watch = Watch(
            source, model, top=3, threshold=None, smooth=1, tell=lambda watch: told.append(command._state(watch))
        )
        watch.run(threading.Event())
    assert len(told) == watch.meter.num_frames
    assert told[0].startswith("0.0 s: ... (")
    assert "s: bright 1.00 (" in told[-1]
    assert told[-1].endswith(f" ms, {watch.num_dropped} dropped)")
