"""Before a large extraction an estimate is told; where the disk cannot hold the frames it ends there."""

import os
import re
import shutil
from collections import namedtuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from media_corpus import Corpus, encode_noise, make_video
from test_frame_folders import LINKED, make_folder

from kinema.experiment.data_sections import Media
from kinema.input_error import InputError
from kinema.media import estimate as estimation
from kinema.media import large as largeness
from kinema.media.estimate import Estimate, check_room, drawn, estimate_extraction, in_words
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.large import check_extraction
from kinema.media.recipe import frames_json, limits_json
from kinema.media.storages.table import storage_of
from kinema.media.trial import Taken, Trial

MEDIA = Media(short_side=32, jpeg_quality=3)
IDS = [f"v{number:02d}" for number in range(12)]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Twelve videos of 3 to 47 frames, in four sizes."""
    folder = tmp_path_factory.mktemp("raw")
    for number, name in enumerate(IDS):
        make_video(folder / f"{name}.mp4", frames=3 + 4 * number, size=(64 + 16 * (number % 4), 48), seed=number)
    return folder


@pytest.fixture
def large(raw, tmp_path, monkeypatch):
    """A corpus of these that counts as large, with a sample of 12 draws: of 11 videos, one twice."""
    monkeypatch.setattr(largeness, "LARGE_VIDEOS", 3)
    monkeypatch.setattr(estimation, "SAMPLE", 12)
    corpus = Corpus(tmp_path)
    shutil.copytree(raw, corpus.videos, dirs_exist_ok=True)
    return corpus


def rows_of(corpus, *ids, storage="packed", **keys):
    corpus.plan(dict.fromkeys(ids, keys), storage)
    return list(largeness._manifest_rows(corpus.root / "plan.json"))


def check(corpus, media=MEDIA, *, cores=4):
    settings = [frames_json(media), limits_json(media)]
    check_extraction(corpus.root / "plan.json", settings=settings, ffmpeg=None, workers=2, cores=cores)


def guess(**changes) -> Estimate:
    numbers = {"frames": 2e6, "num_bytes": 30e9, "low": 25e9, "high": 35e9, "seconds": 36_000.0}
    return Estimate(**{"videos": 4000, "sample": 40, **numbers, **changes})


def with_free(monkeypatch, free: float, total: float = 1e15) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(total, 0, free))


@pytest.mark.parametrize("kind", ["alike", "by size", "unlike"])
def test_totals_are_estimated_without_bias(kind):
    rng = np.random.default_rng(3)
    sizes = np.concatenate([rng.uniform(1e5, 3e6, 3000), rng.uniform(3e8, 9e8, 15)])
    taken = {"alike": np.full(sizes.shape, 7.0), "by size": 5 * sizes, "unlike": rng.permutation(sizes)}[kind]
    found = []
    for seed in range(400):
        chosen, chances = drawn(sizes, 40, np.random.default_rng(seed))
        found.append((taken[chosen] / chances).mean() / taken.sum())
    assert np.mean(found) == pytest.approx(1, abs=4 * np.std(found) / 20)
    if kind != "unlike":
        assert np.std(found) < 0.2


def test_of_few_videos_some_are_drawn_often():
    chosen, chances = drawn(np.array([1.0, 1e9]), 10, np.random.default_rng(0))
    assert set(chosen) == {0, 1}
    assert chances[list(chosen).index(1)] == pytest.approx(0.75)
    assert list(drawn(np.zeros(3), 3, np.random.default_rng(0))[1]) == pytest.approx([1 / 3] * 3)


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
def test_an_estimate_is_near_what_is_stored(large, storage):
    media = MEDIA.model_copy(update={"storage": storage})
    rows = rows_of(large, *IDS, storage=storage)
    found = estimate_extraction(rows, media=media, ffmpeg=None, workers=2, folder=large.root)
    large.write(IDS, media, workers=2)
    stored = large.rows().values()
    assert found.frames == pytest.approx(sum(row["num_frames"] for row in stored), rel=0.2)
    assert found.low <= sum(row["num_bytes"] for row in stored) <= found.high
    assert (found.videos, found.sample) == (12, 11)
    assert found.seconds > 0
    assert not list(large.root.glob("estimate-*"))


def test_a_small_extraction_is_not_estimated(large, monkeypatch, capsys):
    monkeypatch.setattr(largeness, "LARGE_VIDEOS", 12)
    monkeypatch.setattr(estimation, "estimate_extraction", lambda *args, **options: pytest.fail("estimated"))
    large.plan(IDS)
    check(large)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("limit", "value"), [("LARGE_VIDEOS", 11), ("LARGE_BYTES", 1000), ("LARGEST_GROWTH", 1e12)])
def test_what_is_large(large, monkeypatch, caplog, limit, value):
    monkeypatch.setattr(largeness, "LARGE_VIDEOS", 12)
    monkeypatch.setattr(largeness, limit, value)
    monkeypatch.setattr(estimation, "estimate_extraction", lambda *args, **options: guess(low=0))
    large.plan(IDS)
    with caplog.at_level("INFO"):
        check(large)
    assert "4,000 videos become about 2 million frames" in caplog.text


@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
def test_what_is_stored_is_not_estimated_again(large, monkeypatch, storage):
    media, asked = MEDIA.model_copy(update={"storage": storage}), []
    monkeypatch.setattr(estimation, "estimate_extraction", lambda rows, **options: asked.append(rows))
    (large.videos / "v03.mp4").write_bytes(b"no video")  # a failed one counts as stored
    large.write(IDS[:7], media)
    large.plan(IDS[:10], storage)
    check(large, media)
    assert not asked, "three new videos are few"
    large.plan(IDS, storage)
    os.utime(large.videos / "v00.mp4", (1, 1))
    shutil.copy(large.videos / "v05.mp4", large.videos / "v01.mp4")
    large.plan(IDS, storage)
    check(large, media)
    assert [row["id"] for row in asked[0]] == ["v01", *IDS[7:]]


def test_what_a_killed_run_left_is_stored(large, monkeypatch):
    asked = []
    monkeypatch.setattr(estimation, "estimate_extraction", lambda rows, **options: asked.append(rows))
    large.write(IDS[:6])
    large.table.unlink()
    large.tar.rename(large.part)
    large.plan(IDS)
    check(large)
    assert [row["id"] for row in asked[0]] == IDS[6:]


@pytest.mark.parametrize("what", ["damaged", "of an earlier version"])
def test_a_table_that_tells_nothing_is_none(large, monkeypatch, what):
    asked = []
    monkeypatch.setattr(estimation, "estimate_extraction", lambda rows, **options: asked.append(rows))
    large.write(IDS[:6])
    table = pq.read_table(large.table).drop_columns("source_token")
    pq.write_table(table, large.table) if what != "damaged" else large.table.write_bytes(b"nothing")
    large.plan(IDS)
    check(large)
    assert len(asked[0]) == 12


def test_missing_videos_are_none(large, monkeypatch):
    monkeypatch.setattr(estimation, "estimate_extraction", lambda *args, **options: pytest.fail("estimated"))
    large.plan([*IDS[:3], "x", "y", "z"])
    check(large)


def test_the_line_and_the_error_of_a_whole_check(large, monkeypatch, caplog):
    large.plan(IDS)
    with caplog.at_level("INFO"):
        check(large)
    assert "12 videos are to be decoded; trying a sample" in caplog.text
    assert re.search(r": 12 videos become about (2[5-9]|3[0-5])0 frames that take 0\.\d+ MB \(0\.", caplog.text)
    with_free(monkeypatch, 1000)
    with pytest.raises(InputError, match=r"the frames of 12 videos that are to be decoded \(by a sample of 11\) take"):
        check(large)


def test_too_slow_videos_give_no_estimate(large, monkeypatch, caplog):
    monkeypatch.setattr(estimation, "SAMPLE_SECONDS", 0)
    large.plan(IDS)
    with caplog.at_level("INFO"):
        check(large)
    assert "no estimate: less than 8 videos were decoded in a minute" in caplog.text


def test_a_disk_without_room_is_an_error(tmp_path, monkeypatch):
    with_free(monkeypatch, 24e9)
    with pytest.raises(InputError) as error:
        check_room(guess(), tmp_path, Media())
    assert str(error.value) == (
        f"{tmp_path}: the frames of 4,000 videos that are to be decoded (by a sample of 40) take 30 GB (25 GB to 35 "
        "GB); 24 GB are free there. Put `prepared` on a larger disk (it may be a link), or choose smaller frames under "
        "`media` (now short_side 256, jpeg_quality 4), or media.storage: video."
    )
    with pytest.raises(InputError, match=r"\(now short_side 256, video_quality 4, keyframe_interval 8\)\.$"):
        check_room(guess(), tmp_path, Media(storage="video"))
    with_free(monkeypatch, 25e9)
    check_room(guess(), tmp_path, Media())


def test_a_file_system_without_files_left_is_an_error(tmp_path, monkeypatch):
    with_free(monkeypatch, 1e15)
    State = namedtuple("State", "f_files f_favail")
    monkeypatch.setattr(os, "statvfs", lambda folder: State(1e9, 1_500_000))
    message = r"are 2 million files; the file system there takes 1\.5 million more\. Set media\.storage: packed"
    with pytest.raises(InputError, match=message):
        check_room(guess(), tmp_path, Media(storage="frames"))
    check_room(guess(), tmp_path, Media())
    monkeypatch.setattr(os, "statvfs", lambda folder: State(0, 0))  # those that have no limit say so
    check_room(guess(), tmp_path, Media(storage="frames"))


def test_a_file_system_that_does_not_tell_its_size_stops_nothing(tmp_path, monkeypatch):
    with_free(monkeypatch, 0, total=0)
    check_room(guess(), tmp_path, Media())


@pytest.mark.parametrize(
    ("free", "cores", "changes", "text"),
    [
        (1e12, 0, {}, "4,000 videos become about 2 million frames that take 30 GB (25 GB to 35 GB); 1 TB are free."),
        (30e9, 0, {}, "; 30 GB are free, which may not be enough."),
        (1e12, 0, {}, "Decoding takes 10 hours of one core (by a sample of 40)"),
        (1e12, 8, {}, "Decoding takes 10 hours of one core, 75 minutes on 8 (by a sample of 40)"),
        (1e12, 2, {"seconds": 1e6}, "Decoding takes 12 days of one core, 5.8 days on 2 "),
        (1e12, 0, {"num_bytes": 0.9e12, "low": 3e6, "high": 1.3e12}, "900 GB (3 MB to 1.3 TB)"),
        (1e12, 2, {"seconds": 100}, "Decoding takes 100 seconds of one core, 50 seconds on 2 "),
        (1e12, 0, {"frames": 7.14e7}, "about 71 million frames"),
        (1e12, 0, {"frames": 123_456}, "about 120,000 frames"),
    ],
)
def test_the_line(tmp_path, monkeypatch, free, cores, changes, text):
    with_free(monkeypatch, free)
    assert text in in_words(guess(**changes), tmp_path, cores)


@pytest.fixture
def tried(large):
    """A function that tries a video of the corpus, with further keys of its entry in the list."""

    def run(video_id: str, media: Media = MEDIA, *, seconds: float = 60, **keys) -> Taken:
        (row,) = rows_of(large, video_id, storage=media.storage, **keys)
        trial = Trial(storage=storage_of(media), ffmpeg=find_ffmpeg(), spill=large.root, part_seconds=seconds)
        return trial(row, 0)

    return run


def test_of_a_long_video_a_part_is_tried(tried):
    whole = tried("v11")
    assert whole.frames == 47
    part = tried("v11", seconds=0.4)
    assert part.frames == pytest.approx(47, abs=1)
    assert part.num_bytes == pytest.approx(whole.num_bytes, rel=0.25)
    assert tried("v01", seconds=0.4).frames == 7, "a short one is tried whole"


SECONDS, FRAMES = {"start": 0.4, "end": 1.2, "unit": "seconds"}, {"start": 10, "end": 30, "unit": "frames"}


@pytest.mark.parametrize("keys", [SECONDS, FRAMES])
@pytest.mark.parametrize("seconds", [60, 0.2])
def test_of_a_part_that_is_listed_no_more_counts(tried, keys, seconds):
    assert tried("v11", seconds=seconds, video="v11", **keys).frames == pytest.approx(20, abs=1)


def test_a_part_that_reaches_beyond_the_end_ends_there(tried):
    assert tried("v11", seconds=0.4, video="v11", start=0.88, end=9000, unit="seconds").frames == pytest.approx(
        25, abs=1
    )


def test_what_fails_takes_nothing(large, tried):
    (large.videos / "v03.mp4").write_bytes(b"no video")
    assert (tried("v03").frames, tried("v03").num_bytes) == (0, 0)
    taken = tried("v11", MEDIA.model_copy(update={"max_gigabytes": 1e-6}))
    assert (taken.frames, taken.num_bytes) == (0, 0)


def test_what_is_damaged_takes_what_can_be_decoded(large, tried):
    encode_noise(large.videos / "noise.avi", "mpeg4", container="avi", frames=60)
    data = bytearray((large.videos / "noise.avi").read_bytes())
    data[len(data) // 6 : len(data) // 3] = bytes(len(data) // 3 - len(data) // 6)
    (large.videos / "noise.avi").write_bytes(data)
    whole, part = tried("noise"), tried("noise", seconds=1.2)
    assert 10 < whole.frames <= 60
    assert 10 < part.frames <= 62


def test_a_folder_of_pictures_is_tried_and_links_take_no_space(large, tried):
    make_folder(large.videos / "pictures", 20)
    whole = tried("pictures", Media(short_side=48))
    assert whole.frames == 20
    part = tried("pictures", Media(short_side=48), seconds=0.4)
    assert part.frames == 20
    assert part.num_bytes == pytest.approx(whole.num_bytes, rel=0.25)
    linked = tried("pictures", LINKED)
    assert (linked.frames, linked.num_bytes) == (20, 0)
