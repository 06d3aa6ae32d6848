"""A failure that may pass is tried again: at the end of the job, and in the next run, which then says so."""

import logging
import threading
import time
from types import SimpleNamespace

import av
import numpy as np
import pytest
from media_corpus import MEDIA, failing_ffmpeg, make_video

from kinema.media import decode, packets, shard
from kinema.media.packets import read_packets
from kinema.media.probe import MediaError, probe
from kinema.media.recipe import MEDIA_LIMITS
from kinema.media.retry import MAX_RUNS, Note, attempt_of, note_path, told, write_note
from kinema.media.shard import _decoded_or_tried_again
from kinema.media.storages.interface import Decoded


@pytest.fixture
def two(corpus):
    """Videos a and b."""
    for seed, name in enumerate("ab"):
        make_video(corpus.videos / f"{name}.mp4", seed=seed)
    return corpus


def limits(media=MEDIA) -> dict[str, float]:
    return media.model_dump(include=set(MEDIA_LIMITS))


def run(corpus, media=MEDIA, **options) -> dict[str, int] | None:
    """What a run of the workflow does: nothing, where the number of the attempt is that of the last run."""
    attempt = attempt_of(corpus.table, limits(media))
    if corpus.table.exists() and attempt == corpus.last_attempt:
        return None
    corpus.last_attempt = attempt
    return corpus.write("ab", media, attempt=attempt, **options)


def test_what_is_killed_once_is_decoded_in_the_same_job(two, caplog):
    ffmpeg = failing_ffmpeg(two.root / "ffmpeg", "a.mp4", times=1)
    with caplog.at_level(logging.INFO):
        assert run(two, ffmpeg=ffmpeg)["decoded"] == 2
    assert "trying again, one at a time: a" in caplog.messages
    assert not note_path(two.table).exists()
    assert run(two, ffmpeg=ffmpeg) is None


def test_what_is_killed_twice_is_decoded_in_the_next_run(two, caplog):
    ffmpeg = failing_ffmpeg(two.root / "ffmpeg", "a.mp4", times=2)
    assert run(two, ffmpeg=ffmpeg)["failed"] == 1
    assert two.rows()["a"]["detail"] == "the next run tries again"
    assert "failed for a cause that may pass, the next run tries again: a" in caplog.text
    assert run(two, ffmpeg=ffmpeg) == {"kept": 1, "decoded": 1, "failed": 0, "missing": 0}
    assert run(two, ffmpeg=ffmpeg) is None


def test_what_fails_again_and_again_is_given_up(two):
    ffmpeg = failing_ffmpeg(two.root / "ffmpeg", "a.mp4", times=99)
    for _ in range(MAX_RUNS):
        assert run(two, ffmpeg=ffmpeg)["failed"] == 1
    assert run(two, ffmpeg=ffmpeg) is None
    assert two.rows()["a"]["detail"] == f"so it was in 3 runs; delete {two.table} to have it tried again"
    two.table.unlink()
    assert run(two)["decoded"] == 1
    assert run(two) is None


def test_another_video_that_fails_begins_anew(two):
    for _ in range(MAX_RUNS):
        run(two, ffmpeg=failing_ffmpeg(two.root / "ffmpeg", "a.mp4", times=99))
    make_video(two.videos / "b.mp4", seed=5)
    two.table.unlink()
    run(two, ffmpeg=failing_ffmpeg(two.root / "ffmpeg", "b.mp4", times=99))
    assert two.rows()["b"]["detail"] == "the next run tries again"
    assert run(two)["decoded"] == 1


def test_a_time_limit_is_tried_again_with_nothing_beside_it(tmp_path):
    """Also: what was killed for memory is not tried beside others."""
    running, most, order = [], {}, []
    lock = threading.Lock()

    class Slow:
        stop, spill = threading.Event(), tmp_path

        def __call__(self, row, number, sources):
            with lock:
                running.append(row["id"])
                most[number] = len(running)
            time.sleep(0.02)
            with lock:
                running.remove(row["id"])
                order.append(row["id"])
            failed = number < 6
            return Decoded({"id": row["id"], "reason": "timeout" if failed else None, "passing": failed}, None)

    rows = [{"id": name, "path": name} for name in "abcdef"]
    videos = list(_decoded_or_tried_again(rows, Slow(), workers=3))
    assert sorted(video.record["id"] for video in videos) == list("abcdef")
    assert max(most[number] for number in range(6)) > 1
    assert {most[number] for number in range(6, 12)} == {1}


def test_what_cannot_be_read_is_tried_again_after_a_pause(two, monkeypatch):
    refused, pauses = [], []
    real = decode.content_hash

    def unreadable(path, token):
        if path.endswith("a.mp4") and len(refused) < 3:
            refused.append(path)
            raise MediaError("unreadable", detail="Stale file handle", passing=True)
        return real(path, token)

    monkeypatch.setattr(decode, "content_hash", unreadable)
    monkeypatch.setattr(shard, "time", SimpleNamespace(sleep=pauses.append))
    assert run(two)["failed"] == 1
    assert pauses == [shard.PAUSE_SECONDS]
    assert two.rows()["a"]["detail"] == "Stale file handle; the next run tries again"
    assert run(two)["decoded"] == 1
    assert run(two) is None


def test_a_header_that_there_was_no_time_to_read_is_not_called_invalid(tmp_path):
    """Its index is at the end of the file, and libavformat calls it invalid where a limit comes before that is read."""
    path, reasons = make_video(tmp_path / "a.mp4", frames=100), []
    for seconds in np.geomspace(1e-5, 1e-3, 60):
        try:
            probe(path, timeout_seconds=seconds)
        except MediaError as error:
            reasons.append((error.reason, error.passing))
    assert set(reasons) == {("timeout", True)}


def test_packets_that_there_was_no_time_to_read_are_not_the_end_of_a_file(tmp_path, monkeypatch):
    path = make_video(tmp_path / "a.mp4")
    assert read_packets(path, stream=0, timeout_seconds=60).num_pictures == 6

    def late(*_):
        raise av.error.ExitError(1, "Immediate exit requested")

    monkeypatch.setattr(packets._Reading, "add", late)
    with pytest.raises(MediaError, match="timeout: after 60 s"):
        read_packets(path, stream=0, timeout_seconds=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "low"), [("max_gigabytes", 1e-6), ("max_megapixels", 0.001), ("timeout_seconds", 1e-5)]
)
def test_a_raised_limit_tries_again_what_failed_by_it_and_another_one_does_nothing(two, limit, low):
    (two.videos / "a.mp4").unlink()
    make_video(two.videos / "a.mp4", frames=400, size=(320, 240))
    strict = MEDIA.model_copy(update={limit: low})
    for _ in range(MAX_RUNS):
        run(two, strict)
    rows = two.rows()
    assert rows["a"]["reason"] == ("timeout" if limit == "timeout_seconds" else "too large")
    assert run(two, strict) is None
    assert run(two, strict.model_copy(update={limit: low / 2})) is None
    assert run(two, MEDIA)["failed"] == 0
    assert {row["status"] for row in two.rows().values()} == {"ok"}
    for media in (MEDIA, strict, MEDIA):
        assert run(two, media) is None  # what is stored is fine, whatever the limits


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"attempt": 1, "more": 2}', b"\xff"])
def test_a_damaged_note_is_none(two, content):
    two.table.parent.mkdir()
    note_path(two.table).write_bytes(content)
    assert attempt_of(two.table, limits()) == 0
    assert run(two)["decoded"] == 2


def test_what_fails_for_good_is_left_alone(two):
    (two.videos / "a.mp4").write_bytes(b"no video")
    assert run(two)["failed"] == 1
    assert not note_path(two.table).exists()
    assert two.rows()["a"]["detail"] is None


def test_another_ffmpeg_of_the_same_version_tries_what_failed(two):
    (two.videos / "a.mp4").write_bytes(b"no video")
    first = failing_ffmpeg(two.root / "first", "none", times=0)
    second = failing_ffmpeg(two.root / "second", "none", times=0)
    assert two.write("ab", ffmpeg=first)["failed"] == 1
    assert two.write("ab", ffmpeg=first) == {"kept": 2, "decoded": 0, "failed": 0, "missing": 0}
    assert two.write("ab", ffmpeg=second) == {"kept": 1, "decoded": 0, "failed": 1, "missing": 0}


def test_videos_that_may_pass_are_told_with_what_to_do(tmp_path):
    table = tmp_path / "tiny/packed/shards/0003.parquet"
    table.parent.mkdir(parents=True)
    assert told(tmp_path) == told(tmp_path, given_up=True) == []
    write_note(table, Note(1, ["a", "b"], 1))
    (line,) = told(tmp_path)
    assert line == f"{table}: 2 videos failed by what may pass (a, b): the same command tries them again"
    assert told(tmp_path, given_up=True) == []
    write_note(table, Note(3, list("abcdefg"), MAX_RUNS))
    assert told(tmp_path) == []
    (line,) = told(tmp_path, given_up=True)
    assert f"7 videos failed by what may pass (a, b, c, d, e, ...): delete {table} to have them tried" in line
