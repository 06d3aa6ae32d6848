"""The order of an epoch, its weights, and the loader that reads it."""

from collections import Counter

import numpy as np
import pytest
import torch
from corpus import CLIP

from kinema.clips import sampling as sampling_module
from kinema.clips.dataset import ClipDataset, ClipIndex
from kinema.clips.loader import ClipLoader
from kinema.clips.sampling import EpochSampler, sampling_weights
from kinema.experiment.data_sections import Augmentation

LABELS = np.repeat([0, 1, 2], [900, 90, 10])


def rows(sampler, epoch=0):
    sampler.set_epoch(epoch)
    pairs = list(sampler)
    assert {number for number, _ in pairs} == {epoch}
    return [row for _, row in pairs]


def test_without_weights_every_index_comes_once_an_epoch():
    sampler = EpochSampler(7, seed=0)
    assert sorted(rows(sampler, 0)) == sorted(rows(sampler, 1)) == list(range(7))
    orders = {tuple(rows(EpochSampler(7, seed=seed), epoch)) for seed in range(4) for epoch in range(4)}
    assert len(orders) == 16


@pytest.mark.parametrize("weights", [None, sampling_weights(LABELS, "balanced")])
def test_an_order_follows_from_seed_and_epoch(weights):
    def order(seed, epoch):
        return rows(EpochSampler(len(LABELS), seed=seed, weights=weights), epoch)

    assert order(1, 2) == order(1, 2)
    assert order(1, 2) != order(1, 3)
    assert order(1, 2) != order(2, 2)


@pytest.mark.parametrize(
    ("sampling", "shares"),
    [
        ("uniform", [0.9, 0.09, 0.01]),
        ("balanced", [1 / 3, 1 / 3, 1 / 3]),
        ("sqrt", (np.sqrt([900, 90, 10]) / np.sqrt([900, 90, 10]).sum()).tolist()),
    ],
)
def test_how_often_each_class_is_drawn(sampling, shares):
    sampler = EpochSampler(len(LABELS), seed=0, weights=sampling_weights(LABELS, sampling))
    drawn = np.concatenate([LABELS[rows(sampler, epoch)] for epoch in range(20)])
    assert len(drawn) == 20 * len(LABELS)
    assert np.bincount(drawn) / len(drawn) == pytest.approx(shares, abs=0.015)  # 4 standard deviations


@pytest.mark.parametrize("weights", [None, sampling_weights(LABELS, "sqrt")])
def test_processes_that_train_together_share_an_epoch(weights, monkeypatch):
    whole = rows(EpochSampler(len(LABELS), seed=0, weights=weights))
    sampler, parts = EpochSampler(len(LABELS), seed=0, weights=weights), []
    for rank in range(3):
        monkeypatch.setattr(sampling_module, "num_ranks_and_rank", lambda rank=rank: (3, rank))
        parts.append(rows(sampler))
        assert len(parts[-1]) == len(sampler) == 334
    # two indices come again, so that all processes take the same number of steps
    assert Counter(row for part in parts for row in part) == Counter(whole + whole[:2])


@pytest.mark.parametrize(("length", "batch_size", "left"), [(7, 3, 1), (7, 2, 1), (6, 3, 0), (8, 3, 0), (13, 4, 1)])
def test_an_index_that_would_be_a_batch_of_its_own_is_left_out(length, batch_size, left):
    whole, sampler = EpochSampler(length, seed=0), EpochSampler(length, seed=0)
    sampler.leave_lone(batch_size)
    for epoch in range(3):
        assert rows(sampler, epoch) == rows(whole, epoch)[: length - left]
        assert len(sampler) == length - left
    sampler.start = batch_size
    assert rows(sampler, 2) == rows(whole, 2)[batch_size : length - left]


@pytest.mark.parametrize("num_workers", [0, 1, 2])
def test_batches_are_the_items_of_the_dataset_and_stay_as_they_are(prepared, num_workers):
    index = ClipIndex.load(prepared / "clips.parquet", subset="training", clip=CLIP)
    clips = ClipDataset(index, clip=CLIP, augmentation=Augmentation(crop="corner"), seed=1)
    sampler = EpochSampler(len(clips), seed=1)
    loader = ClipLoader(clips, batch_size=1, sampler=sampler, num_workers=num_workers)
    for epoch in range(3):
        sampler.set_epoch(epoch)
        batches = list(loader)
        assert len(batches) == len(clips)
        for batch, item in zip(batches, sampler, strict=True):
            assert torch.equal(batch["clip"][0], clips[item]["clip"])
            assert (int(batch["row"]), int(batch["label"])) == (item[1], clips[item]["label"])


def test_a_batch_may_be_larger_than_one_before_it(prepared):
    index = ClipIndex.load(prepared / "clips.parquet", subset="validation", clip=CLIP)
    clips = ClipDataset(index, clip=CLIP)
    plan = [[0], [1, 2], [3, 4, 5], [6], [7, 8, 9, 10], [11]]
    batches = list(ClipLoader(clips, batch_sampler=plan, num_workers=1))
    for batch, numbers in zip(batches, plan, strict=True):
        assert torch.equal(batch["clip"], torch.stack([clips[number]["clip"] for number in numbers]))
