"""Which videos a page shows."""

import numpy as np

from kinema.report.choosing import choose_videos, spread


def test_the_surest_mistakes_the_least_sure_and_right_ones_of_all_classes():
    labels = np.array(list("aabbccaabbcc"))
    correct = np.array([True, False] * 6)
    probability = np.array([0.9, 0.3, 0.8, 0.7, 0.31, 0.99, 0.6, 0.5, 0.7, 0.7, 0.8, 0.95])
    chosen = choose_videos(labels, correct, probability, 3)
    assert chosen.wrong == [5, 11, 3], "of 3 and 9, which are as sure, the earlier"
    assert chosen.unsure == [1, 4, 7]
    assert sorted(labels[chosen.right]) == ["a", "b", "c"]
    assert correct[chosen.right].all()
    assert not set(chosen.right) & {*chosen.wrong, *chosen.unsure}
    assert choose_videos(labels, correct, probability, 3) == chosen


def test_few_videos_and_none():
    chosen = choose_videos(np.array(["a", "b"]), np.array([True, True]), np.array([0.5, 0.6]), 12)
    assert (chosen.wrong, chosen.unsure, chosen.right) == ([], [0, 1], [])
    empty = choose_videos(np.array([], str), np.array([], bool), np.array([]), 12)
    assert (empty.wrong, empty.unsure, empty.right) == ([], [], [])


def test_items_are_spread_over_classes():
    labels = np.array([0] * 50 + [1] * 2 + [2] * 50)
    assert np.bincount(labels[spread(labels, 12)]).tolist() == [5, 2, 5]
    many = np.repeat(np.arange(400), 3)
    classes = many[spread(many, 12)]
    assert len(set(classes)) == 12
    assert (classes.min(), classes.max()) == (0, 399)
    assert spread(labels[:3], 12) == [0, 1, 2]
