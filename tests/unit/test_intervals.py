"""Intervals of accuracies: known limits, a binomial, groups whose videos agree, and the order of the videos."""

import math
from dataclasses import astuple

import numpy as np
import pytest

from kinema.evaluation.intervals import Answers, draws, intervals_of
from kinema.evaluation.wilson import wilson_interval
from kinema.metrics import VideoScores


def scored(labels, predicted, num_classes=2) -> VideoScores:
    """Videos of these classes that were called so."""
    labels, number = np.asarray(labels), len(labels)
    return VideoScores(np.arange(number), np.eye(num_classes)[np.asarray(predicted)], labels, np.ones(number, int))


def at_random(number, right, *, num_classes=2, seed=0) -> VideoScores:
    """So many videos, of which each is right with this probability."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num_classes, number)
    wrong = (labels + rng.integers(1, num_classes, number)) % num_classes
    return scored(labels, np.where(rng.random(number) < right, labels, wrong), num_classes)


def width(interval) -> float:
    return interval.high - interval.low


def drawn_of(videos, groups, *, num_draws, seed=1) -> np.ndarray:
    return draws(Answers.of(videos, groups), num_classes=videos.probabilities.shape[1], num_draws=num_draws, seed=seed)


def test_draws_of_independent_videos_spread_as_a_binomial_does():
    videos, number = at_random(400, 0.7), 400
    drawn = drawn_of(videos, [None] * number, num_draws=4000)[:, 0]
    accuracy = float((videos.probabilities.argmax(1) == videos.labels).mean())
    deviation = math.sqrt(accuracy * (1 - accuracy) / number)
    assert drawn.mean() == pytest.approx(accuracy, abs=4 * deviation / math.sqrt(4000))
    assert drawn.std() == pytest.approx(deviation, rel=0.06)  # five standard errors of a deviation of 4,000
    low, high = np.percentile(drawn, (2.5, 97.5))
    assert (low, high) == pytest.approx((accuracy - 1.96 * deviation, accuracy + 1.96 * deviation), abs=0.006)
    found = intervals_of(videos, [None] * number)
    assert (found.units, found.num_units) == ("videos", number)
    assert found.video_top1 == wilson_interval(round(accuracy * number), number)


def test_a_draw_is_scored_as_the_videos_that_it_holds():
    """Each of the four numbers, computed anew of the videos of one draw, class by class."""
    videos = at_random(30, 0.5, num_classes=7, seed=3)
    answers = Answers.of(videos, [f"g{number % 4}" for number in range(30)])
    times = np.bincount(np.random.default_rng(5).integers(0, 4, (1, 4))[0], minlength=4)[answers.units]
    labels, predicted, in_five = (
        np.repeat(values, times) for values in (answers.labels, answers.predicted, answers.in_five)
    )
    recalls, f1 = [], []
    for label in set(labels.tolist()):
        hits = int(((labels == label) & (predicted == label)).sum())
        recalls.append(hits / int((labels == label).sum()))
        f1.append(2 * hits / int((labels == label).sum() + (predicted == label).sum()))
    expected = [(labels == predicted).mean(), in_five.mean(), np.mean(recalls), np.mean(f1)]
    assert draws(answers, num_classes=7, num_draws=1, seed=5)[0] == pytest.approx(expected)


@pytest.mark.parametrize("hits", [12, 0])
def test_where_all_draws_are_alike_they_say_nothing(hits):
    labels = np.arange(12) % 7
    found = intervals_of(scored(labels, labels if hits else (labels + 1) % 7, 7), [None] * 12)
    assert found.video_top1 == wilson_interval(hits, 12)
    assert found.mean_class_accuracy is found.macro_f1 is None


def test_groups_that_all_agree_are_no_more_than_so_many_trials():
    found = intervals_of(scored([0, 1] * 20, [0, 1] * 20), ["anna"] * 20 + ["ben"] * 20)
    assert (found.units, found.num_units) == ("groups", 2)
    assert found.video_top1 == found.video_top5 == wilson_interval(2, 2)
    alone = intervals_of(scored([0, 1] * 20, [0, 0] * 20), ["anna"] * 40)
    assert alone.video_top1 == wilson_interval(0.5, 1)


def test_groups_whose_videos_agree_have_a_wider_interval():
    labels = np.zeros(200, int)
    right_by_group = np.arange(200) // 10 % 2  # 20 groups of 10 videos, each all right or all wrong
    videos = scored(labels, right_by_group)
    alone = intervals_of(videos, [None] * 200)
    together = intervals_of(videos, [f"g{number // 10}" for number in range(200)])
    assert together.num_units == 20
    # ten videos that agree say what one says
    assert width(together.video_top1) == pytest.approx(math.sqrt(10) * width(alone.video_top1), rel=0.15)
    mixed = intervals_of(videos, [f"g{number // 10}" for number in np.random.default_rng(0).permutation(200)])
    assert width(mixed.video_top1) < 0.6 * width(together.video_top1)
    assert width(mixed.video_top1) >= width(alone.video_top1)


def test_a_video_without_a_group_is_one_of_its_own():
    videos = scored([0] * 6, [0, 0, 1, 1, 0, 1])
    answers = Answers.of(videos, ["a", None, "a", "", "b", None])
    assert answers.num_units == 5
    assert sorted(np.bincount(answers.units).tolist()) == [1, 1, 1, 1, 2]
    assert intervals_of(videos, list("abcdef")).units == "videos", "each group has one"


@pytest.mark.parametrize("is_grouped", [False, True])
def test_the_same_scores_have_the_same_intervals_in_any_order(is_grouped):
    videos = at_random(150, 0.6, num_classes=8, seed=2)
    groups = [f"g{number // 5}" if is_grouped and number % 7 else None for number in range(150)]
    found = intervals_of(videos, groups)
    assert found == intervals_of(videos, groups)
    order = np.random.default_rng(9).permutation(150)
    assert found == intervals_of(videos.take(order), [groups[place] for place in order])
    assert found != intervals_of(videos, groups, seed=2)


def test_draws_in_parts_are_draws(monkeypatch):
    videos = at_random(50, 0.6, num_classes=3)
    monkeypatch.setattr("kinema.evaluation.intervals.MAX_CELLS", 50 * 7)
    drawn = drawn_of(videos, [None] * 50, num_draws=1000)
    assert drawn.shape == (1000, 4)
    assert len(np.unique(drawn, axis=0)) > 500, "the parts differ"


def test_a_class_without_videos_counts_in_no_mean():
    videos = scored([0] * 40 + [1] * 40, [0] * 30 + [1] * 50, num_classes=400)
    found = intervals_of(videos, [None] * 80)
    assert found.mean_class_accuracy.low < (30 / 40 + 1) / 2 < found.mean_class_accuracy.high
    assert found.mean_class_accuracy.low > 0.75
    assert all(0 <= value <= 1 for value in astuple(found.macro_f1))


def test_one_video():
    found = intervals_of(scored([0], [0]), [None])
    assert found.video_top1 == wilson_interval(1, 1)
    assert found.num_units == 1
