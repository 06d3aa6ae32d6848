"""Index arithmetic of clips, as case tables."""

import numpy as np
import pytest

from kinema.clips.windows import random_start
from kinema.inference.windows import clip_frames, evaluation_starts


@pytest.mark.parametrize(
    ("num_frames", "window", "num_clips", "starts"),
    [
        (100, 16, 3, [0, 42, 84]),
        (100, 16, 1, [42]),
        (33, 16, 1, [8]),
        (33, 32, 3, [0, 1, 2]),
        (18, 16, 0, [0, 1, 2]),
        (18, 16, -1, [0, 1, 2]),
        (5, 16, 10, [0, 1, 2, 3, 4]),
        (5, 16, 1, [0]),
        (1, 16, 3, [0]),
    ],
)
def test_evaluation_starts(num_frames, window, num_clips, starts):
    assert evaluation_starts(num_frames, window=window, num_clips=num_clips) == starts


@pytest.mark.parametrize(
    ("start", "num_frames", "length", "stride", "frames"),
    [
        (0, 100, 4, 2, [0, 2, 4, 6]),
        (97, 100, 4, 2, [97, 99, 97, 99]),
        (0, 3, 8, 1, [0, 1, 2, 0, 1, 2, 0, 1]),
        (0, 1, 4, 3, [0, 0, 0, 0]),
        (2, 3, 2, 5, [2, 2]),
    ],
)
def test_short_clips_loop(start, num_frames, length, stride, frames):
    assert clip_frames(start, num_frames=num_frames, length=length, stride=stride).tolist() == frames


def test_random_starts_cover_every_window_and_no_other():
    rng = np.random.default_rng(0)
    assert {random_start(20, window=16, rng=rng) for _ in range(200)} == {0, 1, 2, 3, 4}
    assert {random_start(3, window=16, rng=rng) for _ in range(20)} == {0}
