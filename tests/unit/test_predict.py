"""`kinema predict`: what can be named, what comes out in each format, and what happens where a video is broken."""

import contextlib
import csv
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from loopback import serving
from media_corpus import make_video
from PIL import Image
from test_inference import without_the_rest

from kinema.cli import main
from kinema.inference import load
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.live import recorded
from kinema.inference.sources import find_sources
from kinema.inference.video import Video
from kinema.media.probe import MediaError

FIELDS = ["video", "status", "reason", "clip", "start", "end", "answer", "label", "confidence", "threshold"]


@pytest.fixture
def videos(tmp_path, monkeypatch):
    """Two videos, one broken, in the working directory."""
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "videos/a.mp4", frames=12, seed=1)
    make_video(tmp_path / "videos/deep/b.mkv", frames=20, seed=2)
    (tmp_path / "videos/broken.mp4").write_bytes(b"\0" * 5000)
    return tmp_path


@pytest.fixture
def predict(shipped):
    """Runs the command; returns its exit status."""
    return lambda *words: main(["predict", *map(str, words), "--model", str(shipped.root)])


# The model was trained at 7 frames a second, and videos here have 25.
PACE = r"kinema: frames of \d videos? were taken by their times, at 7 a second, at which the model was trained\n"


def errors(capsys):
    """What is on stderr beside the line about the pace."""
    return re.sub(PACE, "", capsys.readouterr().err)


# What can be named


def test_a_folder_gives_all_its_videos_and_folders_of_pictures(tmp_path):
    for name in ("b.mp4", "a/c.MKV", "a/d.avi", "notes.txt", "model.xml", ".hidden.mp4", ".git/e.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for number in range(3):
        (tmp_path / "clip").mkdir(exist_ok=True)
        (tmp_path / f"clip/image_{number:05d}.jpg").touch()
    names = [name.removeprefix(f"{tmp_path}/") for name in find_sources([str(tmp_path)])]
    assert names == ["b.mp4", "a/c.MKV", "a/d.avi", "clip"]


def test_patterns_are_expanded_and_nothing_comes_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "b/c.mp4", "b/d.txt", "e[1].mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert find_sources(["**/*.mp4"]) == ["a.mp4", "b/c.mp4", "e[1].mp4"]
    assert find_sources(["b/*"]) == ["b/c.mp4"]
    assert find_sources(["e[1].mp4", "*.mp4", "a.mp4"]) == ["e[1].mp4", "a.mp4"]
    assert find_sources(["absent.mp4"]) == ["absent.mp4"], "only that video fails"


@pytest.mark.parametrize(
    ("named", "match"),
    [
        ("*.mp4", "nothing that matches; expected videos"),
        ("n*", "1 names that match, none of a video; expected videos"),
        ("empty", "empty: no video in it; expected files"),
        ("ftp://camera/a.mp4", "expected an address that begins with http, https, rtmp, rtsp, rtsps"),
        ("file:///etc/passwd", "expected an address that begins with"),
    ],
)
def test_what_names_no_video_is_refused_before_the_model_is_read(tmp_path, monkeypatch, capsys, named, match):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").touch()
    assert main(["predict", named, "--model", "absent.xml"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kinema: {named}: ")
    assert match in said
    assert said.count("\n") == 1


def test_a_folder_of_pictures_is_a_video(shipped, tmp_path, capsys):
    loaded = load(shipped.root, precision="f32")
    model = replace(loaded, description=replace(loaded.description, frame_rates=None))
    video = Video(make_video(tmp_path / "a.mp4", frames=9, size=(96, 64)), frames=FrameSpec(short_side=None))
    (tmp_path / "clip").mkdir()
    for number, frame in enumerate(video.read(range(9)), start=1):
        Image.fromarray(frame[..., ::-1]).save(tmp_path / f"clip/frame-{number}.png")
    expected, found = model.predict(video.path, num_clips=1), model.predict(tmp_path / "clip", num_clips=1)
    assert np.abs(found.probabilities - expected.probabilities).max() < 0.02
    (tmp_path / "clip/frame-3.png").write_bytes(b"")
    assert model.open(tmp_path / "clip").num_frames == 8
    for path in (tmp_path / "clip").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"clip: no picture can be read: frame-1.png: empty file"):
        model.predict(tmp_path / "clip")


# What comes out


def test_every_format_says_the_same(predict, videos, shipped, capsys):
    for kind in ("json", "jsonl", "csv", "parquet"):
        assert predict("videos", "--top", 3, "--clips", 2, "--output", f"out/all.{kind}") == 1
    said = capsys.readouterr()
    assert said.out == ""
    failed = "kinema: videos/broken.mp4: not a media file; expected a video file\n"
    assert re.sub(PACE, "", said.err) == failed * 4
    rows = json.loads((videos / "out/all.json").read_text())
    assert [(row["video"], row["status"]) for row in rows] == [
        ("videos/a.mp4", "ok"),
        ("videos/broken.mp4", "failed"),
        ("videos/deep/b.mkv", "ok"),
    ]
    assert list(rows[0]) == list(rows[1]) == [*FIELDS, "top", "fps", "taken_at_fps"]
    expected = load(shipped.root).predict("videos/a.mp4", num_clips=2)
    assert [(one["label"], one["probability"]) for one in rows[0]["top"]] == expected.top(3)
    assert (rows[0]["answer"], rows[0]["confidence"]) == (expected.answer, expected.confidence)
    assert rows[1]["reason"] == "not a media file; expected a video file"
    assert [json.loads(line) for line in (videos / "out/all.jsonl").read_text().splitlines()] == rows
    table = pq.read_table(videos / "out/all.parquet")
    assert table.to_pylist() == rows
    with (videos / "out/all.csv").open(newline="") as file:
        in_csv = list(csv.DictReader(file))
    for flat, row in zip(in_csv, rows, strict=True):
        assert (flat["video"], flat["reason"]) == (row["video"], row["reason"] or "")
        for rank, one in enumerate(row["top"] or []):
            name = f"_{rank + 1}" if rank else ""
            probability = flat[f"probability{name}"] if rank else flat["confidence"]
            assert (flat[f"label{name}"], float(probability)) == (one["label"], one["probability"])


def test_each_clip_is_a_row_with_its_seconds(predict, videos, shipped):
    assert predict("videos/a.mp4", "--each-clip", "--clips", 3, "--top", 1, "--output", "a.json") == 0
    rows = json.loads((videos / "a.json").read_text())
    clips = load(shipped.root).predict("videos/a.mp4", num_clips=3).clips
    assert [row["clip"] for row in rows] == [0, 1, 2]
    assert [(row["start"], row["end"]) for row in rows] == [(round(one.start, 3), round(one.end, 3)) for one in clips]
    assert [row["confidence"] for row in rows] == [clip.confidence for clip in clips]


def test_json_lines_alone_are_on_the_standard_output(predict, videos, capsys):
    assert predict("videos", "-o", "-", "--threshold", 1) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["answer"] for row in rows] == [None] * 3
    assert rows[0]["label"] == rows[0]["top"][0]["label"]
    assert predict("videos/a.mp4", "--output", "-", "--format", "csv", "--threshold", 1) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())
    assert row["answer"] == "none"


def test_on_a_terminal_a_broken_video_is_a_row_of_the_table(predict, videos, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    assert predict("videos", "--top", 1, "--each-clip", "--clips", 1) == 1
    shown = capsys.readouterr().out
    assert "failed: not a media file" in shown
    assert "from" in shown
    assert "videos/a.mp4" in shown


def test_an_earlier_output_stays_until_all_is_done(predict, videos, shipped, monkeypatch):
    (videos / "out.csv").write_text("earlier")
    seen = []
    monkeypatch.setattr(
        "kinema.inference.model.Model.predict",
        lambda *_, **__: seen.append((videos / "out.csv").read_text()) or (_ for _ in ()).throw(KeyboardInterrupt),
    )
    with pytest.raises(KeyboardInterrupt):
        predict("videos", "--output", "out.csv")
    assert (videos / "out.csv").read_text() == "earlier"
    assert seen == ["earlier"]
    assert sorted(path.name for path in videos.iterdir()) == ["out.csv", "videos"]


@pytest.mark.parametrize(("names", "status"), [("a.mp4", 0), ("a.mp4 broken.mp4", 1), ("broken.mp4 absent.mp4", 2)])
def test_the_exit_status_says_whether_all_were_answered(predict, videos, names, status, capsys):
    assert predict(*(f"videos/{name}" for name in names.split())) == status
    assert errors(capsys).count("\n") == sum(name != "a.mp4" for name in names.split())


def test_videos_of_another_pace_are_counted(predict, videos, capsys):
    assert predict("videos/a.mp4") == 0
    assert re.fullmatch(PACE.replace(r"\d videos? were", "1 video were"), capsys.readouterr().err)


def test_parquet_needs_pyarrow_and_says_so_before_any_work(videos):
    code = "from kinema.cli import main\nsys.exit(main())"
    done = without_the_rest(code, "predict", "videos", "--model", "absent.xml", "--output", "all.parquet")
    assert done.returncode == 2
    assert done.stderr.startswith("kinema: all.parquet needs pyarrow, which is not installed")
    assert done.stderr.count("\n") == 1
    assert "absent" not in done.stderr


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--output", "a.xlsx"], "--output a.xlsx: expected a file that ends in .json, .jsonl, .csv, .parquet"),
        (["--output", "a.srt"], "subtitles and tracks are for --timeline"),
        (["--output", "-", "--format", "parquet"], "Parquet is not written to the standard output"),
        (["--output", "a.json", "--format", "xml"], "--format xml: expected"),
        (["--format", "csv"], "--format is of --output; give both, or none"),
        (["--hop", "1"], "--hop is for --timeline only; leave it out"),
        (["--threshold", "1.5"], "--threshold 1.5: expected a number from 0 to 1"),
        (["--seconds", "0"], "--seconds 0: expected a number of seconds above 0"),
        (["--top", "0"], "--top 0: expected 1 or more"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(videos, capsys, options, match):
    assert main(["predict", "videos", "--model", "absent.xml", *options]) == 2
    said = capsys.readouterr().err
    assert match in said
    assert said.count("\n") == 1


def test_help_needs_none_of_the_libraries():
    code = (
        "import sys\nfrom kinema.cli import main\ntry:\n    main(['predict', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "--timeline" in done.stdout
    assert not {"av", "numpy", "cv2", "openvino", "rich", "torch", "pyarrow"} & set(done.stderr.split())


def test_a_model_is_found_in_its_folder(shipped, tmp_path):
    assert load(shipped.root).description == load(shipped.root / "model.xml").description
    shutil.copy(shipped.root / "model.onnx", tmp_path)
    assert load(tmp_path).description == load(shipped.root / "model.onnx").description
    with pytest.raises(ValueError, match=r"no model\.xml and no model\.onnx in it; expected a folder results/"):
        load(tmp_path / "..")


# Live sources


def moving(path, *, frames=75, format="mpegts", codec="libx264"):
    """3 seconds that a server can send from the beginning."""
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream(codec, rate=25, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p" if codec == "libx264" else "yuvj420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(frames):
            picture = np.full((48, 64, 3), 2 * number + 20, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "format", "codec"),
    [("a.ts", "mpegts", "libx264"), ("a.mp4", "mp4", "libx264"), ("a.mjpg", "mpjpeg", "mjpeg")],
)
def test_an_address_is_read_for_some_seconds(tmp_path, name, format, codec):
    content = moving(tmp_path / name, format=format, codec=codec).read_bytes()
    with serving() as server:
        server.files[name] = content
        for seconds, expected in ((1.0, 25), (60.0, 75)):
            with recorded(f"{server.address}/{name}", seconds=seconds, timeout_seconds=20) as path:
                video = Video(path)
                assert video.num_frames == pytest.approx(expected, abs=2)
                assert video.size == (256, 342)
            assert not path.exists()


def test_the_command_reads_an_address(predict, shipped, tmp_path, capsys):
    with serving() as server:
        server.files["a.ts"] = moving(tmp_path / "a.ts").read_bytes()
        address = f"{server.address}/a.ts"
        assert predict(address, "--seconds", 2, "--output", "-") == 0
        (row,) = map(json.loads, capsys.readouterr().out.splitlines())
        assert (row["video"], row["status"], round(row["fps"])) == (address, "ok", 25)
        assert predict(f"{server.address}/absent.ts") == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"kinema: {server.address}/absent.ts: cannot be opened: ")


@contextlib.contextmanager
def silent(answer=b""):
    """The address of a server that takes a connection, sends this, and says nothing more."""
    taken = []

    def serve(listening):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                taken.append(connection)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        for connection in taken:
            connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_source_that_never_answers_is_given_up(predict, capsys, scheme):
    with silent() as place:
        started_at = time.monotonic()
        assert predict(f"{scheme}://{place}/a", "--timeout", 1) == 2
    assert time.monotonic() - started_at < 30, "it would be without end"
    assert capsys.readouterr().err == f"kinema: {scheme}://{place}/a: no answer: nothing within 1 s\n"


def test_a_source_that_stops_in_the_middle_is_what_came(tmp_path):
    content = moving(tmp_path / "a.ts").read_bytes()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"
    with (
        silent(head + content[: len(content) * 2 // 3]) as place,
        recorded(f"http://{place}/a.ts", seconds=60, timeout_seconds=2) as path,
    ):
        assert 10 < Video(path).num_frames < 75


def test_an_address_leads_to_no_file_of_this_machine(tmp_path):
    secret = moving(tmp_path / "secret.ts")
    with serving() as server:
        server.files["list.m3u8"] = f"#EXTM3U\n#EXTINF:3,\nfile://{secret}\n#EXT-X-ENDLIST\n".encode()
        with (
            pytest.raises(MediaError, match=r"cannot be opened|no picture|no video"),
            recorded(f"{server.address}/list.m3u8", seconds=2, timeout_seconds=5),
        ):
            pass


def test_a_webcam_that_is_not_there_is_told(predict, capsys):
    assert predict("93") == 2
    assert capsys.readouterr().err.startswith("kinema: 93: cannot be opened: ")
