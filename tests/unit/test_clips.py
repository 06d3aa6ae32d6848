"""The dataset that reads the clips of an index."""

import pickle

import numpy as np
import pytest
import torch
from corpus import CLIP
from torch.utils.data import DataLoader

from kinema.clips.dataset import ClipDataset, EpochSampler
from kinema.clips.table import ClipIndex
from kinema.config import Augmentation, Clip


def dataset(root, *, subset="training", clip=CLIP, **options):
    return ClipDataset(ClipIndex.load(root / "clips.parquet", subset=subset, clip=clip), clip=clip, **options)


def test_evaluation_clips_are_the_frames_of_the_video(prepared):
    clips = dataset(prepared, subset="validation")
    item = clips[1]
    assert item["clip"].shape == (4, 3, 48, 48)
    assert item["clip"].dtype == torch.uint8
    row = clips.index.rows.slice(1, 1).to_pylist()[0]
    frames = clips.frame_numbers(1, np.random.default_rng(0))
    assert frames.tolist() == [row["start"] + 2 * number for number in range(4)]
    assert item["label"] == clips.index.labels.index(row["label"])
    assert clips.videos[item["video"]].as_py() == row["video"]
    # a second look gives the same clip, another clip of the same video another one
    assert torch.equal(item["clip"], clips[1]["clip"])
    assert not torch.equal(item["clip"], clips[2]["clip"])


def test_what_a_spawned_worker_is_sent_does_not_grow_with_the_index(prepared):
    clips = dataset(prepared, subset="validation")
    clips[0]
    sent = pickle.dumps(clips)
    assert len(sent) < 5_000
    assert torch.equal(pickle.loads(sent)[3]["clip"], clips[3]["clip"])


@pytest.mark.parametrize("workers", [0, 2])
def test_training_clips_depend_on_seed_epoch_and_row_alone(prepared, workers):
    clips = dataset(prepared, augmentation=Augmentation(), seed=3)
    sampler = EpochSampler(len(clips), seed=3)

    def epoch(number, num_workers):
        sampler.set_epoch(number)
        batches = DataLoader(clips, batch_size=2, sampler=sampler, num_workers=num_workers)
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


def test_augmentation_is_the_same_for_all_frames_of_a_clip(prepared):
    still = Clip(length=3, stride=1, size=48)
    clips = dataset(prepared, clip=still, augmentation=Augmentation(brightness=0.9, crop_area=(0.2, 0.4)), seed=1)
    clips.frame_numbers = lambda row, rng: np.array([5, 5, 5])
    frames = clips[0]["clip"]
    assert torch.equal(frames[0], frames[1])
    assert torch.equal(frames[0], frames[2])


def test_every_training_video_is_seen_once_an_epoch(prepared):
    clips = dataset(prepared, augmentation=Augmentation())
    sampler = EpochSampler(len(clips), seed=0)
    first = list(sampler)
    sampler.set_epoch(1)
    second = list(sampler)
    assert sorted(row for _, row in first) == sorted(row for _, row in second) == list(range(5))
    assert {epoch for epoch, _ in second} == {1}
    orders = {tuple(row for _, row in EpochSampler(5, seed=seed)) for seed in range(8)}
    assert len(orders) > 1
