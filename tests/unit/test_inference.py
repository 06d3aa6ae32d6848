"""What a deployed model needs: no library of the training, frames like those of the extraction, the same answers."""

import contextlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import openvino as ov
import pyarrow.parquet as pq
import pytest
from deployed_model import Deployed
from media_corpus import make_video
from openvino import opset13 as ops

import kinema.inference
from kinema.cli import main
from kinema.clips.table import ClipIndex
from kinema.deployment.about import calibration_of
from kinema.digests import file_digest
from kinema.experiment.data_sections import Media
from kinema.inference import load
from kinema.inference.clips import Clips, read_clips
from kinema.inference.description import Description
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.model import NUM_CLIPS
from kinema.inference.preprocessing import Squares
from kinema.inference.probabilities import softmax
from kinema.inference.sampling import Sampling
from kinema.inference.spec import InputSpec
from kinema.inference.video import Chosen, Video
from kinema.input_error import InputError
from kinema.media.ffmpeg import DecodeError, find_ffmpeg, jpeg_stream
from kinema.media.inputs import Segment
from kinema.media.jpeg import decode
from kinema.media.probe import MediaError, probe
from kinema.records.calibration import CalibrationFile

REPOSITORY = Path(__file__).resolve().parents[2]
# What `pip install .` does not bring.
ABSENT = (
    *("torch", "torchvision", "lightning", "pydantic", "pyarrow", "pandas", "yaml", "snakemake", "ffmpeg"),
    *("imageio_ffmpeg", "simplejpeg", "timm", "onnx", "matplotlib"),
)
# An importer in front of all others, for a Python process.
REFUSING = f"""
import sys
class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refusing())
"""
SPEC = InputSpec(num_frames=4, stride=2, size=32, mean=(0, 0, 0), std=(1, 1, 1))
DESCRIPTION = Description("mobilenetv2_vtn", ("wave", "größer, als"), SPEC, "1.0", FrameSpec(short_side=64, fps=12.5))


def without_the_rest(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python code where only the client's packages can be imported."""
    command = [sys.executable, "-c", REFUSING + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


# Imports


def test_no_library_of_the_training_or_the_workflow_is_imported():
    modules = [found.name for found in pkgutil.walk_packages(kinema.inference.__path__, "kinema.inference.")]
    assert "kinema.inference.predictors.onnxruntime" in modules
    done = without_the_rest("".join(f"import {module}\n" for module in [*modules, "kinema.cli"]))
    assert done.returncode == 0, done.stderr
    assert without_the_rest("import kinema.clips.transforms").returncode, "the refusal itself works"


def test_a_model_says_of_a_video_the_same_without_them(shipped, prepared):
    video = next(iter(sorted((prepared / "videos").rglob("*.mp4"))))
    code = "from kinema.cli import main\nsys.exit(main())"
    done = without_the_rest(code, "predict", video, "--model", shipped.root / "model.xml")
    assert done.returncode == 0, done.stderr
    expected = load(shipped.root / "model.xml").predict(video).top(5)
    assert done.stdout.splitlines() == [f"{video}\t{probability:.4f}\t{label}" for label, probability in expected]


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (["models"], "train"),
        (["import-checkpoint", "a.pth"], "train"),
        (["experiment", "demo", "resnet18_vtn"], "workflow"),
        (["config-reference"], "workflow"),
        (["init-dataset", "videos"], "workflow"),
        (["check", "prepared"], "workflow"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_command_whose_packages_are_missing_says_which_extra_has_them(arguments, extra):
    done = without_the_rest("from kinema.cli import main\nsys.exit(main())", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(f"kinema: `kinema {arguments[0]}` needs ")
    assert f"pip install '.[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_module_of_our_own_that_is_missing_is_no_matter_of_extras(monkeypatch):
    monkeypatch.setitem(sys.modules, "kinema.models.summary", None)
    with pytest.raises(ModuleNotFoundError):
        main(["models"])


# What a model says of itself


def test_the_defaults_of_frames_are_those_of_the_extraction():
    assert FrameSpec() == FrameSpec.of(Media())
    assert FrameSpec.of(Media(short_side=None, fps=10, tone_map="off")) == FrameSpec(
        short_side=None, fps=10, tone_map="off"
    )


def test_a_description_comes_back_from_its_metadata():
    assert Description.from_metadata(DESCRIPTION.to_metadata(), where="m") == DESCRIPTION
    older = {key: value for key, value in DESCRIPTION.to_metadata().items() if key != "frames"}
    assert Description.from_metadata(older, where="m") == replace(DESCRIPTION, frames=None)
    calibrated = replace(DESCRIPTION, temperature=1.625, threshold=0.1, num_clips=3, average="logits")
    assert Description.from_metadata(calibrated.to_metadata(), where="m") == calibrated
    found = {"temperature": "1.625", "threshold": "0.1", "num_clips": "3", "average": "logits"}
    assert calibrated.to_metadata() == DESCRIPTION.to_metadata() | found


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"labels": '{"wave": 0}'}, "its labels are"),
        ({"labels": "[]"}, "its labels are"),
        ({"labels": "[1]"}, "its labels are"),
        ({"labels": "["}, "edited or is damaged"),
        ({"input_spec": "{}"}, "edited or is damaged .*missing keys"),
        ({"temperature": "0"}, r"temperature is 0, expected a number from 1e-06 to 1e\+06"),
        ({"temperature": "warm"}, "edited or is damaged .*'warm'"),
        ({"threshold": "nan"}, "threshold is nan, expected a number from 0 to 1"),
        ({"num_clips": "0"}, "num_clips is 0, expected a number from 1"),
        ({"average": "votes"}, "average is votes, expected probabilities or logits"),
        ({"frames": "[]"}, "edited or is damaged .*expected the keys"),
        ({"frames": '{"fps": 1}'}, "missing keys deinterlace, short_side"),
        ({"frames": json.dumps(FrameSpec().to_dict() | {"fps": 0})}, "fps is 0, expected a positive number"),
        ({"frames": json.dumps(FrameSpec().to_dict() | {"short_side": "a"})}, "short_side is 'a'"),
        ({"frames": json.dumps(FrameSpec().to_dict() | {"square_pixels": 1})}, "square_pixels is 1"),
        ({"frames": json.dumps(FrameSpec().to_dict() | {"tone_map": "on"})}, "tone_map is 'on'"),
    ],
)
def test_metadata_that_were_edited_are_refused(changes, match):
    with pytest.raises(ValueError, match=f"^m.xml: .*{match}") as error:
        Description.from_metadata(DESCRIPTION.to_metadata() | changes, where="m.xml")
    assert "\n" not in str(error.value)


def test_a_shipped_model_says_how_its_frames_were_made(shipped, made):
    index = ClipIndex.load(made.clips_path, subset="validation", clip=made.clip)
    about = load(shipped.root / "model.xml").description
    assert about.labels == tuple(index.labels)
    assert about.frames == FrameSpec(short_side=64)
    assert (about.spec.num_frames, about.spec.size) == (made.clip.length, made.clip.size)


# Frames


def stored(path: Path, media: Media) -> list[np.ndarray]:
    """Frames as the extraction stores them, those of a damaged file, too."""
    frames = []
    with contextlib.suppress(DecodeError):
        for jpeg in jpeg_stream(path, media=media, ffmpeg=find_ffmpeg(), segment=Segment.of({}, probe(path))):
            frames.append(decode(jpeg, "BGR"))
    return frames


def generated(path: Path, source: str, *options: object) -> Path:
    """A file of ffmpeg's picture generators."""
    command = [find_ffmpeg(), "-nostdin", "-y", "-v", "error", "-f", "lavfi", "-i", source, *options, path]
    subprocess.run(list(map(str, command)), check=True)
    return path


def turned(path: Path, degrees: int, *, hflip: bool = False) -> Path:
    """A picture whose corners differ, to be shown turned, and mirrored or not."""
    picture = np.zeros((48, 80, 3), np.uint8)
    picture[:24, :40], picture[:24, 40:], picture[24:, :40] = (250, 20, 20), (20, 250, 20), (20, 20, 250)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"qscale": "1"})
        stream.width, stream.height, stream.pix_fmt = 80, 48, "yuv420p"
        stream.set_display_rotation(degrees, hflip=hflip)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))
    return path


def check_like_stored(path: Path, *, levels: float = 2.5, **changes) -> None:
    """All frames of a file are those of the extraction, but for what JPEG loses: so many of 255 levels, on average."""
    media = Media(**{"short_side": 64, "jpeg_quality": 2} | changes)
    expected, video = stored(path, media), Video(path, frames=FrameSpec.of(media))
    assert (video.num_frames, video.size) == (len(expected), expected[0].shape[:2])
    for frame, ours in zip(expected, video.read(range(len(expected))), strict=True):
        difference = ours.astype(int) - frame
        assert np.abs(difference).mean() < levels
        assert np.abs(difference.mean(axis=(0, 1))).max() < 1, "no colour is shifted"


PICTURES = "testsrc2=s=160x120:d=0.4:r=25"


@pytest.mark.parametrize("changes", [{}, {"short_side": None}, {"short_side": 96}, {"fps": 10}, {"fps": 60}], ids=str)
def test_frames_are_those_of_the_extraction(tmp_path, changes):
    check_like_stored(generated(tmp_path / "a.mp4", PICTURES), **changes)


@pytest.mark.parametrize(
    "options",
    [
        ["-vf", "setsar=2/1"],
        ["-vf", "setsar=1/20"],
        ["-vf", "scale=out_color_matrix=bt709", "-colorspace", "bt709", "-color_primaries", "bt709"],
        ["-pix_fmt", "yuvj420p", "-color_range", "pc"],
        ["-pix_fmt", "yuv444p"],
        ["-vf", "interlace", "-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-q:v", 2],
        ["-c:v", "libx264", "-bf", 3],
    ],
    ids=str,
)
def test_choices_about_pixels_are_those_of_the_extraction(tmp_path, options):
    check_like_stored(generated(tmp_path / "a.mkv", PICTURES, *options))


@pytest.mark.parametrize("changes", [{"square_pixels": False}, {"deinterlace": "off"}], ids=str)
def test_choices_that_are_off_are_off_here_too(tmp_path, changes):
    options = ("-vf", "setsar=2/1,interlace", "-flags", "+ilme+ildct", "-c:v", "mpeg2video", "-q:v", 2)
    check_like_stored(generated(tmp_path / "a.mkv", PICTURES, *options), **changes)


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("hflip", [False, True])
def test_frames_are_upright(tmp_path, degrees, hflip):
    check_like_stored(turned(tmp_path / "a.mp4", degrees, hflip=hflip), short_side=48, levels=6)


def test_frames_of_a_video_that_changes_its_size_have_one_size(tmp_path):
    for name, source in (("one", "testsrc2=s=160x120:d=0.2"), ("two", "testsrc2=s=128x128:d=0.2")):
        generated(tmp_path / f"{name}.ts", source, "-c:v", "mpeg2video", "-q:v", 2)
    joined = tmp_path / "joined.ts"
    joined.write_bytes((tmp_path / "one.ts").read_bytes() + (tmp_path / "two.ts").read_bytes())
    check_like_stored(joined, levels=6)  # of what comes later ffmpeg scales pictures twice


@pytest.mark.slow
@pytest.mark.real
def test_frames_of_real_videos_are_those_of_the_extraction(shared):
    names = ("video_90.mov", "var_fps_video.mp4", "vp8__frame_size_change.mp4", "vp9__vp91-2-04-yuv444.mp4")
    for name in (*names, "h264__brokensps.mp4", "av1_video.mkv"):
        check_like_stored(shared / "real/odd" / name, short_side=128, levels=6)


def test_some_frames_are_the_same_as_among_all(tmp_path):
    video = Video(generated(tmp_path / "a.mp4", PICTURES), frames=FrameSpec(short_side=64))
    whole = list(video.read(range(video.num_frames)))
    some = list(video.read([1, 4, 9]))
    assert all(np.array_equal(whole[number], frame) for number, frame in zip([1, 4, 9], some, strict=True))


def test_what_comes_after_damage_is_decoded(tmp_path, caplog):
    path = generated(tmp_path / "a.ts", "testsrc2=s=160x120:d=2", "-c:v", "mpeg2video", "-g", 5)
    whole = Video(path).num_frames
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = content[len(content) // 2 : -1000]
    path.write_bytes(content)
    assert whole - 8 < Video(path).num_frames <= whole
    path.write_bytes(content[: len(content) // 2])
    assert 0 < Video(path).num_frames < whole


def test_hdr_stays_pale_and_that_is_said(tmp_path, caplog):
    path = generated(tmp_path / "a.mkv", PICTURES, "-vf", "setparams=color_trc=smpte2084", "-c:v", "libx264")
    Video(path, frames=FrameSpec(tone_map="off"))
    assert not caplog.records
    assert Video(path, frames=FrameSpec(short_side=64)).size == (64, 86)
    assert "HDR, which is not mapped to standard range here" in caplog.text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "missing"),
        (b"", "empty file"),
        (b"\0" * 5000, "not a media file"),
        (b"ffconcat version 1.0\nfile other.mp4\n", "not a self-contained video"),
    ],
)
def test_a_file_that_is_no_video_is_refused(tmp_path, content, reason):
    make_video(tmp_path / "other.mp4")
    if content is not None:
        (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=reason):
        Video(tmp_path / "a.mp4")


# Clips


def test_clips_are_evenly_spaced_and_short_videos_loop(tmp_path):
    video = Video(make_video(tmp_path / "a.mp4", frames=20), frames=FrameSpec(short_side=32))
    every = np.empty((20, 3, 32, 32), np.uint8)
    Squares(32).write(Chosen(video, range(20)), every)
    clips = read_clips(video, SPEC, num_clips=3).pixels
    assert np.array_equal(clips, every[[[0, 2, 4, 6], [6, 8, 10, 12], [12, 14, 16, 18]]])
    assert len(np.unique(clips.reshape(3, -1), axis=0)) == 3
    short = Video(make_video(tmp_path / "b.mp4", frames=3), frames=FrameSpec(short_side=32))
    first, second, third = read_clips(short, SPEC, num_clips=1).pixels[0][[0, 1, 2]]
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second)


def test_clips_that_cannot_be_made_are_refused(tmp_path):
    video = Video(make_video(tmp_path / "a.mp4"))
    with pytest.raises(ValueError, match="0 clips of a video asked for, expected 1 or more"):
        read_clips(video, SPEC, num_clips=0)
    flow = InputSpec(num_frames=4, stride=1, size=32, mean=(0, 0), std=(1, 1), modality="flow", color_order="XY")
    with pytest.raises(ValueError, match="the model takes optical flow and does not say how it was made"):
        read_clips(video, flow, num_clips=1)


# Models


def test_a_video_gets_the_probabilities_of_the_evaluation(shipped, prepared):
    model = load(shipped.root / "model.xml", precision="f32")
    rows = pq.read_table(shipped.root / "predictions.parquet").to_pylist()
    assert len(rows) == 6
    for row in rows:
        (path,) = (prepared / "videos").rglob(f"{Path(row['video']).stem}.mp4")
        found = model.predict(path, num_clips=3)
        assert np.abs(found.probabilities - row["probabilities"]).max() < 0.05, row["video"]
        assert found.probabilities.sum() == pytest.approx(1)


@pytest.fixture(scope="module")
def unsure(shipped, tmp_path_factory):
    """The same model with a temperature of 2 and a threshold that no answer of a random network reaches."""
    root = tmp_path_factory.mktemp("unsure")
    calibration = CalibrationFile(
        model=file_digest(shipped.root / "model.pth"),
        temperature=2.0,
        threshold=0.9,
        num_clips=3,
        average="logits",
        notes=[],
    )
    calibration.write(root / "calibration.json")
    deployed = Deployed(root, shipped.clips_path)
    for name in ("model.pth", "evaluation.json", "predictions.parquet"):
        shutil.copy(shipped.root / name, root)
    deployed.export()
    deployed.convert()
    deployed.verify()
    return deployed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.xml", "model.onnx"])
def test_an_answer_is_given_at_the_temperature_and_above_the_threshold(shipped, unsure, prepared, name):
    video = min((prepared / "videos").rglob("*.mp4"))
    plain, model = (load(root / name, precision="f32") for root in (shipped.root, unsure.root))
    assert (model.description.temperature, model.description.threshold) == (2.0, 0.9)
    assert (plain.description.temperature, plain.description.threshold) == (None, None)
    found, as_it_is = model.predict(video, num_clips=1), plain.predict(video, num_clips=1)
    tempered = np.sqrt(as_it_is.probabilities)
    assert np.abs(found.probabilities - tempered / tempered.sum()).max() < 1e-3
    assert (found.label, found.answer, found.threshold) == (as_it_is.label, None, 0.9)
    assert found.confidence == found.top(1)[0][1] < as_it_is.confidence
    assert as_it_is.answer == as_it_is.label, "without a threshold each video is answered"
    assert replace(found, threshold=found.confidence).answer == found.label, "the threshold itself is enough"


@pytest.fixture
def numbered(monkeypatch):
    """Clips that are numbers, three of any video; how many were asked for."""
    asked = []

    def read(video, spec, *, num_clips, rates, flow_bound):
        asked.append(num_clips)
        return Clips(np.arange(3)[:, None], np.zeros((3, 2)), Sampling(25.0))

    monkeypatch.setattr("kinema.inference.model.read_clips", read)
    return asked


@pytest.mark.parametrize("name", ["model.xml", "model.onnx"])
def test_a_client_averages_as_the_evaluation_did_and_over_as_many_clips(shipped, unsure, prepared, numbered, name):
    video = min((prepared / "videos").rglob("*.mp4"))
    plain, model = (load(root / name, precision="f32") for root in (shipped.root, unsure.root))
    assert (model.description.num_clips, model.description.average) == (3, "logits")
    assert (plain.description.num_clips, plain.description.average) == (None, "probabilities")
    logits = np.array([[4.0, 0, 1], [0, 1, 0], [0, 2, 0]], np.float32)
    plain, model = (replace(one, network=lambda clips: logits[clips[0]]) for one in (plain, model))
    found = model.predict(video)
    assert found.probabilities == pytest.approx(softmax(logits.mean(axis=0), temperature=2.0))
    each = np.stack([clip.probabilities for clip in found.clips])
    assert each == pytest.approx(softmax(logits, temperature=2.0))
    assert plain.predict(video).probabilities == pytest.approx(softmax(logits).mean(axis=0))
    plain.predict(video, num_clips=7)
    assert numbered == [3, NUM_CLIPS, 7]


def test_a_client_names_the_class_that_the_evaluation_counts(shipped, prepared, numbered):
    """Where clips disagree, a temperature raises another class to the top."""
    logits = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 9.0, 0]], np.float32)
    plain = load(shipped.root / "model.onnx")
    names = {}
    for temperature in (None, 0.3):
        about = replace(plain.description, temperature=temperature, labels=("a", "b", "c"))
        model = replace(plain, network=lambda clips: logits[clips[0]], description=about)
        found = model.predict(min((prepared / "videos").rglob("*.mp4")))
        names[temperature] = found.label
        assert (found.top(1), found.label) == ([(found.label, found.confidence)], found.answer)
    assert softmax(logits, temperature=0.3).mean(axis=0).argmax() == 0
    assert softmax(logits).mean(axis=0).argmax() == 1
    assert set(names.values()) == {"b"}
    assert found.confidence == pytest.approx(softmax(logits, temperature=0.3).mean(axis=0)[1])


def test_the_command_says_none_of_these(unsure, prepared, capsys):
    video = str(min((prepared / "videos").rglob("*.mp4")))
    assert main(["predict", video, "--model", str(unsure.root / "model.xml"), "--top", "2"]) == 0
    first, *classes = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"{re.escape(video)}\t0\.\d{{4}}\tnone of these: less than 0\.9000", first)
    assert main(["predict", video, "--model", str(unsure.root / "model.xml"), "--top", "2", "--threshold", "0"]) == 0
    assert capsys.readouterr().out.splitlines() == classes
    assert len(classes) == 2


def test_a_calibration_of_another_model_is_refused(shipped, tmp_path):
    path = tmp_path / "calibration.json"
    CalibrationFile.of(None, model="0123", average="probabilities", notes=[]).write(path)
    with pytest.raises(InputError, match=r"calibration\.json: is not of .*model\.pth; delete it and run snakemake for"):
        calibration_of(shipped.root / "model.pth", path)


SIGNALLED = """
import os, signal, sys
from kinema.inference import load
models = [load(sys.argv[1]) for _ in range(2)]
del models[0]
del models[0]
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_signals_are_handled_after_models_have_come_and_gone(shipped):
    """Of two OpenVINO Cores that go in the order in which they came, the second leaves a stack that is unmapped."""
    command = [sys.executable, "-c", SIGNALLED, shipped.root / "model.xml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr


def test_onnx_runtime_gives_the_same_logits(shipped):
    openvino, onnx = (load(shipped.root / name, precision="f32") for name in ("model.xml", "model.onnx"))
    assert onnx.description == openvino.description
    spec = onnx.description.spec
    shape = (3, spec.num_frames, spec.channels, spec.size, spec.size)
    clips = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    expected = openvino.network(clips)
    assert np.abs(onnx.network(clips) - expected).max() < 1e-3 * np.abs(expected).max()


def test_a_model_that_does_not_say_how_its_frames_were_made_is_read_with_a_warning(shipped, tmp_path, caplog):
    for name in ("model.xml", "model.bin"):
        shutil.copy(shipped.root / name, tmp_path)
    edit(tmp_path / "model.xml", r"<frames .*?/>")
    assert load(tmp_path / "model.xml").description.frames is None
    assert "does not say how its frames were made" in caplog.text


def lost_weights(folder):
    (folder / "model.bin").unlink()


def cut_off(folder):
    (folder / "model.xml").write_bytes((folder / "model.xml").read_bytes()[:1000])


def other_weights(folder):
    (folder / "model.bin").write_bytes(b"0")


def cut_off_weights(folder):
    (folder / "model.bin").write_bytes((folder / "model.bin").read_bytes()[:-1000])


def other_program(folder):
    edit(folder / "model.xml", r"<kinema>.*?</kinema>")


def edit(xml, pattern):
    """Remove a part of the text."""
    text, count = re.subn(pattern, "", xml.read_text(), flags=re.DOTALL)
    assert count == 1
    xml.write_text(text)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lost_weights, "model.bin with the weights is not beside it"),
        (cut_off, "no OpenVINO IR, or cut off"),
        (other_weights, "no OpenVINO IR, or cut off"),
        (cut_off_weights, "no OpenVINO IR, or cut off"),
        (other_program, "not a model that kinema exported: it says nothing of its model, labels"),
    ],
)
def test_a_damaged_model_is_told_in_one_line(shipped, prepared, tmp_path, capsys, change, match):
    shutil.copytree(shipped.root, tmp_path / "model")
    change(tmp_path / "model")
    video = next((prepared / "videos").rglob("*.mp4"))
    assert main(["predict", str(video), "--model", str(tmp_path / "model/model.xml")]) == 2
    said = capsys.readouterr().err
    assert match in said
    assert said.startswith(f"kinema: {tmp_path / 'model/model.xml'}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["modelapi/model.xml", "streaming/encoder.xml", "streaming/decoder.xml"])
def test_a_network_of_another_form_is_told_in_one_line(streamed, prepared, capsys, name):
    video = next((prepared / "videos").rglob("*.mp4"))
    assert main(["predict", str(video), "--model", str(streamed.root / name)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kinema: {streamed.root / name}: takes ")
    assert "expected clips, ?x4x3x48x48; give the model.xml of results/DATASET/MODEL" in said
    assert said.count("\n") == 1


def test_a_model_of_another_kind_is_told_in_one_line(prepared, tmp_path, capsys):
    picture = ops.parameter([1, 3, 64, 64], np.float32, name="image")
    boxes = ops.reshape(ops.reduce_mean(picture, np.array([2, 3]), False), np.array([1, 1, 1, 3]), False)
    ov.save_model(ov.Model([boxes], [picture], "detector"), tmp_path / "model.xml")
    video = next((prepared / "videos").rglob("*.mp4"))
    assert main(["predict", str(video), "--model", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kinema: {tmp_path / 'model.xml'}: not a model that kinema exported: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["model.xml", "model.onnx"])
def test_a_model_that_names_other_classes_than_it_has_is_refused(shipped, tmp_path, monkeypatch, name):
    read = Description.from_metadata

    def fewer(metadata, *, where):
        about = read(metadata, where=where)
        return replace(about, labels=about.labels[1:])

    monkeypatch.setattr(Description, "from_metadata", fewer)
    with pytest.raises(ValueError, match=rf"{name}: gives \?x6, expected the 5 classes that it names; export it again"):
        load(shipped.root / name)


@pytest.mark.parametrize("options", [[], ["--timeline"]], ids=["", "timeline"])
def test_a_video_of_a_single_frame_is_too_short(shipped, tmp_path, capsys, options):
    video = make_video(tmp_path / "a.mp4", frames=1)
    assert main(["predict", str(video), "--model", str(shipped.root), *options]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"kinema: {video}: too few frames: 1, which shows no movement")
    assert said.count("\n") == 1


def python_blocks(page):
    """Code of a page, each block as it stands there."""
    return re.findall(r"```python\n(.*?)```", (REPOSITORY / page).read_text(), re.DOTALL)


@pytest.fixture
def in_documented_project(shipped, prepared, tmp_path, monkeypatch):
    """A working directory with the files that the pages name."""
    shutil.copytree(shipped.root, tmp_path / "results/demo/efficientnet_lite0_vtn")
    shutil.copy(min((prepared / "videos").rglob("*.mp4")), tmp_path / "video.mp4")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", ["README.md", "docs/using-a-model.md"])
def test_the_documentation_uses_a_model(shipped, in_documented_project, page, capsys):
    names: dict = {}
    blocks = [code for code in python_blocks(page) if "read_model" not in code]
    for code in blocks:
        exec(code, names)
    assert load(shipped.root / "model.xml").predict("video.mp4").label in capsys.readouterr().out


def test_the_documented_lines_without_kinema_give_the_same_answer(shipped, in_documented_project):
    *_, code = python_blocks("docs/using-a-model.md")
    done = without_the_rest("sys.modules['kinema'] = None\n" + code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == load(shipped.root / "model.xml").predict("video.mp4", num_clips=1).label


# The command


def test_the_command_prints_the_most_probable_classes(shipped, prepared, capsys):
    video = next((prepared / "videos").rglob("*.mp4"))
    assert main(["predict", str(video), "--model", str(shipped.root / "model.xml"), "--top", "2", "--clips", "3"]) == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    expected = load(shipped.root / "model.xml").predict(video, num_clips=3)
    assert [label for *_, label in lines] == [label for label, _ in expected.top(2)]
    assert float(lines[0][1]) == pytest.approx(expected.probabilities.max(), abs=1e-4)


def test_on_a_terminal_they_are_a_table(shipped, prepared, capsys, monkeypatch):
    video = next((prepared / "videos").rglob("*.mp4"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert main(["predict", str(video), "--model", str(shipped.root / "model.xml"), "--top", "1"]) == 0
    shown = capsys.readouterr().out
    assert "probability" in shown
    assert "─" in shown


@pytest.mark.parametrize(
    ("model", "video", "options", "match"),
    [
        ("absent.xml", "video.mp4", [], "absent.xml: no such file; expected the model.xml of results/DATASET/MODEL"),
        ("labels.txt", "video.mp4", [], "labels.txt: expected a model.xml or a model.onnx"),
        ("model.xml", "absent.mp4", [], "absent.mp4: missing; expected a video file"),
        ("model.xml", "labels.txt", [], "labels.txt: not a"),
        ("labels.txt", "folder", [], "folder: no video in it; expected files (avi "),
        ("model.xml", "video.mp4", ["--top", "0"], "--top 0: expected 1 or more"),
        ("model.xml", "video.mp4", ["--clips", "0"], "--clips 0: expected 1 or more"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(shipped, tmp_path, capsys, model, video, options, match):
    make_video(tmp_path / "video.mp4")
    (tmp_path / "folder").mkdir()
    for name in ("model.xml", "model.bin", "labels.txt"):
        shutil.copy(shipped.root / name, tmp_path)
    assert main(["predict", str(tmp_path / video), "--model", str(tmp_path / model), *options]) == 2
    said = capsys.readouterr().err
    assert match in said
    assert said.count("\n") == 1
