"""Videos whose frames are not evenly spaced: training, evaluation and clients take the same frames of them by time."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pyarrow.parquet as pq
import pytest

from kinema.clips.coverage import read_coverage
from kinema.clips.dataset import clips_for
from kinema.clips.index import build_index
from kinema.clips.parts import parts_digests
from kinema.clips.rates import of_rates
from kinema.clips.report import summarise
from kinema.clips.table import ClipIndex
from kinema.evaluation.evidence import Evidence, as_rows
from kinema.evaluation.views import ViewDataset
from kinema.experiment.data_sections import Clip, Media
from kinema.experiment.model_sections import Evaluation
from kinema.inference.clips import read_clips
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.sampling import lasting, taken
from kinema.inference.spec import InputSpec
from kinema.inference.video import Video
from kinema.media import filters
from kinema.media.frame_times import EVEN, facts_of_earlier
from kinema.media.probe import probe
from kinema.media.reader import FrameReader
from kinema.media.storages.archive import ArchiveWriter, read_stored

TICKS = 90_000
NUM_FRAMES, BITS = 60, 8
CLIP = Clip(length=4, stride=2, fps=12.5, size=32, num_val_clips=3, num_test_clips=3)
SPEC = InputSpec(num_frames=4, stride=2, size=32, fps=12.5, mean=(0, 0, 0), std=(1, 1, 1))


def slower_and_faster():
    """20 frames of 30 a second, 20 of 8, 20 of 60."""
    steps = np.repeat([1 / 30, 1 / 8, 1 / 60], 20)
    return np.concatenate([[0.0], np.cumsum(steps)[:-1]])


def picture_of(number):
    """A picture that tells its number: bright and dark stripes, the lowest bit at the top."""
    return np.repeat(np.where(number >> np.arange(BITS) & 1, 220, 30), 64 // BITS)[:, None, None]


def numbers_of(frames):
    """The numbers that frames tell, (..., 32, W, C) -> (...)."""
    stripes = np.asarray(frames, float).mean(axis=(-1, -2))
    stripes = stripes.reshape(*stripes.shape[:-1], BITS, -1).mean(axis=-1)
    return ((stripes > 127) << np.arange(BITS)).sum(axis=-1)


def make_video(path, times, *, at=0.0, rate=25):
    """A file whose frames tell their number and come at these times, in seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"qp": "0", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        for number, seconds in enumerate(times):
            picture = np.broadcast_to(picture_of(number), (64, 64, 3)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round((seconds + at) * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def index_of(corpus, *, clip=CLIP, tables=None):
    """The clips of the validation videos."""
    out = corpus.root / "clips.parquet"
    build_index(
        annotation_path=corpus.root / "a.json",
        table_paths=tables or [corpus.table],
        clip=clip,
        max_failed_fraction=0,
        report_path=corpus.root / "report.md",
        out=out,
    )
    return ClipIndex.load(out, subset="validation", clip=clip)


def prepare(corpus, media, **keys):
    """Store `t`, a training video, and `v`, or what `keys` name, of the validation videos."""
    entries = {video: of | {"subset": "validation"} for video, of in (keys or {"v": {}}).items()}
    corpus.write(entries | {"t": {}}, media)


def tables_of_both(corpus):
    """Shards of pictures and of flow."""
    tables = []
    for modality in ("rgb", "flow"):
        corpus.table = corpus.root / modality / "0000.parquet"
        prepare(corpus, Media(short_side=32, modality=modality))
        tables.append(corpus.table)
    return tables


def clips_of(index):
    dataset = clips_for(index, "rgb", clip=CLIP)
    return np.stack([dataset[row]["clip"].numpy() for row in range(len(dataset))]).transpose(0, 1, 3, 4, 2)


@pytest.fixture
def videos(corpus):
    """`v` is uneven, `t` is at a constant rate."""
    make_video(corpus.videos / "v.mp4", slower_and_faster(), at=0.5)
    make_video(corpus.videos / "t.mp4", np.arange(30) / 25)
    return corpus


@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
def test_training_and_client_take_the_frames_of_the_same_times(videos, storage):
    media = Media(short_side=32, storage=storage, jpeg_quality=2, video_quality=2)
    prepare(videos, media)
    found = numbers_of(clips_of(index_of(videos)))
    times = slower_and_faster()
    at_pace = taken(times, 12.5)
    assert len(at_pace) == round(12.5 * lasting(times)), "as many as the whole video has, slow parts included"
    starts = [0, (len(at_pace) - 8) // 2, (len(at_pace) - 8) // 2 * 2]
    assert found.tolist() == [[at_pace[start + 2 * frame] for frame in range(4)] for start in starts]
    client = read_clips(Video(videos.videos / "v.mp4", frames=FrameSpec(short_side=32)), SPEC, num_clips=3)
    assert numbers_of(client.pixels.transpose(0, 1, 3, 4, 2)).tolist() == found.tolist()
    by_average = np.round(np.arange(len(at_pace)) / 12.5 * videos.rows()["v"]["fps"])
    assert np.abs(by_average[: len(at_pace)] - at_pace).max() > 5, "the average rate would take others"


def test_frames_that_are_even_have_no_times_of_their_own(videos):
    prepare(videos, Media(short_side=32))
    rows = videos.rows()
    assert [rows["t"][key] for key in ("is_even", "times_digest", "frame_times")] == [True, None, None]
    assert rows["t"]["duration_seconds"] == 30 / 25
    assert rows["v"]["frame_times"] == pytest.approx(slower_and_faster(), abs=2e-6)
    assert (rows["v"]["is_even"], rows["v"]["num_frames"]) == (False, NUM_FRAMES)
    assert rows["v"]["duration_seconds"] == pytest.approx(lasting(slower_and_faster()), abs=1e-5)
    with pytest.raises(ValueError, match="no times of the frames of 't'"):
        FrameReader().times(videos.table, "t")


@pytest.mark.parametrize(
    ("name", "bframes"),
    [("v.mkv", "0"), ("v.flv", "0"), ("v.avi", "0"), ("v.ts", "0"), ("v.mov", "0"), ("v.avi", "2"), ("v.mkv", "2")],
)
def test_what_a_container_rounds_is_even(corpus, name, bframes):
    """AVI stores no times of showing, which go to and fro where some pictures are made of later ones."""
    make_video(corpus.videos / "t.mp4", np.arange(30) / 25)
    rate = 30000 / 1001
    with av.open(str(corpus.videos / name), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(30000, 1001), options={"bf": bframes})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number in range(200):
            picture = np.full((64, 64, 3), 20 + number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    prepare(corpus, Media(short_side=32))
    row = corpus.rows()["v"]
    assert (row["is_even"], row["fps"]) == (True, pytest.approx(rate, rel=1e-3)), row["frame_times"]
    video = Video(corpus.videos / name, frames=FrameSpec(short_side=32))
    expected = np.arange(row["num_frames"]) / row["fps"]
    np.testing.assert_allclose(video.times, expected, atol=1e-9)
    np.testing.assert_allclose([seconds for seconds, _ in video.pictures()], expected, atol=1e-9)


def test_a_client_knows_what_a_container_has_rounded(corpus):
    """Matroska counts milliseconds, so that a time in the middle of two frames of 60 a second is nearer to one."""
    make_video(corpus.videos / "t.mp4", np.arange(30) / 25)
    make_video(corpus.videos / "v.mkv", np.round(np.arange(60) / 60, 3), rate=60)
    prepare(corpus, Media(short_side=32))
    assert corpus.rows()["v"]["is_even"] is True
    clip = Clip(length=12, stride=1, fps=24, size=32, num_val_clips=1)
    dataset = clips_for(index_of(corpus, clip=clip), "rgb", clip=clip)
    video = Video(corpus.videos / "v.mkv", frames=FrameSpec(short_side=32))
    client = read_clips(video, replace(SPEC, num_frames=12, stride=1, fps=24), num_clips=1)
    found = dataset.frame_numbers(0, np.random.default_rng(0))
    assert numbers_of(client.pixels.transpose(0, 1, 3, 4, 2))[0].tolist() == found.tolist()


def test_a_rate_of_its_own_makes_frames_even(videos):
    prepare(videos, Media(short_side=32, fps=10))
    assert videos.rows()["v"]["is_even"] is True


@pytest.mark.parametrize("storage", ["packed", "video"])
def test_parts_of_a_video_are_cut_and_taken_by_time(videos, storage):
    """Seconds 0.51 to 2.55, of which the first 0.16 have 30 frames a second and the rest 8."""
    media = Media(short_side=32, storage=storage, jpeg_quality=2, video_quality=2)
    (videos.videos / "v.mp4").unlink()
    times = slower_and_faster()
    make_video(videos.videos / "v.mp4", times)
    prepare(videos, media, **{"v_0.51s_2.55s": {"video": "v", "start": 0.51, "end": 2.55, "unit": "seconds"}})
    row = videos.rows()["v_0.51s_2.55s"]
    inside = np.flatnonzero((times >= 0.51) & (times < 2.55))
    frames = list(FrameReader().read(videos.table, row["id"], range(row["num_frames"])))
    assert numbers_of(frames).tolist() == inside.tolist()
    assert row["frame_times"] == pytest.approx(times[inside] - times[inside[0]], abs=1e-4)
    at_pace = inside[taken(times[inside] - times[inside[0]], 12.5)]
    first = numbers_of(clips_of(index_of(videos)))[0]
    assert first.tolist() == at_pace[[0, 2, 4, 6]].tolist()


def test_flow_goes_from_the_pictures_of_the_same_times(videos):
    """A picture beside the flow that begins with it, as a model of both takes them."""
    tables = tables_of_both(videos)
    rows = [pq.read_table(table).to_pylist()[1] for table in tables]
    assert rows[1]["frame_times"] == rows[0]["frame_times"][:-1]
    index = index_of(videos, tables=tables)
    expected = taken(slower_and_faster()[:-1], 12.5)[: 2 * 4 : 2]
    for modality in ("rgb", "flow", "rgb+flow"):
        dataset = clips_for(index, modality, clip=CLIP)
        assert dataset.frame_numbers(0, np.random.default_rng(0)).tolist() == expected.tolist()
    client = read_clips(
        Video(videos.videos / "v.mp4", frames=FrameSpec(short_side=32)),
        replace(SPEC, modality="flow", color_order="XY", mean=(0, 0), std=(1, 1)),
        num_clips=3,
        flow_bound=20,
    )
    assert len(client.pixels) == len(index)


def test_times_are_those_of_the_flow_where_the_pictures_have_none(videos):
    """Pictures that an earlier kinema stored, and flow that is computed now."""
    tables = tables_of_both(videos)
    older = pq.read_table(tables[0]).drop_columns(["is_even", "times_digest", "frame_times"])
    pq.write_table(older, tables[0])
    index = index_of(videos, tables=tables)
    dataset = clips_for(index, "rgb+flow", clip=CLIP)
    expected = taken(slower_and_faster()[:-1], 12.5)[: 2 * 4 : 2]
    assert dataset.frame_numbers(0, np.random.default_rng(0)).tolist() == expected.tolist()
    nothing = {"classes": np.array([0]), "logits": np.zeros((1, 3)), "log_totals": np.zeros(3)}
    one = Evidence(frames=np.array([0, 58]), counts=np.ones(2, int), **nothing)
    (row,) = as_rows([one], ViewDataset(index, clip=CLIP, views=Evaluation()), ["wave"])
    assert row["seconds"] == pytest.approx(slower_and_faster()[[0, 58]], abs=1e-5)


def test_an_ffmpeg_that_cannot_note_times_leaves_them_unknown(videos, monkeypatch):
    monkeypatch.setattr(filters, "_filters", lambda ffmpeg: frozenset({"scale", "trim"}))
    prepare(videos, Media(short_side=32))
    rows = videos.rows()
    assert [(rows[name]["num_frames"], rows[name]["is_even"]) for name in ("v", "t")] == [
        (NUM_FRAMES, None),
        (30, None),
    ]


def test_evidence_says_when_its_frames_are_shown(videos):
    prepare(videos, Media(short_side=32))
    dataset = ViewDataset(index_of(videos), clip=CLIP, views=Evaluation())
    nothing = {"classes": np.array([0]), "logits": np.zeros((1, 3)), "log_totals": np.zeros(3)}
    one = Evidence(frames=np.array([0, 30, 59]), counts=np.ones(3, int), **nothing)
    (row,) = as_rows([one], dataset, ["wave"])
    assert row["seconds"] == pytest.approx(slower_and_faster()[[0, 30, 59]], abs=1e-5)


def test_other_times_of_the_same_frames_are_other_clips(videos):
    """They train anew where clips are taken by time, and only there."""
    found = []
    for times in (slower_and_faster(), slower_and_faster()[-1] - slower_and_faster()[::-1]):
        (videos.videos / "v.mp4").unlink()
        make_video(videos.videos / "v.mp4", times)
        prepare(videos, Media(short_side=32, storage="packed"))
        index_of(videos)
        found.append([parts_digests(videos.root / "clips.json", ["validation"], with_rates=on) for on in (False, True)])
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]


# Frames that an earlier kinema stored


def as_of_earlier(corpus):
    """The tar as it was when times were not stored."""
    with_times = read_stored(corpus.tar).values()
    older = corpus.tar.with_suffix(".older")
    writer = ArchiveWriter(older)
    for video in with_times:
        for key in ("is_even", "times_digest", "frame_times"):
            del video.record[key]
        writer.add_stored(video)
    writer.finish()
    writer.close()
    older.replace(corpus.tar)


def test_of_frames_of_an_earlier_kinema_the_uneven_ones_alone_are_decoded_anew(videos):
    prepare(videos, Media(short_side=32))
    expected = pq.read_table(videos.table).select(["id", "is_even", "frame_times", "frames_digest", "num_frames"])
    as_of_earlier(videos)
    entries = {"v": {"subset": "validation"}, "t": {}}
    counts = videos.write(entries, Media(short_side=32))
    assert (counts["kept"], counts["decoded"]) == (1, 1)
    assert pq.read_table(videos.table).select(expected.column_names).equals(expected)
    counts = videos.write(entries, Media(short_side=32))
    assert (counts["kept"], counts["decoded"]) == (2, 0)


def test_frames_of_an_earlier_kinema_are_even_only_where_none_was_lost(videos):
    path = videos.videos / "t.mp4"
    known = {"about": probe(path), "timeout_seconds": 60}
    assert facts_of_earlier(path, "token", num_pictures=30, **known) == EVEN
    assert facts_of_earlier(path, "token", num_pictures=None, **known) == EVEN
    assert facts_of_earlier(path, "token", num_pictures=29, **known) is None
    uneven = videos.videos / "v.mp4"
    known["about"] = probe(uneven)
    assert facts_of_earlier(uneven, "token", num_pictures=NUM_FRAMES, **known) is None


def test_tables_without_times_are_taken_at_a_constant_rate_and_the_report_says_so(videos):
    """As after `snakemake --touch`."""
    media = Media(short_side=32)
    prepare(videos, media)
    table = pq.read_table(videos.table).drop_columns(["is_even", "times_digest", "frame_times"])
    pq.write_table(table, videos.table)
    index = index_of(videos)
    rate = index.fps[0]
    numbers = clips_for(index, "rgb", clip=CLIP).frame_numbers(0, np.random.default_rng(0))
    assert numbers.tolist() == np.ceil(np.arange(4) * 2 / 12.5 * rate - 0.5 - 1e-6 * rate).tolist()
    report = summarise("d", *read_coverage(videos.root / "a.json", [videos.table]), clip_fps=12.5)
    assert report.untimed == 2
    assert of_rates(report).startswith("When the frames of 2 videos are shown is not known")
