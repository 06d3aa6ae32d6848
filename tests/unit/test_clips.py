"""From shard tables to clips: the report, the index, and the dataset that reads them."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP, build

from kinema.clips.coverage import summarise, write_report
from kinema.clips.dataset import ClipDataset, ClipIndex
from kinema.clips.index import SCHEMA
from kinema.clips.loader import ClipLoader
from kinema.clips.sampling import EpochSampler
from kinema.config import Augmentation, Clip


def test_the_index_has_one_row_a_training_video_and_one_an_evaluation_clip(prepared):
    table = pq.read_table(prepared / "clips.parquet")
    assert table.schema.remove_metadata() == SCHEMA
    rows = table.to_pandas()
    training, validation = rows[rows["subset"] == "training"], rows[rows["subset"] == "validation"]
    assert (len(training), len(validation)) == (5, 18)
    assert set(training["start"]) == {-1}
    assert all(group["clip"].tolist() == [0, 1, 2] for _, group in validation.groupby("video"))
    assert (validation["start"] + CLIP.length * CLIP.stride <= validation["num_frames"]).all()


def test_too_many_dropped_videos_stop_with_the_reasons(prepared):
    with pytest.raises(
        ValueError, match=r"(?s)1 of 12 videos .* max_failed_fraction = 0\.05.*merge_train_000: missing"
    ):
        build(prepared, allowed=0.05)


def test_the_report_counts_by_subset_label_and_reason(prepared):
    write_report(
        annotation=prepared / "annotation.json",
        shards=[prepared / "0000.parquet", prepared / "0001.parquet"],
        out=prepared / "report.json",
    )
    report = json.loads((prepared / "report.json").read_text())
    assert (report["listed"], report["ok"], report["missing"]) == (12, 11, 1)
    assert report["subsets"]["training"]["missing"] == 1
    assert report["labels"]["merge"]["coverage"] == 0.5
    assert [row["video"] for row in report["dropped"]] == ["merge_train_000"]


def test_a_group_in_two_subsets_is_a_leak():
    columns = ["video", "subset", "label", "group", "status", "reason", "num_frames", "num_bytes"]
    rows = [("a", "training", "x", "p1", "ok", None, 9, 9), ("b", "testing", "x", "p1", "ok", None, 9, 9)]
    rows += [("c", "training", "x", "p2", "ok", None, 9, 9)]
    assert summarise(pd.DataFrame(rows, columns=columns))["shared_groups"] == {"p1": ["testing", "training"]}


def test_shards_of_another_list_are_refused(prepared, tmp_path):
    annotation = json.loads((prepared / "annotation.json").read_text())
    annotation["database"]["stranger"] = {"subset": "training", "annotations": {"label": "grow"}}
    (tmp_path / "annotation.json").write_text(json.dumps(annotation))
    with pytest.raises(ValueError, match=r"1 videos of the annotation are in no shard, such as 'stranger'"):
        write_report(
            annotation=tmp_path / "annotation.json",
            shards=[prepared / "0000.parquet", prepared / "0001.parquet"],
            out=tmp_path / "report.json",
        )


def dataset(root, *, subset="training", clip=CLIP, **options):
    return ClipDataset(ClipIndex.load(root / "clips.parquet", subset=subset, clip=clip), clip=clip, **options)


def test_evaluation_clips_are_the_frames_of_the_video(prepared):
    clips = dataset(prepared, subset="validation")
    item = clips[1]
    assert item["clip"].shape == (4, 3, 48, 48)
    assert item["clip"].dtype == torch.uint8
    row = clips.index.rows.iloc[1]
    frames = clips.frame_numbers(1, np.random.default_rng(0))
    assert frames.tolist() == [row["start"] + 2 * number for number in range(4)]
    assert item["label"] == clips.index.labels.index(row["label"])
    # a second look gives the same clip, another clip of the same video another one
    assert torch.equal(item["clip"], clips[1]["clip"])
    assert not torch.equal(item["clip"], clips[2]["clip"])


def test_another_clip_length_is_enumerated_afresh(prepared):
    longer = Clip(length=2, stride=1, size=48, num_val_clips=5)
    clips = dataset(prepared, subset="validation", clip=longer)
    assert Counter(clips.index.rows["video"]).most_common(1)[0][1] == 5
    assert len(clips) == 6 * 5


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("crop", ["area", "corner", "random"])
def test_training_clips_depend_on_seed_epoch_and_row_alone(prepared, crop, workers):
    clips = dataset(prepared, augmentation=Augmentation(crop=crop, rand_augment_ops=1), seed=3)
    sampler = EpochSampler(len(clips), seed=3)

    def epoch(number, num_workers):
        sampler.set_epoch(number)
        batches = ClipLoader(clips, batch_size=2, sampler=sampler, num_workers=num_workers)
        return torch.cat([batch["clip"] for batch in batches])

    torch.manual_seed(workers)
    assert torch.equal(epoch(1, workers), epoch(1, 0))
    assert not torch.equal(epoch(1, workers), epoch(2, workers))


def test_reading_a_clip_leaves_the_global_generator_alone(prepared):
    clips = dataset(prepared, augmentation=Augmentation(), seed=3)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    clips[0]
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("numbers", [[3, 5, 7, 9], [3, 5, 3, 5]])
def test_a_layout_with_the_channels_last_has_the_same_clips(prepared, numbers):
    first = dataset(prepared, augmentation=Augmentation(), seed=3)
    last = dataset(prepared, augmentation=Augmentation(), seed=3, layout="THWC")
    first.frame_numbers = last.frame_numbers = lambda row, rng: np.array(numbers)
    item = last[0]["clip"]
    assert item.is_contiguous()
    assert tuple(item.shape) == last.clip_shape == (4, 48, 48, 3)
    assert torch.equal(item.permute(0, 3, 1, 2), first[0]["clip"])
    (batch,) = ClipLoader(last, batch_size=5, num_workers=1)
    assert torch.equal(batch["clip"][0], item)


def test_a_looping_clip_repeats_its_frames(prepared):
    clips = dataset(prepared, augmentation=Augmentation(brightness=0.9, crop_area=(0.2, 0.4)), seed=1)
    read, clips.frame_numbers = clips._read_frames, lambda row, rng: np.array([2, 5, 2, 5])
    clips._read_frames = lambda row, numbers: decoded.extend(numbers) or read(row, numbers)
    decoded = []
    frames = clips[0]["clip"]
    assert decoded == [2, 5]
    assert torch.equal(frames[:2], frames[2:])
    assert not torch.equal(frames[0], frames[1])


def test_bytes_that_are_no_picture_are_named(prepared):
    clips = dataset(prepared)
    clips._reader.read = lambda tar, spans: [b"no picture"] * len(spans)
    with pytest.raises(ValueError, match=r"parquet: frame \d+ of video '\w+' is not a JPEG image.*Delete"):
        clips[0]
