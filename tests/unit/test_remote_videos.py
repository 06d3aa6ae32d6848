"""Videos in a bucket of S3: brought one by one, decoded and dropped; what fails is a row with its reason."""

import hashlib
import logging
import threading

import pytest
from media_corpus import MEDIA, Corpus, make_video
from remote_servers import BUCKET, KEY, SECRET, serving_s3

from kinema.input_error import InputError
from kinema.media import shard
from kinema.media.failures import StoppedError
from kinema.media.listing import VideoFile, known_tokens, list_videos, listing_digest
from kinema.media.probe import MediaError
from kinema.media.remote import listing, retrying, stores, transfers
from kinema.media.remote.errors import StoreError
from kinema.media.retry import read_note
from kinema.media.shard import write_shard

ROOT = f"s3://{BUCKET}/some/pre fix"


@pytest.fixture(scope="module")
def server():
    with serving_s3() as bucket:
        yield bucket


@pytest.fixture
def bucket(server, monkeypatch):
    """An empty bucket, read without long waits."""
    for page in server.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for one in page.get("Contents", ()):
            server.delete(one["Key"])
    server.proxy.faults.clear()
    server.proxy.asked.clear()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(shard, "PAUSE_SECONDS", 0.01)
    stores.store_of.cache_clear()
    listing._listed_once.cache_clear()
    return server


@pytest.fixture
def films(tmp_path, bucket) -> Corpus:
    """Videos a, b, c of the bucket; `raw/` has the same, of which nothing is read."""
    found = Corpus(tmp_path)
    for seed, name in enumerate("abc"):
        make_video(found.videos / f"{name}.mp4", frames=5 + seed, seed=seed)
    bucket.put_folder(found.videos, "some/pre fix/deep")
    found.videos = ROOT
    return found


def statuses(corpus: Corpus) -> dict[str, tuple[str, str | None, str | None]]:
    return {name: (row["status"], row["reason"], row["detail"]) for name, row in corpus.rows().items()}


def left_behind(corpus: Corpus) -> list[str]:
    return [str(path) for path in corpus.root.rglob("*") if "sources" in path.parts or "spill" in path.name]


def test_frames_are_those_of_the_same_files_here_and_no_video_stays(films):
    assert films.write("abc", workers=2) == {"kept": 0, "decoded": 3, "failed": 0, "missing": 0}
    remote, local = films.rows(), Corpus(films.root / "raw")
    assert not left_behind(films)
    local.videos.rmdir()
    local.videos = films.root / "raw"
    local.write("abc")
    for name, row in local.rows().items():
        assert remote[name]["frames_digest"] == row["frames_digest"]
        assert remote[name]["content"] == row["content"]
        assert remote[name]["path"] == f"{ROOT}/deep/{name}.mp4"


def test_a_second_run_lists_and_brings_nothing(films, bucket):
    films.write("abc")
    bucket.proxy.asked.clear()
    assert films.write("abc") == {"kept": 3, "decoded": 0, "failed": 0, "missing": 0}
    assert {path.rpartition("/")[2] for _, path in bucket.proxy.asked} == {BUCKET}


def test_only_a_changed_object_is_brought_again(films, bucket, tmp_path):
    films.write("abc")
    bucket.proxy.asked.clear()
    bucket.put("some/pre fix/deep/b.mp4", make_video(tmp_path / "new.mp4", frames=8, seed=7).read_bytes())
    assert films.write("abc") == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}
    assert [bucket.proxy.gets(f"{name}.mp4") for name in "abc"] == [0, 1, 0]
    assert films.rows()["b"]["num_frames"] == 8


def test_an_object_that_was_written_again_as_it_was_is_the_same(films, bucket, tmp_path):
    before = listing_digest(ROOT)
    bucket.put("some/pre fix/deep/b.mp4", (tmp_path / "raw/b.mp4").read_bytes())
    assert listing_digest(ROOT) == before
    bucket.delete("some/pre fix/deep/b.mp4")
    assert listing_digest(ROOT) != before


def test_an_object_that_is_gone_when_it_is_its_turn_is_missing(films, bucket):
    manifest = films.plan("abc")
    bucket.delete("some/pre fix/deep/b.mp4")
    write_shard(manifest, table_path=films.table, media=MEDIA, ffmpeg=None, workers=1)
    assert {name: row["status"] for name, row in films.rows().items()} == {"a": "ok", "b": "missing", "c": "ok"}


def test_one_that_changed_after_it_was_listed_fails_and_may_pass(films, bucket, tmp_path):
    manifest = films.plan("abc")
    size = (tmp_path / "raw/b.mp4").stat().st_size
    bucket.put("some/pre fix/deep/b.mp4", bytes(size))
    bucket.put("some/pre fix/deep/c.mp4", b"short")
    write_shard(manifest, table_path=films.table, media=MEDIA, ffmpeg=None, workers=1)
    told = ("failed", "changed since it was listed", "the next run lists the videos anew; the next run tries again")
    assert statuses(films) == {"a": ("ok", None, None), "b": told, "c": told}


def test_passing_errors_are_tried_again_and_leave_no_trace(films, bucket):
    bucket.proxy.fail("b.mp4", 503, 503, 500, "cut")
    bucket.proxy.fail("c.mp4", "cut", 429)
    assert films.write("abc")["decoded"] == 3
    assert [bucket.proxy.gets(f"{name}.mp4") for name in "abc"] == [1, 5, 3]


def test_an_object_that_never_comes_is_a_row_and_the_next_run_has_it(films, bucket):
    bucket.proxy.fail("b.mp4", *[503] * 2 * retrying.TRIES)
    assert films.write("abc", attempt=1) == {"kept": 0, "decoded": 2, "failed": 1, "missing": 0}
    why = f"HTTP 503 SlowDown, {retrying.TRIES} times in a row; the next run tries again"
    assert statuses(films)["b"] == ("failed", "transfer failed", why)
    assert read_note(films.table).passing == ["b"]
    assert films.write("abc", attempt=2) == {"kept": 2, "decoded": 1, "failed": 0, "missing": 0}


@pytest.mark.slow
def test_a_slow_object_is_given_up(films, bucket, monkeypatch):
    manifest = films.plan("abc")  # the listing may take as long as it wants
    monkeypatch.setattr(stores, "BLOCK_SECONDS", 2.0)  # which the others do not take, however busy this machine is
    monkeypatch.setattr(retrying, "TRIES", 1)
    bucket.proxy.fail("b.mp4", 10.0, 10.0)
    write_shard(manifest, table_path=films.table, media=MEDIA, ffmpeg=None, workers=2)
    assert statuses(films)["b"][:2] == ("failed", "transfer failed")
    assert statuses(films)["b"][2].startswith("too slow, 1 times in a row")


def test_what_is_forbidden_is_asked_for_once_and_its_keys_are_nowhere(films, bucket, caplog):
    caplog.set_level(logging.DEBUG)
    bucket.proxy.fail("b.mp4", 403, 403)
    films.write("abc", attempt=1)
    why = "HTTP 403 InvalidAccessKeyId; the next run tries again"
    assert statuses(films)["b"] == ("failed", "permission denied", why)
    assert bucket.proxy.gets("b.mp4") == 2, "once, and once more alone, as any that may pass"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("kinema")]
    files = [path.read_bytes() for path in films.root.rglob("*") if path.is_file()]
    for secret in (KEY, SECRET):
        assert not [line for line in ours if secret in line]
        assert not [one for one in files if secret.encode() in one]


def test_parts_of_one_file_share_its_transfer(films, bucket):
    parts = {f"p{number}": {"video": "b", "start": number, "end": number + 2, "unit": "frames"} for number in range(3)}
    assert films.write({"a": {}, **parts, "c": {}})["decoded"] == 5
    assert bucket.proxy.gets("b.mp4") == 1


def test_large_objects_come_in_blocks_and_go_on_behind_what_is_there(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "BLOCK_BYTES", 1000)
    content = bytes(range(256)) * 17
    bucket.put("some/pre fix/x.mp4", content)
    bucket.proxy.fail("x.mp4", None, 503, None, "cut", 503)
    file = list_videos(ROOT)["x.mp4"]
    assert file == VideoFile(len(content), hashlib.md5(content).hexdigest())
    transfers.fetch(f"{ROOT}/x.mp4", file, tmp_path / "x", stop=threading.Event())
    assert (tmp_path / "x").read_bytes() == content
    assert bucket.proxy.gets("x.mp4") == 5 + 3


def rows_of(films: Corpus, monkeypatch) -> list[dict]:
    files = list_videos(films.videos)
    return [{"id": n, "path": f"{ROOT}/{n}", "size": one.size, "token": one.token} for n, one in files.items()]


def test_the_next_objects_come_while_one_is_used(films, monkeypatch):
    rows = rows_of(films, monkeypatch)
    scratch, stop = films.root / "scratch", threading.Event()
    with transfers.Transfers(rows, folder=scratch, stop=stop) as found, found.local(rows[0]) as first:
        assert first.is_file()
        for row in rows[1:]:
            found._objects[row["path"]].arrived.result(30)
        assert len(list(scratch.iterdir())) == 3
    assert not list(scratch.iterdir())


def test_the_scratch_is_bounded(films, monkeypatch):
    rows = rows_of(films, monkeypatch)
    monkeypatch.setattr(transfers, "SCRATCH_BYTES", rows[0]["size"] + rows[1]["size"])
    scratch, stop = films.root / "scratch", threading.Event()
    with transfers.Transfers(rows, folder=scratch, stop=stop) as found:
        with found.local(rows[0]), found.local(rows[1]):
            assert not found._objects[rows[2]["path"]].arrived.done()
            assert len(list(scratch.iterdir())) == 2
        with found.local(rows[2]) as last:
            assert list(scratch.iterdir()) == [last]
    monkeypatch.setattr(transfers, "SCRATCH_BYTES", 1)  # each is larger, and comes alone
    with transfers.Transfers(rows, folder=scratch, stop=stop) as found:
        for row in rows:
            with found.local(row) as path:
                assert list(scratch.iterdir()) == [path]


def test_a_run_that_ends_waits_for_nothing(films, bucket, monkeypatch):
    rows = rows_of(films, monkeypatch)
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 1000)
    bucket.proxy.fail("a.mp4", 503)
    stop = threading.Event()
    with transfers.Transfers(rows, folder=films.root / "scratch", stop=stop) as found:
        threading.Timer(0.5, stop.set).start()
        with pytest.raises(StoppedError), found.local(rows[0]):
            pass


def test_a_disk_that_cannot_be_written_is_no_fault_of_the_object(films, monkeypatch):
    rows = rows_of(films, monkeypatch)
    file = VideoFile(rows[0]["size"], rows[0]["token"])
    (films.root / "x").mkdir()
    with pytest.raises(IsADirectoryError):
        transfers.fetch(rows[0]["path"], file, films.root / "x", stop=threading.Event())
    with pytest.raises(MediaError, match="missing"):
        transfers.fetch(f"{ROOT}/none.mp4", file, films.root / "y", stop=threading.Event())


def test_a_listing_is_kept_and_made_anew_once_a_process(films, bucket, tmp_path):
    kept = tmp_path / "kept.tsv"
    before = listing_digest(ROOT, known=kept, anew=True)
    bucket.put("some/pre fix/d.mp4", b"d")
    bucket.put("some/pre fix/readme.txt", b"d")
    assert listing_digest(ROOT, known=kept, anew=True) == before, "this process has listed it"
    assert listing_digest(ROOT, known=kept) == before, "what was kept counts for its jobs"
    listing._listed_once.cache_clear()
    assert listing_digest(ROOT, known=kept, anew=True) != before
    assert list(list_videos(ROOT, known=kept)) == ["d.mp4", "deep/a.mp4", "deep/b.mp4", "deep/c.mp4"]


def test_a_listing_of_many_pages(bucket, monkeypatch):
    original = stores.BucketStore._asked
    few = lambda self, *given, **options: original(self, *given, **options, MaxKeys=2)  # noqa: E731
    for number in range(5):
        bucket.put(f"some/pre fix/{number}.mp4", b"x")
    bucket.put("some/pre fixed/other.mp4", b"x")
    monkeypatch.setattr(stores.BucketStore, "_asked", few)
    bucket.proxy.fail(f"/{BUCKET}", None, 503)
    assert list(list_videos(ROOT)) == [f"{number}.mp4" for number in range(5)]
    assert bucket.proxy.gets(f"/{BUCKET}") == 4


def test_what_cannot_be_listed_is_one_line_and_an_earlier_listing_counts(films, bucket, tmp_path, caplog):
    kept = tmp_path / "kept.tsv"
    bucket.proxy.fail(f"/{BUCKET}", 403)
    with pytest.raises(InputError, match=r"pre fix: cannot be listed \(HTTP 403 InvalidAccessKeyId\). Credentials"):
        list_videos(ROOT, known=kept, anew=True)
    before = list_videos(ROOT, known=kept, anew=True)
    listing._listed_once.cache_clear()
    bucket.proxy.fail(f"/{BUCKET}", *[503] * retrying.TRIES)
    assert list_videos(ROOT, known=kept, anew=True) == before
    assert "HTTP 503 SlowDown, 5 times in a row" in caplog.text
    assert "What was listed on" in caplog.text
    with pytest.raises(InputError, match=r"s3://none/x: cannot be listed \(HTTP 404 NoSuchBucket\). Correct `videos`"):
        list_videos("s3://none/x")


class EmptyListings:
    """What adlfs does: a container that is absent, and one whose properties are kept from us, have no objects."""

    def find(self, path, *, detail, timeout):
        return {}

    def info(self, path, *, timeout):
        raise {"absent": FileNotFoundError, "kept": PermissionError}[path]


def test_a_container_that_is_absent_is_not_an_empty_one(monkeypatch):
    monkeypatch.setattr(stores.BucketStore, "_system", lambda store: EmptyListings())
    assert list(stores.BucketStore("az://kept").objects("x", lambda name: True)) == []
    with pytest.raises(StoreError, match="not found"):
        list(stores.BucketStore("az://absent").objects("x", lambda name: True))


def test_pictures_are_left_out_with_a_word(bucket, caplog):
    bucket.put("some/pre fix/clip/image_00001.jpg", b"x")
    bucket.put("some/pre fix/a.mp4", b"x")
    assert list(list_videos(ROOT, anew=True)) == ["a.mp4"]
    assert "1 pictures: folders of pictures are read from folders of this machine" in caplog.text


def test_a_list_without_a_video_in_the_bucket_is_refused(films):
    with pytest.raises(InputError, match=r"s3://films/some/pre fix: none of the annotated videos is there; wanted"):
        films.plan(["x", "y"])


def test_no_credentials_are_told(films, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(InputError, match=r"cannot be listed \(no credentials were found\). Credentials come from the"):
        list_videos(ROOT)


def test_a_lacking_package_is_named(monkeypatch):
    import builtins

    imported = builtins.__import__
    refuse = lambda name, *rest: (_ for _ in ()).throw(ImportError(name)) if name == "fsspec" else imported(name, *rest)  # noqa: E731
    stores.store_of.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(
        InputError, match=r"s3://films: s3:// needs s3fs, which is not installed: `pip install '.\[remote"
    ):
        list_videos(ROOT)
    with pytest.raises(InputError, match=r"gs://films: fsspec needs gcsfs for it.*`pip install gcsfs` has it"):
        list_videos("gs://films/x")


def test_the_names_of_listings_lie_in_the_project():
    assert known_tokens(ROOT) != known_tokens(f"{ROOT}/deep")
    assert known_tokens(ROOT).parts[:2] == ("work", "files")
