"""How much the answers of two networks may differ, and what is chance."""

import numpy as np
import pytest

from kinema.deployment.agreement import check_agreement, compare, most_by_chance, probability_of_losses
from kinema.metrics import VideoScores

NAMES = [f"video {number}" for number in range(1000)]
SURE, UNSURE, TURNED, WRONG = (0.9, 0.1), (0.51, 0.49), (0.49, 0.51), (0.1, 0.9)


def scores(*rows, labels):
    probabilities = np.array(rows)
    return VideoScores(np.arange(len(rows)), probabilities, np.array(labels), np.ones(len(rows), int))


@pytest.mark.parametrize(
    ("pytorch", "openvino", "passes"),
    [
        ([SURE] * 2, [SURE] * 2, True),
        ([SURE] * 2, [SURE, WRONG], False),  # one of two
        ([WRONG] * 2, [SURE] * 2, False),  # higher accuracy is as suspicious
        ([SURE, UNSURE], [SURE, TURNED], True),
        ([UNSURE] * 2, [TURNED] * 2, True),
        ([SURE, UNSURE], [SURE, WRONG], False),  # a near tie to one of the two only
        ([SURE] * 100, [SURE] * 98 + [WRONG] * 2, True),
        ([SURE] * 100, [SURE] * 97 + [WRONG] * 3, False),
        ([UNSURE] * 30, [TURNED] * 15 + [UNSURE] * 15, False),  # all of them losses: no chance
        ([UNSURE, TURNED] * 15, [TURNED, UNSURE] * 15, True),
    ],
)
def test_networks_agree_video_by_video(pytorch, openvino, passes):
    labels = [0] * len(pytorch)
    found = compare(scores(*pytorch, labels=labels), scores(*openvino, labels=labels))
    # as if all disagreements were there at float32, too
    options = {"num_at_float32": len(found.disagreements), "max_accuracy_drop": 0.02, "names": NAMES}
    if passes:
        check_agreement(found, **options)
    else:
        with pytest.raises(ValueError, match=r"max_accuracy_drop = 0\.02 allows \d"):
            check_agreement(found, **options)


@pytest.mark.parametrize(("num_videos", "by_chance", "most"), [(1, 0, 1), (2, 0, 1), (31, 2, 2), (1000, 28, 28)])
def test_what_only_the_device_gets_wrong_may_be_as_much_as_chance_allows(num_videos, by_chance, most):
    """And one in any case: neither a lucky nor an unlucky video decides."""
    assert most_by_chance(num_videos, 0.02) == by_chance
    for wrong in range(most, min(most + 2, num_videos + 1)):
        pair = [SURE] * num_videos, [WRONG] * wrong + [SURE] * (num_videos - wrong)
        # turned by turns from right to wrong and back, so that accuracy is the same
        found = compare(*(scores(*rows, labels=[number % 2 for number in range(num_videos)]) for rows in pair))
        options = {"num_at_float32": 0, "max_accuracy_drop": 0.02, "names": NAMES}
        if wrong > most:
            with pytest.raises(ValueError, match=rf"for {wrong} of .* own precision.* allows {most}\. No model"):
                check_agreement(found, **options)
        else:
            check_agreement(found, **options)


def test_probabilities_are_exact():
    assert probability_of_losses(0, 2) == pytest.approx(1 / 4)
    assert probability_of_losses(1, 3) == pytest.approx(5 / 16)
    assert [most_by_chance(10, probability) for probability in (0, 1)] == [0, 10]
