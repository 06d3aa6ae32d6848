"""Clips as small pictures of a page: the frames that were given, at their rate, small."""

import numpy as np
import pytest
from webp import decoded, frames_of

from kinema.report.thumbnails import MOST_BYTES, moving_webp, pictures, thumbnail


def clip_of(*colours, size=48):
    """A clip (T, 3, S, S), each frame of one colour."""
    return np.stack([np.broadcast_to(np.array(colour, np.uint8)[:, None, None], (3, size, size)) for colour in colours])


COLOURS = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 0, 0)]


def test_all_frames_are_shown_in_order_at_the_rate_at_which_they_were_sampled():
    found = thumbnail(clip_of(*COLOURS), stride=4, fps=25.0)
    frames = frames_of(found.moving)
    assert len(frames) == found.num_frames == 5
    for frame, colour in zip(frames, COLOURS, strict=True):
        assert np.abs(frame.reshape(-1, 3).mean(0) - colour).max() < 12
    image = decoded(found.moving)
    assert (image.info["loop"], image.size) == (0, (48, 48))
    durations = []
    for number in range(5):
        image.seek(number)
        image.load()
        durations.append(image.info["duration"])
    assert durations == [160] * 5
    assert found.seconds == pytest.approx(0.8)


def test_the_still_picture_is_the_middle_frame():
    found = thumbnail(clip_of(*COLOURS), stride=4, fps=25.0)
    (frame,) = frames_of(found.still)
    assert np.abs(frame.reshape(-1, 3).mean(0) - COLOURS[2]).max() < 12


def test_an_unknown_rate_is_not_made_up():
    assert thumbnail(clip_of(*COLOURS), stride=4, fps=None).seconds is None


def test_large_frames_become_small_and_long_clips_short():
    blocks = np.random.default_rng(0).integers(0, 255, (80, 3, 4, 4), dtype=np.uint8)
    clip = blocks.repeat(56, axis=2).repeat(56, axis=3)
    found = thumbnail(clip, stride=2, fps=50.0)
    image = decoded(found.moving)
    image.load()
    assert image.size == (112, 112)
    assert image.n_frames == 27, "every third"
    assert image.info["duration"] == 120
    assert (found.num_frames, found.num_shown, found.seconds) == (80, 27, pytest.approx(3.2))


def test_a_picture_that_would_be_large_gets_a_lower_quality():
    rng = np.random.default_rng(0)
    images = [
        np.kron(rng.integers(0, 255, (14, 14, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8)) for _ in range(9)
    ]
    best = moving_webp(images, milliseconds=40, most_bytes=10**9)
    smaller = moving_webp(images, milliseconds=40, most_bytes=len(best) - 1)
    assert len(smaller) < len(best) < MOST_BYTES * 4


def test_a_picture_that_is_large_at_the_lowest_quality_has_fewer_frames():
    rng = np.random.default_rng(0)
    clip = rng.integers(0, 255, (16, 3, 112, 112), dtype=np.uint8)
    found = thumbnail(clip, stride=1, fps=25.0)
    image = decoded(found.moving)
    assert len(found.moving) <= MOST_BYTES * 4 / 3 + 100
    assert 1 <= image.n_frames == found.num_shown < found.num_frames == 16


def test_differences_are_grey_where_nothing_changes():
    clip = clip_of((10, 100, 200), (10, 110, 150), (250, 110, 150))
    assert pictures(clip, "rgbdiff")[:, 0, 0].tolist() == [[128, 138, 78], [255, 128, 128]]


@pytest.mark.parametrize(
    ("motion", "colour"),
    [
        ((0, 0), (255, 255, 255)),
        ((64, 0), (255, 0, 0)),
        ((127, 0), (255, 0, 0)),
        ((-64, 0), (0, 255, 255)),
        ((32, 0), (255, 127, 127)),
        ((0, 64), (128, 255, 0)),
        ((0, -64), (128, 0, 255)),
    ],
)
def test_flow_has_the_hue_of_its_direction_and_the_saturation_of_its_length(motion, colour):
    flow = np.broadcast_to(np.array([128 + part for part in motion], np.uint8)[:, None, None], (1, 2, 4, 4))
    (picture,) = pictures(flow, "flow")
    assert np.abs(picture.astype(int) - colour).max() <= 3
