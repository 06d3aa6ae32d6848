"""Long videos: windows in one pass, smoothing, segments, and the files that say them."""

import csv
import io
import json
import re
import shutil
import tracemalloc
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import openvino as ov
import pytest
from media_corpus import make_video
from openvino import opset13 as opset

from kinema.cli import main
from kinema.inference.description import Description
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.model import Model
from kinema.inference.probabilities import softmax
from kinema.inference.scorers import EncoderDecoder, WholeClips, streaming_scorers
from kinema.inference.spec import InputSpec
from kinema.inference.timeline import Look, Runs, smoothed
from kinema.inference.tracks import as_audacity, as_elan, as_subrip, as_webvtt

SPEC = InputSpec(num_frames=4, stride=2, size=32, mean=(0, 0, 0), std=(1, 1, 1))
LABELS = ("dark", "middle", "bright")
DESCRIPTION = Description("grey_vtn", LABELS, SPEC, "1.0", FrameSpec(short_side=32))


class Grey:
    """A network that knows how bright a clip is, and notes the clips that it was asked about."""

    def __init__(self):
        self.clips = []

    def __call__(self, clips):
        self.clips.append(clips.mean(axis=(0, 2, 3, 4)))  # of each frame
        level = clips.mean() / 256 * 3
        return -20 * np.abs(np.array([[0.5, 1.5, 2.5]]) - level)


def grey_model(**changes):
    return Model(replace(DESCRIPTION, **changes), Grey())


def scene_video(path, levels, *, frames=50, fps=25):
    """For each level of grey so many frames at `fps`, 25 or 50."""
    every = [level for level in levels for _ in range(frames)]
    step = 50 // fps
    return make_grey(path, every, [step * number for number in range(len(every))])


def make_grey(path, every, times):
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 50)
        for level, time in zip(every, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), level, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 50)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


# Segments


def test_segments_are_where_the_scenes_are(tmp_path):
    path = scene_video(tmp_path / "a.mp4", (20, 230, 128))
    found = grey_model().timeline(path, hop=0.2, smooth=0)
    assert [segment.label for segment in found.segments] == ["dark", "bright", "middle"]
    borders = [found.segments[0].start, *(segment.end for segment in found.segments)]
    assert borders == pytest.approx([0, 2, 4, 6], abs=0.2)
    assert [one.end for one in found.segments[:-1]] == [one.start for one in found.segments[1:]]
    assert found.segments[-1].end == pytest.approx(6, abs=0.001)
    assert min(segment.confidence for segment in found.segments) > 0.9


def test_windows_are_those_of_clips_and_the_last_one_ends_with_the_video(tmp_path):
    path = make_grey(tmp_path / "a.mp4", [4 * number for number in range(31)], [2 * number for number in range(31)])
    model = grey_model()
    found = model.timeline(path, hop=0.3, smooth=0)
    assert found.hop == pytest.approx(0.32), "a multiple of the stride"
    first = [round(float(clip[0]) / 4) for clip in model.network.clips]
    assert first == [0, 8, 16, 24]
    assert [round(float(clip[-1]) / 4) for clip in model.network.clips] == [6, 14, 22, 30]
    model.network.clips.clear()
    model.timeline(path, hop=0.48, smooth=0)
    assert [round(float(clip[0]) / 4) for clip in model.network.clips] == [0, 12, 24]


def test_a_video_shorter_than_a_window_is_repeated_as_in_training(tmp_path):
    path = make_grey(tmp_path / "a.mp4", [20, 40, 60], [0, 2, 4])
    model = grey_model()
    found = model.timeline(path)
    assert len(found.segments) == len(model.network.clips) == 1
    assert found.segments[0].end == pytest.approx(0.12)
    assert np.round(model.network.clips[0]).tolist() == pytest.approx([20, 60, 20, 60], abs=2)
    model.network.clips.clear()
    model.predict(path, num_clips=1)
    assert np.round(model.network.clips[0]).tolist() == pytest.approx([20, 60, 20, 60], abs=2)


@pytest.mark.parametrize("fps", [25, 50])
def test_the_pace_is_that_of_the_training(tmp_path, fps):
    path = scene_video(tmp_path / "a.mp4", (20, 230), frames=fps, fps=fps)
    model = grey_model(frame_rates=FrameRates(median=25, low=25, high=25))
    found = model.timeline(path, hop=0.16, smooth=0)
    assert found.sampling.taken_at == (25 if fps == 50 else None)
    assert len(model.network.clips) == pytest.approx((2 - 0.32) / 0.16 + 2, abs=1), "as many looks at any rate"
    assert found.segments[-1].end == pytest.approx(2, abs=0.03)
    assert found.segments[0].end == pytest.approx(1, abs=0.1)


def test_below_the_threshold_a_segment_is_none(tmp_path):
    path = scene_video(tmp_path / "a.mp4", (128, 170))  # the second is between middle and bright
    model = grey_model(threshold=0.8)
    assert [segment.label for segment in model.timeline(path, hop=0.2, smooth=0).segments] == ["middle", None]
    labels = [segment.label for segment in model.timeline(path, hop=0.2, smooth=0, threshold=0).segments]
    assert None not in labels


def test_short_interruptions_are_smoothed_away():
    sure = 40 * np.eye(2)
    looks = [Look(float(second), sure[int(second == 5)]) for second in range(10)]
    model = grey_model()
    calm = list(smoothed(iter(looks), 2.0, scores_of=model.scores))
    assert [seconds for seconds, _ in calm] == [look.seconds for look in looks]
    assert [int(scores.probabilities.argmax()) for _, scores in calm] == [0] * 10
    assert calm[5][1].probabilities == pytest.approx([2 / 3, 1 / 3])
    assert calm[0][1].probabilities == pytest.approx([1, 0])
    as_they_are = [int(scores.probabilities.argmax()) for _, scores in smoothed(iter(looks), 0, scores_of=model.scores)]
    assert as_they_are == [int(second == 5) for second in range(10)]


def test_looks_are_taken_together_as_clips_of_a_video_are():
    """With the average and the temperature of the model, of which the latter ranks no class."""
    logits = np.array([[1.0, 0, 0], [1.0, 0, 0], [0, 9.0, 0]])
    looks = [Look(0.1 * number, row) for number, row in enumerate(logits)]
    for average, confidence in (
        ("probabilities", softmax(logits, temperature=0.3).mean(axis=0)[1]),
        ("logits", softmax(logits.mean(axis=0), temperature=0.3)[1]),
    ):
        model = grey_model(temperature=0.3, average=average)
        runs = Runs(LABELS, None)
        for seconds, scores in smoothed(iter(looks), 2.0, scores_of=model.scores):
            runs.add(seconds, scores)
        (segment,) = runs.segments(end=1.0)
        assert (segment.label, segment.confidence) == ("middle", pytest.approx(confidence))


def test_the_memory_does_not_grow_with_the_video(tmp_path):
    """Python's own arrays; each frame at the input's size has 3 KiB."""
    peaks = []
    for frames in (100, 800):
        path = scene_video(tmp_path / f"{frames}.mp4", (20,), frames=frames)
        model = grey_model()
        tracemalloc.start()
        model.timeline(path, hop=2, smooth=4)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000 < 700 * 3 * 32 * 32


def test_a_file_that_is_no_video_has_no_timeline(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0" * 5000)
    with pytest.raises(ValueError, match="not a media file"):
        grey_model().timeline(tmp_path / "a.mp4")


# Encoder and decoder


def networks(folder, *, seen=1):
    """An encoder that gives the means of B, G and R, of each frame that it sees, and a decoder that adds them up."""
    folder.mkdir()
    frame = opset.parameter([1, 3 * seen, 32, 32], np.uint8)
    means = opset.reduce_mean(opset.convert(frame, "f32"), [2, 3])
    ov.save_model(ov.Model([means], [frame]), folder / "encoder.xml")
    features = opset.parameter([1, 5 - seen, 3 * seen], np.float32)
    ov.save_model(ov.Model([opset.reduce_sum(features, [1])], [features]), folder / "decoder.xml")


def scored(folder, frames):
    """Logits of encoder and decoder after these frames."""
    scorer = streaming_scorers(folder / "model.xml", SPEC, precision="f32", threads=1, exact=True)()
    assert isinstance(scorer, EncoderDecoder)
    for frame in frames:
        scorer.push(frame)
    return scorer.logits()


def test_the_encoder_runs_once_a_frame(tmp_path):
    networks(tmp_path / "streaming")
    frames = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), np.uint8)
    expected = frames[2:].astype(float).mean(axis=(2, 3)).sum(axis=0)[::-1]  # B, G, R of the last four
    assert scored(tmp_path, frames) == pytest.approx(expected, rel=1e-3)


def test_an_encoder_of_differences_sees_each_frame_with_the_one_before(tmp_path):
    networks(tmp_path / "streaming", seen=2)
    frames = np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), np.uint8)
    means = frames.astype(float).mean(axis=(2, 3))[:, ::-1]
    expected = [*means[2:5].sum(axis=0), *means[3:6].sum(axis=0)]
    assert scored(tmp_path, frames) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("changes", [{"num_frames": 8}, {"size": 64}], ids=str)
def test_networks_for_other_frames_are_refused(tmp_path, changes):
    networks(tmp_path / "streaming")
    make = streaming_scorers(tmp_path / "model.xml", replace(SPEC, **changes), precision=None, threads=None, exact=True)
    with pytest.raises(ValueError, match=r"streaming: encoder.xml and decoder.xml take other frames than model.xml"):
        make()


def test_a_damaged_encoder_is_no_matter_until_it_is_asked(tmp_path):
    networks(tmp_path / "streaming")
    (tmp_path / "streaming/encoder.xml").write_text("<net>")
    make = streaming_scorers(tmp_path / "model.xml", SPEC, precision=None, threads=None, exact=True)
    with pytest.raises(ValueError, match=r"encoder.xml: no OpenVINO IR, or cut off"):
        make()


def test_without_them_the_whole_network_runs(tmp_path):
    assert streaming_scorers(tmp_path / "model.xml", SPEC, precision=None, threads=None, exact=True) is None
    assert isinstance(grey_model().scorer(), WholeClips)


# Files

ROWS = [
    {"video": "a.mp4", "start": 0.0, "end": 1.5, "answer": "wave <at> & go", "confidence": 0.914},
    {"video": "a.mp4", "start": 1.5, "end": 3599.9996, "answer": None, "confidence": 0.3},
    {"video": "a.mp4", "start": 3599.9996, "end": 3661.25, "answer": "push", "confidence": 1.0},
]


def test_subtitles():
    assert as_webvtt(ROWS) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nwave &lt;at&gt; &amp; go 0.91\n\n"
        "01:00:00.000 --> 01:01:01.250\npush 1.00\n"
    )
    assert as_subrip(ROWS) == (
        "1\n00:00:00,000 --> 00:00:01,500\nwave <at> & go 0.91\n\n2\n01:00:00,000 --> 01:01:01,250\npush 1.00\n"
    )


def test_labels_for_audacity():
    assert as_audacity(ROWS) == "0.000000\t1.500000\twave <at> & go\n3599.999600\t3661.250000\tpush\n"


def test_annotations_for_elan():
    document = ElementTree.fromstring(as_elan(ROWS))
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in document.iter("TIME_SLOT")}
    found = [
        (slots[one.get("TIME_SLOT_REF1")], slots[one.get("TIME_SLOT_REF2")], one.findtext("ANNOTATION_VALUE"))
        for one in document.iter("ALIGNABLE_ANNOTATION")
    ]
    assert found == [(0, 1500, "wave <at> & go"), (3_600_000, 3_661_250, "push")]
    assert document.find("HEADER/MEDIA_DESCRIPTOR").get("MEDIA_URL") == "a.mp4"
    tier = document.find("TIER").get("LINGUISTIC_TYPE_REF")
    assert tier == document.find("LINGUISTIC_TYPE").get("LINGUISTIC_TYPE_ID")


# The command


@pytest.fixture
def command(shipped, tmp_path, monkeypatch):
    """Runs `kinema predict --timeline` on a video of the working directory; returns the exit status."""
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "a.mp4", frames=60)
    return lambda *more: main(["predict", "a.mp4", "--model", str(shipped.root), "--timeline", *map(str, more)])


def test_each_ending_has_its_format(command, tmp_path, capsys):
    for kind in ("csv", "json", "jsonl", "vtt", "srt", "eaf", "txt"):
        assert command("--threshold", 0, "--hop", 0.2, "--smooth", 0.4, "--output", f"out.{kind}") == 0
    assert capsys.readouterr().out == ""
    rows = json.loads((tmp_path / "out.json").read_text())
    assert rows == [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    in_csv = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [(one["start"], one["answer"]) for one in in_csv] == [(str(row["start"]), row["answer"]) for row in rows]
    assert (rows[0]["start"], rows[-1]["end"]) == (0, 2.4)
    assert as_subrip(rows) == (tmp_path / "out.srt").read_text()
    assert as_webvtt(rows) == (tmp_path / "out.vtt").read_text()
    assert as_audacity(rows) == (tmp_path / "out.txt").read_text()
    assert as_elan(rows) == (tmp_path / "out.eaf").read_text()


def test_segments_are_printed(command, capsys):
    assert command("--threshold", 0) == 0
    for line in capsys.readouterr().out.splitlines():
        assert re.fullmatch(r"a\.mp4\t\d+\.\d\d\t\d+\.\d\d\t[01]\.\d{4}\t\w+", line)
    assert command("--threshold", 1, "--output", "-") == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (row["answer"], row["start"], row["end"]) == (None, 0, 2.4)


def test_a_video_that_cannot_be_read_leaves_no_track(command, tmp_path, capsys):
    (tmp_path / "a.mp4").write_bytes(b"")
    assert command("--output", "out.srt") == 2
    assert capsys.readouterr().err == "kinema: a.mp4: empty file\n"
    assert not (tmp_path / "out.srt").exists()


def test_a_damaged_encoder_is_told_once(shipped, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(shipped.root, tmp_path / "model")
    networks(tmp_path / "model/streaming")
    make_video(tmp_path / "videos/a.mp4")
    make_video(tmp_path / "videos/b.mp4")
    assert main(["predict", "videos", "--model", "model", "--timeline"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("kinema: model/streaming: encoder.xml and decoder.xml take other frames than model.xml;")
    assert said.count("\n") == 1


def test_subtitles_are_of_one_video(command, tmp_path, capsys):
    make_video(tmp_path / "b.mp4")
    assert main(["predict", ".", "--model", "absent.xml", "--timeline", "--output", "a.srt"]) == 2
    said = capsys.readouterr().err
    assert said == "kinema: a.srt: .srt is of one video, and there are 2; choose .csv or .json\n"


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--hop", "0"], "--hop 0: expected a number of seconds above 0"),
        (["--smooth", "-1"], "--smooth -1: expected a number of seconds above 0"),
        (["--each-clip"], "--each-clip is not for --timeline; leave it out"),
        (["--clips", "3"], "--clips is not for --timeline; leave it out"),
        (["--output", "a.docx"], "--output a.docx: expected a file that ends in .json, .jsonl, .csv, .parquet, .vtt"),
        (["--format", "srt"], "--format is of --output; give both, or none"),
    ],
)
def test_what_a_timeline_does_not_take_is_told_in_one_line(command, capsys, options, match):
    assert command(*options) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"kinema: {match}")
    assert said.err.count("\n") == 1
