"""Bars of numbers: round bins that nothing falls out of."""

import numpy as np
import pytest

from kinema.report.histograms import MOST_BARS, Part, binned, most_common, plain_bars, stacked_bars


@pytest.mark.parametrize(
    "values",
    [
        [0.5],
        [10.0] * 50,
        np.linspace(0, 1, 500),
        np.geomspace(0.1, 10_000, 300),
        [*np.linspace(2, 5, 200), 3600.0],
        np.random.default_rng(0).exponential(7, 1000),
    ],
    ids=["one", "equal", "even", "many sizes", "one far away", "skewed"],
)
def test_every_value_is_in_one_bin(values):
    bars = binned(np.array(values))
    assert sum(number for _, number in bars) == len(values)
    assert 1 <= len(bars) <= MOST_BARS + 1


def test_bins_are_round_and_the_last_is_open():
    values = np.array([*np.linspace(2, 5, 200), 3600.0])
    bars = binned(values)
    assert bars[0][0] == "2.0 to 2.5"
    assert bars[-1] == ("5.0 and more", 2)
    assert sum((low <= values[:-1]).sum() for low in [4.5]) - 1 == dict(bars)["4.5 to 5.0"]
    assert binned(np.array([])) == []


def test_rare_values_are_counted_together():
    values = ["25"] * 5 + ["30"] * 9 + [f"{number}" for number in range(100, 110)]
    assert most_common(values, number=3) == [("30", 9), ("25", 5), ("100", 1), ("9 others", 9)]


def test_parts_of_a_bar_lie_side_by_side():
    short, long = stacked_bars([("a", {"training": 1, "lost": 0, "testing": 1}), ("b", {"training": 3, "testing": 5})])
    assert (short.number, long.number) == (2, 8)
    assert short.parts == [Part("training", 0, 12.5), Part("testing", 12.5, 12.5)]
    assert long.parts == [Part("training", 0, 37.5), Part("testing", 37.5, 62.5)]
    assert plain_bars([]) == []


def test_edges_have_the_decimals_of_their_width():
    labels = [label for label, _ in binned(np.linspace(1, 1.05, 50))]
    assert labels[:2] == ["1.000 to 1.005", "1.005 to 1.010"]
    assert binned(np.linspace(0, 1e6, 50))[1][0] == "100,000 to 200,000"
    assert binned(np.linspace(2, 12, 50))[0][0] == "2 to 3"
