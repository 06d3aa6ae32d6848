"""Accuracies of hand-made scores."""

import numpy as np
import pytest

from kinema.inference.probabilities import softmax
from kinema.metrics import ClipScores, by_video, mean_class_accuracy, topk_accuracy

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
