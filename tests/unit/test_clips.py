"""The dataset that reads the clips of an index."""

import pickle

import numpy as np
import pytest
import torch
from corpus import CLIP

from kinema.clips.dataset import ClipDataset
from kinema.clips.loader import ClipLoader
from kinema.clips.sampling import EpochSampler
from kinema.clips.table import ClipIndex
from kinema.experiment.data_sections import Augmentation


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


@pytest.mark.slow
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


def test_a_looping_clip_repeats_its_frames(prepared):
    clips = dataset(prepared, augmentation=Augmentation(brightness=0.9, crop_area=(0.2, 0.4)), seed=1)
    read, clips.frame_numbers = clips._read_frames, lambda row, rng: np.array([2, 5, 2, 5])
    clips._read_frames = lambda row, numbers: decoded.extend(numbers) or read(row, numbers)
    decoded = []
    frames = clips[0]["clip"]
    assert decoded == [2, 5]
    assert torch.equal(frames[:2], frames[2:])
    assert not torch.equal(frames[0], frames[1])
