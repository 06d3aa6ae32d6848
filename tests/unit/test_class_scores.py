"""Scores of classes, and how probabilities are believed, on examples that are computed by hand."""

import numpy as np
import pytest

from kinema.evaluation.class_scores import average_precision, confusion_matrix, macro_f1, per_class
from kinema.evaluation.reliability import brier_score, expected_calibration_error, reliability
from kinema.metrics import VideoScores

PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1, 0.0],  # a, called a
        [0.4, 0.6, 0.0, 0.0],  # a, called b
        [0.2, 0.7, 0.1, 0.0],  # b, called b
        [0.1, 0.2, 0.7, 0.0],  # b, called c
        [0.3, 0.5, 0.2, 0.0],  # b, called b
    ]
)
LABELS = np.array([0, 0, 1, 1, 1])
NAMES = ["a", "b", "c", "d"]


def scored(probabilities, labels) -> VideoScores:
    return VideoScores(np.arange(len(labels)), np.asarray(probabilities), np.asarray(labels), np.ones(len(labels), int))


def test_scores_of_classes_are_those_of_a_small_example():
    videos = scored(PROBABILITIES, LABELS)
    counts = confusion_matrix(videos, 4)
    assert counts.tolist() == [[1, 1, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    found = per_class(videos, counts, NAMES)
    assert list(found) == NAMES
    a, b, c, d = (found[name] for name in NAMES)
    assert (a.num_videos, a.recall, a.precision) == (2, 0.5, 1.0)
    assert (b.num_videos, b.recall, b.precision) == (3, pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (a.f1, b.f1) == pytest.approx((2 / 3, 2 / 3))
    assert (a.called, b.called) == ({"a": 1, "b": 1}, {"b": 2, "c": 1})
    # ranked by b: 0.7 (b), 0.6 (a), 0.5 (b), 0.2 (b), 0.1 (a)
    assert b.average_precision == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    # without videos, but called so once; and neither
    assert (c.num_videos, c.recall, c.precision, c.f1, c.average_precision, c.called) == (0, None, 0.0, 0.0, None, {})
    assert (d.num_videos, d.recall, d.precision, d.f1, d.average_precision, d.called) == (0, None, None, None, None, {})
    assert macro_f1(counts) == pytest.approx(2 / 3), "of the two classes that have videos"


def test_all_right_and_all_wrong():
    right, wrong = np.eye(3)[[0, 1, 2, 2]], np.eye(3)[[1, 2, 0, 0]]
    labels = np.array([0, 1, 2, 2])
    for probabilities, expected in ((right, 1.0), (wrong, 0.0)):
        videos = scored(probabilities, labels)
        counts = confusion_matrix(videos, 3)
        assert macro_f1(counts) == expected
        assert {scores.f1 for scores in per_class(videos, counts, NAMES[:3]).values()} == {expected}
        assert expected_calibration_error(np.ones(4), videos.predicted == videos.labels) == 1 - expected
        assert brier_score(probabilities, labels) == 2 * (1 - expected)


def test_a_class_that_is_never_called_lowers_the_mean():
    videos = scored(np.eye(2)[[0, 0, 0, 0]], [0, 0, 0, 1])
    counts = confusion_matrix(videos, 2)
    assert macro_f1(counts) == pytest.approx((6 / 7 + 0) / 2)
    assert per_class(videos, counts, NAMES[:2])["b"].f1 == 0.0


def test_average_precision_does_not_know_the_order_of_equal_probabilities():
    """All alike: every video comes in at once, so the precision is the share of the class."""
    own = np.array([True, False, False, True, False])
    for order in (np.arange(5), np.arange(5)[::-1]):
        assert average_precision(np.full(5, 0.3), own[order]) == pytest.approx(2 / 5)
    assert average_precision(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, False, True, False])) == 0.5
    assert average_precision(np.linspace(1, 0, 5), np.array([True, True, False, False, False])) == 1.0
    assert average_precision(np.linspace(0, 1, 5), np.array([True, False, False, False, False])) == pytest.approx(0.2)
    assert average_precision(np.ones(2), np.array([False, False])) is None


def test_the_row_of_a_class_has_the_most_frequent_first_and_of_equal_ones_the_first():
    probabilities = np.eye(4)[[3, 3, 1, 2, 0]]
    videos = scored(probabilities, [0] * 5)
    (called, *_) = (scores.called for scores in per_class(videos, confusion_matrix(videos, 4), NAMES).values())
    assert list(called.items()) == [("d", 2), ("a", 1), ("b", 1), ("c", 1)]
    many = [f"class {number}" for number in range(50)]
    videos = scored(np.eye(50)[[*range(50), 40]], [0] * 51)
    assert list(per_class(videos, confusion_matrix(videos, 50), many)[many[0]].called) == [
        many[40], *many[:40], *many[41:],
    ]  # fmt: skip


def test_calibration_of_a_small_example():
    """Confidences 0.8, 0.6, 0.7, 0.7, 0.5 of which the first, third and fifth are right, in 5 bins of 0.2."""
    confidence, correct = PROBABILITIES.max(axis=1), PROBABILITIES.argmax(axis=1) == LABELS
    found = reliability(confidence, correct, num_bins=5)
    assert found.counts.tolist() == [0, 0, 2, 3, 0], "a bin has its upper end: 0.6 is in (0.4, 0.6], 0.8 in (0.6, 0.8]"
    assert found.confidence[2:4] == pytest.approx([0.55, 2.2 / 3])
    assert found.accuracy[2:4] == pytest.approx([0.5, 2 / 3])
    assert np.isnan(found.accuracy[[0, 1, 4]]).all()
    expected = 2 / 5 * 0.05 + 3 / 5 * (2.2 / 3 - 2 / 3)
    assert expected_calibration_error(confidence, correct, num_bins=5) == pytest.approx(expected)
    # in 15 bins 0.5 and 0.6 lie apart, the two of 0.7 together, 0.8 alone
    fine = (abs(1 - 0.5) + abs(0 - 0.6) + 2 * abs(0.5 - 0.7) + abs(1 - 0.8)) / 5
    assert expected_calibration_error(confidence, correct) == pytest.approx(fine)
    # (9/15, 10/15] and (10/15, 11/15]
    apart = np.array([0.62, 0.68])
    assert expected_calibration_error(apart, np.array([True, False])) == pytest.approx((0.38 + 0.68) / 2)


def test_one_that_is_right_as_often_as_it_says_is_calibrated():
    probabilities = np.tile([0.75, 0.25], (400, 1))
    labels = np.arange(400) % 4 // 3
    assert expected_calibration_error(probabilities[:, 0], labels == 0) == pytest.approx(0, abs=1e-12)
    assert brier_score(probabilities, labels) == pytest.approx(0.75 * 2 * 0.25**2 + 0.25 * 2 * 0.75**2)


def test_the_brier_score_of_a_small_example():
    distances = [0.06, 0.36 + 0.36, 0.04 + 0.09 + 0.01, 0.01 + 0.64 + 0.49, 0.09 + 0.25 + 0.04]
    assert brier_score(PROBABILITIES, LABELS) == pytest.approx(sum(distances) / 5)
    assert brier_score(np.full((3, 4), 0.25), np.array([0, 1, 2])) == pytest.approx(3 / 4)
