"""Accuracies of hand-made scores."""

import tracemalloc

import numpy as np
import pytest

from kinema.inference.probabilities import softmax
from kinema.metrics import ClipScores, by_video, mean_class_accuracy, mean_logits, topk_accuracy

LOGITS = np.array([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 3.0, 0.0]], dtype=np.float32)


def test_videos_average_their_clips_in_any_order():
    scores = ClipScores(LOGITS, labels=np.array([0, 2, 2, 0]), videos=np.array([7, 3, 3, 7]))
    found = by_video(scores)
    assert found.videos.tolist() == [3, 7]
    assert found.labels.tolist() == [2, 0]
    assert found.num_clips.tolist() == [2, 2]
    np.testing.assert_allclose(found.probabilities[0], (softmax(LOGITS[1]) + softmax(LOGITS[2])) / 2)
    shuffled = by_video(ClipScores(LOGITS[::-1], scores.labels[::-1], scores.videos[::-1]))
    np.testing.assert_allclose(shuffled.probabilities, found.probabilities)


@pytest.mark.parametrize(("k", "expected"), [(1, 0.5), (2, 0.75), (3, 1.0), (5, 1.0)])
def test_topk(k, expected):
    labels = np.array([0, 1, 0, 2])
    assert topk_accuracy(LOGITS, labels, k) == expected


def test_constant_scores_are_not_all_correct():
    assert topk_accuracy(np.zeros((4, 2)), np.array([0, 0, 0, 1]), 1) == 0.75


def test_mean_class_accuracy_weighs_classes_alike():
    labels = np.array([0, 0, 0, 1])
    scores = np.eye(3)[[0, 0, 0, 2]]
    assert mean_class_accuracy(scores, labels) == 0.5


@pytest.mark.parametrize("cells", [1, 40, 2**18])
@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_parts_of_any_size_give_the_same_bits(monkeypatch, cells, average):
    """As adding up all clips at once does, one after the other."""
    monkeypatch.setattr("kinema.metrics.MAX_CELLS", cells)
    rng = np.random.default_rng(0)
    for videos in (np.repeat(np.arange(12), 5), np.repeat(np.arange(9), np.arange(1, 10)), rng.integers(0, 9, 50)):
        logits = rng.normal(size=(len(videos), 4)).astype(np.float32)
        scores = ClipScores(logits, videos % 4, videos, average=average)
        numbers, position, counts = np.unique(videos, return_inverse=True, return_counts=True)
        sums, of_logits = np.zeros((len(numbers), 4)), np.zeros((len(numbers), 4))
        np.add.at(sums, position, softmax(logits, temperature=2.0))
        np.add.at(of_logits, position, logits)
        means = of_logits / counts[:, None]
        found = by_video(scores, temperature=2.0)
        expected = sums / counts[:, None] if average == "probabilities" else softmax(means, temperature=2.0)
        assert np.array_equal(found.probabilities, expected)
        assert np.array_equal(mean_logits(scores), means.astype(np.float32))
        assert (found.videos.tolist(), found.labels.tolist()) == (numbers.tolist(), (numbers % 4).tolist())
        assert found.num_clips.tolist() == counts.tolist()


def test_little_memory_is_needed_beside_the_logits():
    scores = ClipScores(np.zeros((40_000, 100), np.float32), np.zeros(40_000, int), np.repeat(np.arange(400), 100), 10)
    tracemalloc.start()
    try:
        by_video(scores)
        _, of_videos = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        scores.by_clip()
        _, of_clips = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert of_videos < 1.2 * scores.logits.nbytes, "softmax of all at once takes six times as much"
    assert of_clips < 1.2 * scores.logits.nbytes
