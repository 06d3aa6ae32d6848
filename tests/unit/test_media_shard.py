"""Packing shards: what is written can be read back, valid videos are not decoded again, bad media end as `failed`."""

import contextlib
import dataclasses
import json
import logging
import os
import resource
import shutil
import tarfile
import tempfile

import av
import numpy as np
import pytest
from media_corpus import MEDIA, make_video

from kinema.media.shard import write_shard
from kinema.media.storages.archive import ArchiveWriter, member_stem, read_stored, video_id_of


def test_frames_come_back_as_they_were_in_the_video(three):
    for seed, (video_id, row) in enumerate(three.rows().items()):
        frames = three.frames(row)
        with av.open(str(three.videos / f"{video_id}.mp4")) as container:
            expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert (row["status"], row["num_frames"], row["truncated"]) == ("ok", len(expected), False)
        assert (row["height"], row["width"], row["fps"]) == (32, 42, 25.0)
        assert row["duration_seconds"] == pytest.approx((5 + seed) / 25, abs=0.05)
        for frame, reference in zip(frames, expected, strict=True):
            assert frame.shape == (3, 32, 42)
            assert np.abs(frame.float().mean((1, 2)).numpy() - reference.mean((0, 1))).max() < 4


def test_members_are_grouped_for_webdataset(corpus):
    ids = ["a.b", "dir/c", "plain", "50%"]
    for video_id in ids:
        make_video(corpus.videos / f"{video_id}.mp4")
    corpus.write(ids)
    with tarfile.open(corpus.tar) as archive:
        names = archive.getnames()
        records = [json.load(archive.extractfile(name)) for name in names[1::2]]
    assert [record["id"] for record in records] == sorted(ids)
    for frames, record, video_id in zip(names[::2], names[1::2], sorted(ids), strict=True):
        assert (frames, record) == (f"{member_stem(video_id)}.mjpg", f"{member_stem(video_id)}.json")
        assert frames.count(".") == 1
        assert "/" not in frames
        assert video_id_of(frames) == video_id


def test_a_second_run_decodes_nothing_and_a_changed_file_only_itself(three):
    content = three.tar.read_bytes()
    assert three.write("abc")["kept"] == 3
    assert three.tar.read_bytes() == content
    before = three.rows()
    make_video(three.videos / "b.mp4", frames=9, seed=7)
    assert three.write("abc") == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}
    after = three.rows()
    assert after["b"]["num_frames"] == 9
    assert after["a"] == before["a"]
    assert after["c"]["frame_offsets"] != before["c"]["frame_offsets"]
    assert all(frame.shape == (3, 32, 42) for frame in three.frames(after["c"]))


def test_new_time_stamps_are_checked_and_decode_nothing(three):
    content = read_stored(three.tar)
    for path in three.videos.iterdir():
        os.utime(path, ns=(5, 5))
    known = three.root / "known.tsv"
    three.plan("abc", known=known)
    for path in three.videos.iterdir():
        os.utime(path, ns=(6, 6))
    assert three.write("abc", known=known)["kept"] == 3
    assert {row["source_token"][-2:] for row in three.rows().values()} == {"-6"}
    after = read_stored(three.tar)
    assert [video.record["frame_bytes"] for video in after.values()] == [
        video.record["frame_bytes"] for video in content.values()
    ]
    assert {video.record["source_token"][-2:] for video in after.values()} == {"-6"}


def test_records_of_an_earlier_version_are_kept_by_their_content(three):
    rewrite_records(three.tar, lambda record: record.pop("source_token") and record | {"source_mtime_ns": 5})
    make_video(three.videos / "b.mp4", frames=6, seed=7)
    os.truncate(three.videos / "c.mp4", three.videos.joinpath("c.mp4").stat().st_size - 1)
    assert three.write("abc") == {"kept": 1, "decoded": 2, "failed": 0, "missing": 0}
    assert not any("source_mtime_ns" in video.record for video in read_stored(three.tar).values())


def test_another_video_of_the_same_size_under_the_old_time_stamps_is_decoded(three):
    path = three.videos / "a.mp4"
    stamps, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))
    assert three.write("abc") == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}


def rewrite_records(tar, change):
    """The same tar with other records."""
    new = tar.with_name("new.tar")
    with contextlib.closing(ArchiveWriter(new)) as writer:
        for video in read_stored(tar).values():
            writer.add_stored(dataclasses.replace(video, record=change(dict(video.record))))
        writer.finish()
    new.replace(tar)


def test_another_version_of_the_frames_decodes_everything_anew(three, monkeypatch):
    monkeypatch.setattr("kinema.media.decode.FRAMES_VERSION", 99)
    assert three.write("abc")["decoded"] == 3
    assert three.write("abc")["kept"] == 3


def test_added_and_dropped_videos_and_another_recipe(three):
    make_video(three.videos / "d.mp4")
    assert three.write("acd") == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}
    assert list(three.rows()) == list(read_stored(three.tar)) == ["a", "c", "d"]
    assert three.write("acd", MEDIA.model_copy(update={"jpeg_quality": 20}))["decoded"] == 3


@pytest.mark.parametrize("cut", [1, 700, 1800])
def test_what_a_killed_run_finished_is_used(three, cut):
    content = three.tar.read_bytes()
    end_of_c = read_stored(three.tar)["c"].data_offset + read_stored(three.tar)["c"].record["num_bytes"]
    three.part.write_bytes(content[: end_of_c - cut])
    three.tar.unlink()
    assert list(read_stored(three.part)) == ["a", "b"]
    assert three.write("abc") == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}
    assert three.tar.read_bytes() == content
    assert sorted(path.name for path in three.tar.parent.iterdir()) == ["0000.arrow", "0000.parquet", "0000.tar"]


def test_parts_of_two_killed_runs_are_joined(three):
    resume, aside = three.tar.with_name("0000.tar.resume"), three.root / "aside.tar"
    stored = read_stored(three.tar)
    shutil.copy(three.tar, aside)
    os.truncate(aside, stored["b"].data_offset + 100)
    make_video(three.videos / "d.mp4")
    three.write("bcd")
    three.tar.rename(three.part)
    aside.rename(resume)
    assert list(read_stored(resume)) == ["a"]
    assert three.write("abcd") == {"kept": 4, "decoded": 0, "failed": 0, "missing": 0}
    assert sorted(path.name for path in three.tar.parent.iterdir()) == ["0000.arrow", "0000.parquet", "0000.tar"]


def test_damaged_members_are_decoded_again(three):
    """A power failure may leave zeros where frames or a record should be."""
    stored = read_stored(three.tar)
    with three.tar.open("r+b") as file:
        file.seek(stored["b"].data_offset)
        file.write(bytes(8))
    assert three.write("abc") == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}


def test_bad_and_missing_media_are_reported_and_bad_ones_not_tried_again(corpus, caplog):
    make_video(corpus.videos / "good.mp4")
    (corpus.videos / "garbage.mp4").write_bytes(np.random.default_rng(0).bytes(3000))
    (corpus.videos / "empty.mp4").touch()
    ids = ["good", "garbage", "empty", "gone"]
    assert corpus.write(ids) == {"kept": 0, "decoded": 1, "failed": 2, "missing": 1}
    rows = corpus.rows()
    assert {video_id: (row["status"], row["reason"]) for video_id, row in rows.items()} == {
        "good": ("ok", None),
        "garbage": ("failed", "not a media file"),
        "empty": ("failed", "empty file"),
        "gone": ("missing", None),
    }
    assert rows["garbage"]["num_frames"] is None
    assert rows["garbage"]["frame_offsets"] is None
    assert "garbage failed: not a media file" in caplog.text
    assert corpus.write(ids) == {"kept": 3, "decoded": 0, "failed": 0, "missing": 1}
    assert corpus.rows() == rows


def test_a_missing_video_keeps_the_hint_of_the_plan(corpus):
    make_video(corpus.videos / "Clip.mp4")
    make_video(corpus.videos / "there.mp4")
    corpus.write(["clip", "there", "gone"])
    details = {name: row["detail"] for name, row in corpus.rows().items()}
    hint = "this looks like it: 'Clip.mp4'; write the name as the file has it"
    assert details == {"clip": hint, "there": None, "gone": None}


def test_the_last_log_line_counts(three, caplog):
    with caplog.at_level(logging.INFO):
        three.write("abc")
    assert caplog.messages[-1] == "shard 0000: 3 kept, 0 decoded, 0 failed, 0 missing"


def test_a_file_that_vanished_after_planning_is_missing(corpus):
    make_video(corpus.videos / "a.mp4")
    manifest = corpus.plan("a")
    (corpus.videos / "a.mp4").unlink()
    counts = write_shard(manifest, table_path=corpus.table, media=MEDIA, ffmpeg=None, workers=1)
    assert counts["missing"] == 1
    assert corpus.rows()["a"]["status"] == "missing"


def test_too_short_videos_fail_until_the_limit_is_lowered(three):
    assert three.write("abc", MEDIA.model_copy(update={"min_frames": 6})) == {
        "kept": 2,
        "decoded": 0,
        "failed": 1,
        "missing": 0,
    }
    assert three.rows()["a"]["reason"] == "too few frames"
    assert three.write("abc") == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}


def test_a_cut_off_video_keeps_its_frames_and_is_marked(corpus):
    whole = make_video(corpus.videos / "a.mkv", frames=60, size=(128, 96))
    os.truncate(whole, whole.stat().st_size * 2 // 3)
    corpus.write("a", MEDIA.model_copy(update={"min_frames": 10}))
    row = corpus.rows()["a"]
    assert row["status"] == "ok"
    assert 10 <= row["num_frames"] < 60
    assert row["truncated"]


def test_the_time_limit_ends_a_video_and_the_next_run_tries_again(corpus):
    make_video(corpus.videos / "a.mp4", frames=600, size=(320, 240))
    hasty = MEDIA.model_copy(update={"timeout_seconds": 0.01})
    assert corpus.write("a", hasty)["failed"] == 1
    assert (corpus.rows()["a"]["reason"], corpus.rows()["a"]["detail"]) == (
        "timeout",
        "after 0.01 s; the next run tries again",
    )
    assert corpus.write("a")["decoded"] == 1


def test_a_full_disk_is_an_error_and_the_old_tar_stays(three):
    content = three.tar.read_bytes()
    make_video(three.videos / "d.mp4", frames=200, size=(320, 240))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    manifest = three.plan("abcd")
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(content), limits[1]))
        with pytest.raises(OSError, match=r"cannot write shard 0000 .*Free some space"):
            write_shard(manifest, table_path=three.table, media=MEDIA, ffmpeg=None, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert three.tar.read_bytes() == content
    assert three.write("abcd") == {"kept": 3, "decoded": 1, "failed": 0, "missing": 0}


def test_too_little_room_to_rewrite_a_tar_is_told_before_it_begins(three, monkeypatch):
    make_video(three.videos / "d.mp4")
    content, needed = three.tar.read_bytes(), sum(row["num_bytes"] for row in three.rows().values())
    free = shutil.disk_usage(three.root)._replace(free=needed - 1)
    with monkeypatch.context() as patched:
        patched.setattr("kinema.media.storages.packed.shutil.disk_usage", lambda path: free)
        with pytest.raises(
            OSError, match=r"rewriting 0000\.tar takes .* GB beside it, .* GB are free.*Free some space"
        ):
            three.write("abcd")
    assert three.tar.read_bytes() == content
    assert not three.part.exists()
    assert three.write("abcd")["decoded"] == 1


def test_no_more_videos_wait_for_the_tar_than_are_decoded_at_a_time(corpus, monkeypatch):
    for number in range(12):
        make_video(corpus.videos / f"v{number:02d}.mp4", seed=number)
    waiting, most = set(), []

    class Watched(tempfile.SpooledTemporaryFile):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            waiting.add(self)
            most.append(len(waiting))

        def close(self):
            waiting.discard(self)
            super().close()

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Watched)
    corpus.write([f"v{number:02d}" for number in range(12)])
    assert not waiting
    assert 12 == len(most) > max(most)
    assert max(most) <= 3  # two in flight for one worker, and the one that is being taken


def test_many_frames_do_not_stay_in_memory(three, monkeypatch):
    """They go to a file meanwhile, and the tar is the same."""
    three.write("abc")
    content = three.tar.read_bytes()
    three.tar.unlink()
    monkeypatch.setattr("kinema.media.storages.packed.IN_MEMORY_BYTES", 1000)
    rolled, rollover = [], tempfile.SpooledTemporaryFile.rollover
    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", lambda self: rolled.append(1) or rollover(self))
    assert three.write("abc")["decoded"] == 3
    assert rolled
    assert three.tar.read_bytes() == content


def test_a_lost_manifest_is_told(tmp_path):
    manifest = tmp_path / "manifests/0000.jsonl"
    with pytest.raises(ValueError, match=r"0000\.jsonl: no such file; it is written with .*plan\.json: delete that"):
        write_shard(manifest, table_path=tmp_path / "shards/0000.parquet", media=MEDIA, ffmpeg=None, workers=1)
