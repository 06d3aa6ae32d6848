"""One writer and one reader over packed, frames and video: the same frames, the same rules for what is kept."""

import json
import pickle
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from media_corpus import MEDIA, Corpus, as_tensor, make_video

from kinema.experiment.data_sections import Media
from kinema.media.flow import flow_pictures, quantise
from kinema.media.reader import FrameReader
from kinema.media.recipe import recipe_of
from kinema.media.storages.archive import read_stored
from kinema.media.storages.file_store import file_name

STORAGES = ["packed", "frames", "video"]


def media(storage, modality="rgb", **changes) -> Media:
    return Media(storage=storage, modality=modality, short_side=48, jpeg_quality=2, video_quality=1, **changes)


def moving(path: Path, *, frames: int = 30, step: float = 3, rate: Fraction = Fraction(25)) -> Path:
    """A textured square that moves `step` pixels to the right a frame."""
    rng = np.random.default_rng(1)
    grey = cv2.GaussianBlur(rng.integers(0, 255, (64, 64), np.uint8), (0, 0), 3)
    texture = cv2.merge([cv2.normalize(grey, None, 30, 220, cv2.NORM_MINMAX)] * 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"qp": "10"})
        stream.width, stream.height, stream.pix_fmt = 192, 96, "yuv420p"
        for number in range(frames):
            picture = np.full((96, 192, 3), 100, np.uint8)
            left = round(10 + step * number)
            picture[16:80, left : left + 64] = texture[:, : max(0, 192 - left)]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("storage", STORAGES)
def test_files_that_differ_in_the_extension_only_are_two_videos(tmp_path, storage):
    corpus = Corpus(tmp_path)
    make_video(corpus.videos / "clip.mp4", frames=4)
    make_video(corpus.videos / "clip.mkv", frames=7, seed=1)
    make_video(corpus.videos / "other.MTS", frames=8, container="mpegts")
    ids = {"clip.mp4": {}, "clip.mkv": {}, "other": {"extension": ".MTS"}}
    for number, kept in enumerate((0, 3)):
        counts = corpus.write(ids, media(storage))
        assert counts == {"kept": kept, "decoded": 3 - kept, "failed": 0, "missing": 0}, number
    rows = corpus.rows()
    assert {name: row["num_frames"] for name, row in rows.items()} == {"clip.mkv": 7, "clip.mp4": 4, "other": 8}
    assert [len(corpus.frames(row)) for row in rows.values()] == [7, 4, 8]


@pytest.fixture(params=STORAGES)
def stored(request, tmp_path) -> Corpus:
    """A corpus of two videos, and the storage it is to be written in."""
    corpus = Corpus(tmp_path)
    corpus.storage = request.param
    moving(corpus.videos / "a.mp4")
    make_video(corpus.videos / "b.mp4", frames=9)
    return corpus


def test_the_frames_are_those_of_the_video(stored):
    assert stored.write("ab", media(stored.storage)) == {"kept": 0, "decoded": 2, "failed": 0, "missing": 0}
    row = stored.rows()["a"]
    with av.open(str(stored.videos / "a.mp4")) as container:
        expected = [cv2.resize(f.to_ndarray(format="rgb24"), (96, 48)) for f in container.decode(video=0)]
    frames = stored.frames(row)
    assert (row["num_frames"], row["height"], row["width"], row["fps"]) == (30, 48, 96, 25.0)
    for frame, picture in zip(frames, expected, strict=True):
        assert frame.dtype == torch.uint8
        assert np.abs(frame.permute(1, 2, 0).numpy().astype(int) - picture).mean() < 4


def test_any_frames_come_alone_as_they_come_together(stored):
    stored.write("ab", media(stored.storage, keyframe_interval=4))
    reader, frames = FrameReader(), stored.frames(stored.rows()["a"])
    for numbers in ([0], [29], [3, 4, 17], [5, 29]):
        for number, frame in zip(numbers, reader.read(stored.table, "a", numbers), strict=True):
            assert torch.equal(as_tensor(frame), frames[number])


@pytest.mark.parametrize("numbers", [[-1], [28, 30]])
def test_frames_that_do_not_exist_are_refused(stored, numbers):
    stored.write("ab", media(stored.storage))
    with pytest.raises(ValueError, match=r"of 'a', which has 30"):
        list(FrameReader().read(stored.table, "a", numbers))


def test_flow_is_the_motion_in_grey_values(stored):
    stored.write("ab", media(stored.storage, "flow", flow_bound=10))
    row = stored.rows()["a"]
    frames = stored.frames(row)
    assert row["num_frames"] == len(frames) == 29
    assert frames[0].shape == (2, 48, 96)
    # 3 pixels a frame at half the size, in the middle of the square
    x, y = frames[4][:, 20:28, 15:30].float().mean((1, 2)).tolist()
    assert x == pytest.approx(127.5 + 1.5 * 12.75, abs=5)
    assert y == pytest.approx(127.5, abs=4)
    assert frames[4][:, :4, 80:].float().mean().item() == pytest.approx(127.5, abs=3)  # nothing moves there


def test_valid_videos_are_kept_and_what_changed_is_decoded(stored):
    recipe = media(stored.storage)
    stored.write("ab", recipe)
    assert stored.write("ab", recipe)["kept"] == 2
    make_video(stored.videos / "b.mp4", frames=5, seed=3)
    make_video(stored.videos / "c.mp4")
    assert stored.write("abc", recipe) == {"kept": 1, "decoded": 2, "failed": 0, "missing": 0}
    assert stored.rows()["b"]["num_frames"] == len(stored.frames(stored.rows()["b"])) == 5
    assert stored.write("a", recipe)["kept"] == 1
    assert list(stored.rows()) == ["a"]


def test_a_killed_run_keeps_what_was_finished(stored, monkeypatch):
    recipe = media(stored.storage)

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("kinema.media.shard._write_table", killed)
    with pytest.raises(KeyboardInterrupt):
        stored.write("ab", recipe)
    monkeypatch.undo()
    assert stored.write("ab", recipe)["kept"] == 2
    assert len(stored.frames(stored.rows()["a"])) == 30


WRITE_SHARD = """
import sys
from pathlib import Path
from kinema.experiment.data_sections import Media
from kinema.media.shard import write_shard
manifest, table, media = sys.argv[1:]
media = Media.model_validate_json(media)
write_shard(Path(manifest), table_path=Path(table), media=media, ffmpeg=None, workers=2)
"""


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
def test_kill_9_loses_the_videos_in_flight_only(corpus, storage):
    ids = [f"v{number:02d}" for number in range(24)]
    for number, name in enumerate(ids):
        make_video(corpus.videos / f"{name}.mp4", frames=100, size=(320, 240), seed=number)
    recipe = media(storage)
    manifest = corpus.plan(ids, storage)
    command = [sys.executable, "-c", WRITE_SHARD, manifest, corpus.table, recipe.model_dump_json()]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while (finished := num_finished(corpus, storage)) < 3:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert not corpus.table.exists()
    counts = corpus.write(ids, recipe, workers=2)
    assert finished <= counts["kept"] < len(ids)
    assert counts["kept"] + counts["decoded"] == len(ids)
    assert all(len(corpus.frames(row)) == 100 for row in corpus.rows().values())


def num_finished(corpus: Corpus, storage: str) -> int:
    if storage == "packed":
        return len(read_stored(corpus.part))
    ledger = corpus.table.with_suffix(".jsonl")
    return ledger.read_text().count("\n") if ledger.exists() else 0


def test_what_is_gone_is_named_with_its_remedy(stored, tmp_path):
    stored.write("ab", media(stored.storage))
    with pytest.raises(ValueError, match=r"no frames of the video 'c'.*delete .*0000\.parquet"):
        list(FrameReader().read(stored.table, "c", [0]))
    place = Path(stored.rows()["a"]["stored"])
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    with pytest.raises(ValueError, match=r"cannot read 'a'.*delete .*0000\.parquet and run snakemake again"):
        list(FrameReader().read(stored.table, "a", [0]))
    with pytest.raises(ValueError, match=r"0001\.arrow: no such shard"):
        list(FrameReader().read(tmp_path / "0001.parquet", "a", [0]))


def test_bytes_that_are_no_picture_are_named(corpus):
    make_video(corpus.videos / "a.mp4")
    corpus.write("a")
    start, end = corpus.rows()["a"]["frame_offsets"][2:4]
    with corpus.tar.open("r+b") as tar:
        tar.seek(start)
        tar.write(bytes(end - start))
    with pytest.raises(ValueError, match=r"0000\.tar: cannot read 'a' \(a frame is no JPEG image\).*delete .*parquet"):
        list(FrameReader().read(corpus.table, "a", [1, 2]))


def test_a_reader_travels_to_another_process_and_opens_few_shards(stored, tmp_path):
    stored.write("ab", media(stored.storage))
    others = [shutil.copy(stored.table.with_suffix(".arrow"), tmp_path / f"000{number}.arrow") for number in (1, 2)]
    reader = FrameReader(max_open=1)
    first = next(reader.read(stored.table, "b", [1]))
    for other in (*others, stored.table):
        assert np.array_equal(next(reader.read(Path(other).with_suffix(".parquet"), "b", [1])), first)
    assert np.array_equal(next(pickle.loads(pickle.dumps(reader)).read(stored.table, "b", [1])), first)


FEW_FILES = """
import resource, shutil, sys
from pathlib import Path
import numpy as np
from kinema.media.reader import FrameReader
table, folder = map(Path, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
readers = [FrameReader(), FrameReader(), FrameReader()]
for number in range(200):
    copy = folder / f"{number:04d}.parquet"
    for reader in readers:
        next(reader.read(copy, "b", [1]))
"""


@pytest.mark.slow
def test_many_shards_are_read_where_few_files_may_be_open(stored, tmp_path):
    stored.write("ab", media(stored.storage))
    folder = tmp_path / "copies"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:04d}.arrow").symlink_to(stored.table.with_suffix(".arrow"))
    subprocess.run([sys.executable, "-c", FEW_FILES, stored.table, folder], check=True)


def test_too_much_is_a_failure_until_more_is_allowed(stored):
    stored.write("ab", media(stored.storage, max_gigabytes=1e-6))
    rows = stored.rows()
    assert {(row["status"], row["reason"]) for row in rows.values()} <= {("failed", "too large"), ("ok", None)}
    assert rows["a"]["reason"] == "too large"
    stored.write("ab", media(stored.storage))
    assert {row["status"] for row in stored.rows().values()} == {"ok"}


@pytest.mark.slow
def test_another_number_of_shards_leaves_no_video_without_its_frames(stored):
    recipe, ids = media(stored.storage), [f"v{number}" for number in range(8)]
    for number, name in enumerate(ids):
        make_video(stored.videos / f"{name}.mp4", seed=number)
    for num_shards in (2, 5, 3):
        tables = stored.write_shards(ids, recipe, num_shards)
        found = {row["id"]: (table, row) for table in tables for row in pq.read_table(table).to_pylist()}
        assert sorted(found) == ids
        for name, (table, row) in found.items():
            assert len(list(FrameReader().read(table, name, range(row["num_frames"])))) == 6


def test_a_pipe_that_breaks_is_the_encoders_end(stored, monkeypatch):
    hasty = media(stored.storage, "flow", timeout_seconds=0.05)
    stored.write("a", hasty)
    assert stored.rows()["a"]["reason"] in ("timeout", None)


@pytest.mark.parametrize("size", [(64, 8), (10, 10)])
def test_what_is_too_small_for_flow_fails(corpus, size):
    make_video(corpus.videos / "a.mp4", size=size)
    corpus.write("a", Media(modality="flow", short_side=None))
    assert corpus.rows()["a"]["reason"] == "too small for flow"


@pytest.mark.parametrize(("unit", "start", "end", "first"), [("frames", 10, 16, 10), ("seconds", 0.4, 0.64, 10)])
def test_a_part_of_a_video_has_its_frames_only(stored, unit, start, end, first):
    recipe = media(stored.storage)
    stored.write({"a": {}, "part": {"video": "a", "start": start, "end": end, "unit": unit}}, recipe)
    rows = stored.rows()
    assert rows["part"]["num_frames"] == 6
    assert rows["part"]["content"] == rows["a"]["content"]
    whole = stored.frames(rows["a"])[first : first + 6]
    for ours, theirs in zip(stored.frames(rows["part"]), whole, strict=True):
        assert (ours.float() - theirs.float()).abs().mean() < 2
    # another range is another video
    assert stored.write({"a": {}, "part": {"video": "a", "start": 0, "end": end, "unit": unit}}, recipe)["kept"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("container", "options"),
    [
        ("mp4", {}),
        ("mp4", {"bf": "3", "preset": "veryfast"}),
        ("matroska", {"bf": "3", "preset": "veryfast"}),
        ("mpegts", {"g": "1000", "preset": "ultrafast"}),
        ("mpegts", {"g": "10", "bf": "2", "preset": "veryfast"}),
        ("avi", {"codec": "mpeg4"}),
    ],
    ids=str,
)
@pytest.mark.parametrize(("start", "end"), [(1.0, 2.0), (3.52, 4), (33.0, 33.2), (100, 101)])
def test_seconds_are_seconds_in_every_container(corpus, container, options, start, end):
    make_video(corpus.videos / "a.mp4", frames=34 * 25, container=container, **options)
    corpus.write({"a": {}, "part": {"video": "a", "start": start, "end": end, "unit": "seconds"}}, MEDIA)
    rows = corpus.rows()
    first, last = round(start * 25), round(end * 25)
    if start == 100:
        assert (rows["part"]["status"], rows["part"]["reason"]) == ("failed", "after the end of the file")
        return
    assert rows["part"]["num_frames"] == last - first
    whole = corpus.frames(rows["a"])[first:last]
    for ours, theirs in zip(corpus.frames(rows["part"]), whole, strict=True):
        assert (ours.float().mean((1, 2)) - theirs.float().mean((1, 2))).abs().max() < 2


def test_an_open_end_reaches_to_the_last_frame(stored):
    ranges = {"rest": {"start": 20, "end": None}, "beginning": {"start": None, "end": 4}}
    entries = {name: {"video": "a", "unit": "frames", **given} for name, given in ranges.items()}
    stored.write(entries, media(stored.storage))
    assert {name: row["num_frames"] for name, row in stored.rows().items()} == {"rest": 10, "beginning": 4}


def test_copies_of_a_file_have_one_content(corpus):
    make_video(corpus.videos / "a.mp4")
    shutil.copy(corpus.videos / "a.mp4", corpus.videos / "b.mp4")
    make_video(corpus.videos / "c.mp4", seed=5)
    corpus.write("abc")
    content = {name: row["content"] for name, row in corpus.rows().items()}
    assert content["a"] == content["b"] != content["c"]


def test_files_lie_in_a_folder_of_their_label_and_follow_it(corpus):
    make_video(corpus.videos / "a.mp4")
    recipe = media("frames")
    corpus.write("a", recipe, label="shake hands")
    first = corpus.root / "frames" / "shake hands" / "a" / "image_00001.jpg"
    assert first.is_file()
    assert corpus.write("a", recipe, label="hug")["kept"] == 1
    assert not first.exists()
    assert (corpus.root / "frames" / "hug" / "a" / "image_00006.jpg").is_file()
    assert len(corpus.frames(corpus.rows()["a"])) == 6
    make_video(corpus.videos / "b.mp4")
    corpus.write("b", recipe)
    assert not list((corpus.root / "frames" / "hug").rglob("*.jpg"))
    (corpus.videos / "b.mp4").unlink()
    make_video(corpus.videos / "c.mp4")
    corpus.write("bc", recipe)
    assert not list((corpus.root / "frames" / "wave" / "b").rglob("*.jpg"))


def test_flow_files_are_named_by_direction(corpus):
    make_video(corpus.videos / "a.mp4")
    corpus.write("a", media("frames", "flow"))
    names = sorted(path.name for path in (corpus.root / "frames" / "wave" / "a").iterdir())
    assert names[:2] == ["flow_x_00001.jpg", "flow_x_00002.jpg"]
    assert len(names) == 10


@pytest.mark.parametrize(
    "spoil", [lambda folder: (folder / "image_00003.jpg").unlink(), lambda folder: shutil.rmtree(folder)]
)
def test_a_folder_that_lost_files_is_made_again(corpus, spoil):
    make_video(corpus.videos / "a.mp4")
    corpus.write("a", media("frames"))
    spoil(corpus.root / "frames" / "wave" / "a")
    assert corpus.write("a", media("frames"))["decoded"] == 1
    assert len(corpus.frames(corpus.rows()["a"])) == 6


@pytest.mark.parametrize("damage", [b"", b"null\n5\n[1]\n{}\n", b"\xff\xfe\n", b'{"record": {}, "place": "x"}\n'])
def test_a_damaged_ledger_loses_its_damaged_lines_only(corpus, damage):
    for name in "ab":
        make_video(corpus.videos / f"{name}.mp4")
    corpus.write("ab", media("frames"))
    ledger = corpus.table.with_suffix(".jsonl")
    ledger.write_bytes(damage + ledger.read_bytes()[:-20])
    assert corpus.write("ab", media("frames")) == {"kept": 1, "decoded": 1, "failed": 0, "missing": 0}
    assert [json.loads(line)["record"]["id"] for line in ledger.read_text().splitlines()] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "name"),
    [("a/b", "a%2Fb"), ("..", "%2E%2E"), ("100%", "100%25"), ("-x $;[é😀", "-x $;[é😀"), ("a.b", "a.b")],
)
def test_any_label_is_one_name_on_disk(text, name):
    assert file_name(text) == name


def test_displacements_are_cut_at_the_bound():
    assert quantise(np.array([-30.0, -20, 0, 10, 20, 99]), bound=20).tolist() == [0, 0, 128, 191, 255, 255]


def test_there_is_no_flow_of_a_single_picture():
    assert list(flow_pictures([np.zeros((32, 32), np.uint8)], bound=20)) == []


def test_the_recipe_names_what_changes_the_frames():
    names = [
        recipe_of(Media()),
        recipe_of(Media(storage="frames", short_side=None, fps=12.5)),
        recipe_of(Media(storage="video", modality="flow")),
        recipe_of(Media(square_pixels=False, tone_map="off", deinterlace="off")),
    ]
    assert names == [
        "packed-256px-q4",
        "frames-fullsize-q4-12.5fps",
        "video-256px-q4-g8-flow20",
        "packed-256px-q4-storedpixels-tonemapoff-deinterlaceoff",
    ]
    unnamed = Media(timeout_seconds=5, min_frames=3, max_gigabytes=1, max_megapixels=1)
    assert recipe_of(unnamed) == recipe_of(Media())
