"""clips.parquet and the memory-mapped index that loaders open."""

import gc
import multiprocessing
import pickle
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP, build, entry, write_annotation, write_corpus

from kinema.clips.dataset import ClipDataset
from kinema.clips.table import SCHEMA, VIDEO_SCHEMA, ClipIndex, labelled_subsets, mapped_path, write_clips
from kinema.clips.windows import RANDOM_START, enumerate_clips, num_clips_asked
from kinema.experiment.data_sections import Augmentation, Clip
from kinema.inference.sampling import taken
from kinema.inference.windows import clip_frames, evaluation_starts
from kinema.input_error import InputError


def test_the_index_has_one_row_a_training_video_and_one_an_evaluation_clip(prepared):
    table = pq.read_table(prepared / "clips.parquet")
    assert table.schema.remove_metadata() == SCHEMA
    rows = table.to_pandas()
    training, validation = rows[rows["subset"] == "training"], rows[rows["subset"] == "validation"]
    assert (len(training), len(validation)) == (5, 18)
    assert set(training["start"]) == {RANDOM_START}
    assert all(group["clip"].tolist() == [0, 1, 2] for _, group in validation.groupby("video"))
    assert (validation["start"] + CLIP.length * CLIP.stride <= validation["num_frames"]).all()


def test_rows_lie_by_subset_and_video_whatever_the_order_of_the_annotation(tmp_path):
    # as the reference orders videos: by name, v10 before v2
    names = ["v2", "v10", "v1", "w"]
    database = {name: entry(subset) for name, subset in zip(names, ["training", "testing"] * 2, strict=True)}
    write_corpus(tmp_path, database, {})
    build(tmp_path, allowed=0)
    rows = pq.read_table(tmp_path / "clips.parquet").to_pandas()
    keys = rows[["subset", "video", "clip"]].apply(tuple, axis=1).tolist()
    assert keys == sorted(keys)
    assert rows.loc[rows["subset"] == "training", "video"].tolist() == ["v1", "v2"]
    groups = pq.ParquetFile(tmp_path / "clips.parquet").metadata
    column = SCHEMA.get_field_index("subset")
    spans = [groups.row_group(number).column(column).statistics for number in range(groups.num_row_groups)]
    assert [(span.min, span.max) for span in spans] == [("testing",) * 2, ("training",) * 2]


def test_another_data_set_of_the_corpus_that_gains_a_video_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = {name: entry("training") for name in "bdfh"}
    indexes = []
    for others in ({}, {name: entry("training") for name in "aceg"}):
        write_corpus(Path(), database | others, {})
        write_annotation(Path(), database)
        build(Path(), allowed=0)
        indexes.append(Path("clips.parquet").read_bytes())
    assert indexes[0] == indexes[1]


def test_clips_of_many_videos_are_those_of_each(tmp_path):
    rng = np.random.default_rng(0)
    subsets = rng.choice(["training", "validation", "testing"], 300)
    frames = rng.integers(1, 120, 300)
    videos = pa.table({"video": [f"v{number}" for number in range(300)], "subset": subsets, "num_frames": frames})
    for clip in (
        CLIP,
        Clip(length=8, stride=1, num_val_clips=0, num_test_clips=1),
        Clip(num_val_clips=7, num_train_clips=3),
    ):
        starts = enumerate_clips(videos, clip).to_pandas().groupby("video")["start"].agg(list)
        for video, subset, number in zip(videos["video"].to_pylist(), subsets, frames.tolist(), strict=True):
            window, wanted = clip.length * clip.stride, num_clips_asked(subset, clip)
            expected = evaluation_starts(number, window=window, num_clips=wanted)
            assert starts[video] == ([RANDOM_START] * wanted if subset == "training" else expected)


def test_several_training_clips_of_a_video_are_drawn_each_for_itself(prepared):
    several = load(prepared, "training", clip=CLIP.model_copy(update={"num_train_clips": 4}))
    assert len(several) == 4 * len(load(prepared, "training"))
    dataset = ClipDataset(several, clip=CLIP, augmentation=Augmentation(), seed=1)
    clips = [dataset[0, row]["clip"] for row in range(4)]
    assert len({int(dataset[0, row]["video"]) for row in range(4)}) == 1
    assert not any(torch.equal(one, other) for one, other in combinations(clips, 2))


def load(root, subset, clip=CLIP, **options):
    return ClipIndex.load(root / "clips.parquet", subset=subset, clip=clip, **options)


def test_an_index_is_the_rows_of_its_subset(prepared):
    table = pq.read_table(prepared / "clips.parquet")
    for subset in ("training", "validation"):
        index, rows = load(prepared, subset), table.filter(pa.compute.equal(table["subset"], subset)).to_pandas()
        assert index.rows.to_pandas().astype(object).equals(rows.astype(object))
        assert [index.video(row) for row in range(len(index))] == rows["video"].tolist()
        assert index.videos.take(index.video_number).to_pylist() == rows["video"].tolist()
        assert [str(index.shard(row)) for row in range(len(index))] == rows["shard"].tolist()
        assert index.label_index.tolist() == [index.labels.index(label) for label in rows["label"]]


def test_another_clip_length_is_enumerated_afresh(prepared):
    longer = Clip(length=2, stride=1, size=48, num_val_clips=5)
    index = load(prepared, "validation", clip=longer)
    assert len(index) == 6 * 5
    assert index.clip == longer
    number = int(index.num_frames[0])
    assert index.start[:5].tolist() == evaluation_starts(number, window=2, num_clips=5)
    path = index.path
    assert path.exists()
    del index
    assert not path.exists(), "a temporary file goes with its index"


@pytest.mark.parametrize(
    ("subset", "clip"),
    [
        ("training", Clip(length=9, num_val_clips=1)),  # training clips are drawn when they are read
        ("validation", CLIP.model_copy(update={"size": 96, "num_test_clips": 1})),
        ("validation", CLIP.model_copy(update={"length": 8, "stride": 1})),
    ],
)
def test_clips_at_the_same_places_need_no_file_of_their_own(prepared, subset, clip):
    assert load(prepared, subset, clip=clip).path == mapped_path(prepared / "clips.parquet")


def test_unlabelled_videos_can_be_left_out(tmp_path):
    database = {
        "a": entry("training"),
        "b": entry("testing", None),
        "c": entry("testing"),
        "d": entry("validation", None),
    }
    write_corpus(tmp_path, database, {})
    build(tmp_path, allowed=0, clip=Clip(num_test_clips=1))
    assert labelled_subsets(tmp_path / "clips.parquet") == ["testing", "training"]
    assert len(load(tmp_path, "testing", Clip(num_test_clips=1))) == 2
    index = load(tmp_path, "testing", Clip(num_test_clips=1), labelled=True)
    assert [index.video(row) for row in range(len(index))] == ["c"]
    with pytest.raises(ValueError, match=r"no video of the subset validation has a label"):
        load(tmp_path, "validation", labelled=True)


def test_what_is_not_there_is_named(prepared, tmp_path):
    with pytest.raises(ValueError, match=r"no clip of the subset testing; there are clips of training, validation"):
        load(prepared, "testing")
    (tmp_path / "clips.parquet").write_bytes((prepared / "clips.parquet").read_bytes())
    with pytest.raises(ValueError, match=r"clips\.arrow: no such file.*clips\.parquet: delete that and run snakemake"):
        load(tmp_path, "training")


def test_a_pickled_index_is_the_name_of_its_file(prepared):
    index = load(prepared, "validation")
    index.start, index.video_number  # noqa: B018  arrays that are views of the mapped file
    sent = pickle.dumps(index)
    assert len(sent) < 1000
    copy = pickle.loads(sent)
    assert copy.rows.equals(index.rows)


def walk_through(index, pipe):
    """A loader worker that reads 10,000 rows from all over the index and sends the size of its own memory in kB."""
    gc.disable()  # a collection would write to, and so copy, what a forked worker inherits
    for row in range(0, len(index), len(index) // 10_000):
        index.video(row), index.shard(row), int(index.start[row]), int(index.label_index[row])
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    # pages of a mapped file that were only read are clean
    pipe.send(next(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux")
@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_memory_of_workers_does_not_grow_with_rows(method, tmp_path):
    assert abs(worker_kilobytes(method, tmp_path, 300_000) - worker_kilobytes(method, tmp_path, 10_000)) < 4_000


def worker_kilobytes(method, folder, num_videos):
    """Mean memory of two workers that read an index of so many rows; the names alone are 12 MB of 300,000."""
    number = np.arange(num_videos)
    videos = pa.table(
        {
            "video": pa.array([f"some_video_of_a_large_corpus_{n:09d}" for n in number]),
            "label": ["walk"] * num_videos,
            "label_index": np.zeros(num_videos, "int32"),
            "subset": ["training"] * num_videos,
            "group": pa.nulls(num_videos, pa.string()),
            "num_frames": np.full(num_videos, 250, "int32"),
            "fps": np.full(num_videos, 25.0),
            "seconds": pa.nulls(num_videos, pa.float64()),
            "times_digest": pa.nulls(num_videos, pa.string()),
            "frames_digest": pa.array([f"{n:032x}" for n in number]),
            "shard": pa.array([f"prepared/kinetics/{n % 512:04d}.parquet" for n in number]),
            "flow_shard": pa.nulls(num_videos, pa.string()),
        }
    )
    write_clips(videos.select(VIDEO_SCHEMA.names), folder / "clips.parquet", labels=["walk"], clip=CLIP)
    del videos
    index = load(folder, "training")
    context = multiprocessing.get_context(method)
    pipes = [context.Pipe() for _ in range(2)]
    workers = [context.Process(target=walk_through, args=(index, there)) for _, there in pipes]
    for worker in workers:
        worker.start()
    found = [here.recv() for here, _ in pipes]
    for worker in workers:
        worker.join()
    return sum(found) / len(found)


@pytest.mark.parametrize(
    ("labels", "flip", "is_told"),
    [
        (("swipe left", "swipe right"), 0.5, True),
        (("swipe left", "swipe right"), 0.0, False),
        (("swipe left", "push"), 0.5, True),
        (("leftover", "push"), 0.5, False),
    ],
)
def test_labels_that_tell_left_from_right_are_told_where_clips_are_mirrored(tmp_path, caplog, labels, flip, is_told):
    database = {
        "a": entry("training", labels[0]),
        "b": entry("training", labels[1]),
        "c": entry("validation", labels[0]),
    }
    write_corpus(tmp_path, database, {}, labels=labels)
    build(tmp_path, allowed=0, augmentation=Augmentation(horizontal_flip=flip))
    assert ("labels tell left from right ('swipe left'" in caplog.text) == is_told
    pairs = '{mirrored_labels: [["swipe left", "swipe right"]]}'
    assert (f"write  augmentation: {pairs}" in caplog.text) == (is_told and "swipe right" in labels)
    assert ("write  augmentation: {horizontal_flip: 0}" in caplog.text) == (is_told and "push" in labels)


def test_pairs_that_are_named_are_not_told_again_and_must_be_labels(tmp_path, caplog):
    labels = ("swipe left", "swipe right")
    database = {name: entry("training", label) for name, label in zip("ab", labels, strict=True)}
    write_corpus(tmp_path, database | {"c": entry("validation", labels[0])}, {}, labels=labels)
    build(tmp_path, allowed=0, augmentation=Augmentation(mirrored_labels=[list(labels)]))
    assert "left from right" not in caplog.text
    with pytest.raises(InputError, match=r"mirrored_labels: 'Swipe left' is no label .* has 'swipe left'"):
        build(tmp_path, allowed=0, augmentation=Augmentation(mirrored_labels=[["Swipe left", "swipe right"]]))


def test_a_mirrored_clip_has_the_label_that_is_named_for_it(prepared):
    index = load(prepared, "training")
    one, other = index.labels[int(index.label_index[0])], index.labels[int(index.label_index[1])]
    pairs = {"mirrored_labels": [[one, other]]}
    for flip, named, expected in ((1, {}, one), (1, pairs, other), (0, pairs, one)):
        augmentation = Augmentation(horizontal_flip=flip, **named)
        label = ClipDataset(index, clip=CLIP, augmentation=augmentation)[0]["label"]
        assert index.labels[label] == expected
    assert index.labels[ClipDataset(index, clip=CLIP)[0]["label"]] == one


def test_clips_in_time_have_the_frames_that_a_client_takes(tmp_path):
    rates = {"slow": 15.0, "usual": 25.0, "fast": 60.0, "unknown": None}
    videos = pa.table(
        {
            "video": list(rates),
            "label": ["walk"] * 4,
            "label_index": pa.array([0] * 4, pa.int32()),
            "subset": ["validation"] * 4,
            "group": pa.nulls(4, pa.string()),
            "num_frames": pa.array([45, 75, 180, 75], pa.int32()),
            "fps": list(rates.values()),
            "seconds": pa.nulls(4, pa.float64()),
            "times_digest": pa.nulls(4, pa.string()),
            "frames_digest": ["0"] * 4,
            "shard": ["s.parquet"] * 4,
            "flow_shard": pa.nulls(4, pa.string()),
        }
    )
    clip = Clip(length=8, stride=2, fps=12.5, num_val_clips=2)
    write_clips(videos.cast(VIDEO_SCHEMA), tmp_path / "clips.parquet", labels=["walk"], clip=clip)
    index = ClipIndex.load(tmp_path / "clips.parquet", subset="validation", clip=clip)
    dataset, rng = ClipDataset(index, clip=clip), np.random.default_rng(0)
    assert len(index) == 8
    for row in range(len(index)):
        number, rate = int(index.num_frames[row]), rates[index.video(row)]
        at_pace = taken(np.arange(number) / rate, 12.5) if rate else np.arange(number)
        asked = {"num_frames": len(at_pace), "length": 8, "stride": 2}
        expected = at_pace[clip_frames(int(index.start[row]), **asked)]
        assert dataset.frame_numbers(row, rng).tolist() == expected.tolist()
        if rate:
            seconds = expected / rate
            assert (np.abs(np.diff(seconds) - 2 / 12.5) <= 1 / rate + 1e-9).all(), "a clip spans the same time in all"
    by_number = ClipIndex.load(
        tmp_path / "clips.parquet", subset="validation", clip=clip.model_copy(update={"fps": None})
    )
    assert by_number.start.tolist() != index.start.tolist(), "enumerated afresh"
