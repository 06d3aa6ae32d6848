"""Digests of stored frames, and what reading and `kinema check` notice by them."""

import contextlib
import dataclasses
import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from media_corpus import MEDIA, Corpus, make_video

from kinema.cli import main
from kinema.experiment.data_sections import Media
from kinema.media.layout import arrow_table
from kinema.media.reader import FrameReader
from kinema.media.storages.archive import ArchiveWriter, read_stored

STORAGES = ["packed", "frames", "video"]


@pytest.fixture(params=STORAGES)
def stored(request, corpus) -> Corpus:
    """Videos a and b of equal size, as this storage keeps them."""
    corpus.media = MEDIA.model_copy(update={"storage": request.param})
    for seed, name in enumerate("ab"):
        make_video(corpus.videos / f"{name}.mp4", seed=seed)
    corpus.write("ab", corpus.media)
    return corpus


def check(corpus, capsys) -> tuple[int, list[str]]:
    """Exit status of `kinema check` and its lines but for the last, which counts."""
    status = main(["check", str(corpus.root)])
    *problems, last = capsys.readouterr().out.splitlines()
    assert last == f"1 shards: {len(problems) or 'no'} problems"
    return status, problems


@pytest.mark.parametrize("modality", ["rgb", "flow"])
@pytest.mark.parametrize("storage", STORAGES)
def test_equal_frames_have_equal_digests_whatever_they_are_called(tmp_path, storage, modality):
    media = Media(storage=storage, modality=modality, short_side=32)
    digests = []
    for number, names in enumerate(["ab", "dcba"]):
        (tmp_path / str(number)).mkdir()
        corpus = Corpus(tmp_path / str(number))
        for seed, name in enumerate(names):
            make_video(corpus.videos / f"{name}.mp4", seed=seed)
        corpus.write(names, media, label="wave" if number else "hug")
        rows = corpus.rows()
        digests.append([rows[name]["frames_digest"] for name in names])
    assert digests[0] == digests[1][:2]
    assert len(set(digests[1])) == 4


def test_what_has_no_frames_has_no_digest(corpus):
    (corpus.videos / "bad.mp4").write_bytes(b"no video")
    corpus.write(["bad", "gone"])
    assert {row["frames_digest"] for row in corpus.rows().values()} == {None}


def test_records_of_an_earlier_version_get_their_digest(stored):
    before = stored.rows()
    forget_digests(stored)
    assert stored.write("ab", stored.media)["kept"] == 2
    assert stored.rows() == before
    assert stored.write("ab", stored.media)["kept"] == 2


def forget_digests(corpus):
    if corpus.media.storage == "packed":
        with contextlib.closing(ArchiveWriter(corpus.tar.with_name("new"))) as writer:
            for video in read_stored(corpus.tar).values():
                record = {key: value for key, value in video.record.items() if key != "frames_digest"}
                writer.add_stored(dataclasses.replace(video, record=record))
            writer.finish()
        corpus.tar.with_name("new").replace(corpus.tar)
        return
    ledger = corpus.table.with_suffix(".jsonl")
    entries = [json.loads(line) for line in ledger.read_text().splitlines()]
    for entry in entries:
        del entry["record"]["frames_digest"]
    ledger.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


def test_what_was_written_has_no_problem(stored, capsys):
    assert check(stored, capsys) == (0, [])
    assert main(["check", str(stored.table)]) == 0


def test_a_flipped_byte_is_found_and_the_remedy_mends_it(stored, capsys):
    place, offset = frames_of(stored, "a")
    content = bytearray(place.read_bytes())
    content[offset + 200] ^= 1
    place.write_bytes(content)
    status, (problem,) = check(stored, capsys)
    assert status == 1
    assert "0000.parquet: 'a': its frames are not those that were written" in problem
    what = problem.partition(": delete ")[2].partition(" and run snakemake again")[0]
    for path in map(stored.root.__truediv__, what.split(" and ")):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    stored.write("ab", stored.media)
    assert check(stored, capsys) == (0, [])


def frames_of(corpus, name):
    """A file with frames of a video, and where they begin in it."""
    row = corpus.rows()[name]
    place = corpus.root / row["stored"]
    return (place / "image_00002.jpg" if place.is_dir() else place), row["data_offset"] or 0


def test_swapped_videos_are_found(stored, capsys):
    rows = stored.rows()
    places = {name: {key: rows[name][key] for key in ("stored", "data_offset", "frame_offsets")} for name in "ab"}
    rewrite_table(stored, [rows["a"] | places["b"], rows["b"] | places["a"]])
    assert len(list(FrameReader().read(stored.table, "a", range(6)))) == 6  # whole frames, though of another video
    status, problems = check(stored, capsys)
    assert (status, len(problems)) == (1, 2)


def rewrite_table(corpus, rows):
    schema = pq.read_schema(corpus.table)
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, corpus.table)
    with pa.ipc.new_file(arrow_table(corpus.table), schema) as file:
        file.write_table(table)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda offsets: [offset + 7 for offset in offsets],
        lambda offsets: [offsets[0], offsets[2], offsets[1], *offsets[3:]],
        lambda offsets: [offset + 1000000 for offset in offsets],
        lambda offsets: [offsets[0]] * 3 + offsets[3:],
    ],
    ids=["shifted", "swapped", "behind the end", "empty"],
)
def test_offsets_that_lead_elsewhere_are_noticed_at_reading(three, capsys, spoil):
    rows = three.rows()
    rows["a"]["frame_offsets"] = spoil(rows["a"]["frame_offsets"])
    rewrite_table(three, list(rows.values()))
    with pytest.raises(
        ValueError, match=r"cannot read 'a' \(.*delete .*0000\.tar and .*0000\.parquet and run snakemake"
    ):
        list(FrameReader().read(three.table, "a", range(5)))
    status, (problem,) = check(three, capsys)
    assert status == 1
    assert "0000.parquet: 'a': " in problem


def test_a_frame_of_flow_that_is_one_picture_is_noticed(corpus):
    make_video(corpus.videos / "a.mp4")
    corpus.write("a", Media(storage="frames", modality="flow", short_side=32))
    folder = corpus.root / "frames" / "wave" / "a"
    (folder / "flow_y_00001.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="cannot read 'a'"):
        list(FrameReader().read(corpus.table, "a", [0]))


def test_lost_files_are_found(stored, capsys):
    arrow = arrow_table(stored.table)
    content = arrow.read_bytes()
    arrow.write_bytes(content[:200])
    status, (problem,) = check(stored, capsys)
    assert (status, "0000.parquet: cannot be read" in problem) == (1, True)
    arrow.write_bytes(content)
    place, _ = frames_of(stored, "a")
    place.unlink()
    status, (problem,) = check(stored, capsys)
    assert (status, str(place.name).split("_")[0] in problem or "'a'" in problem) == (1, True)
    stored.table.with_name("0001.parquet").write_bytes(stored.table.read_bytes())
    stored.table.unlink()
    assert main(["check", str(stored.root / "shards")]) == 1
    assert "0000.parquet: no such table. Run snakemake" in capsys.readouterr().out


def test_the_arrow_file_of_another_table_is_found(three, capsys):
    copy = three.root / "copy.arrow"
    shutil.copy(arrow_table(three.table), copy)
    three.write("ab")
    shutil.copy(copy, arrow_table(three.table))
    status, (problem,) = check(three, capsys)
    assert status == 1
    assert "0000.arrow: other rows than in" in problem


def test_tables_of_an_earlier_version_are_named(three, capsys):
    table = pq.read_table(three.table).drop_columns(["frames_digest"])
    pq.write_table(table, three.table)
    with pa.ipc.new_file(arrow_table(three.table), table.schema) as file:
        file.write_table(table)
    status, (problem,) = check(three, capsys)
    assert (status, "of an earlier version" in problem) == (1, True)


def test_a_folder_without_shards_is_no_success(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 2
    assert "no shard table in it; expected a folder such as prepared/" in capsys.readouterr().err
