"""Clips against the reference's own lists, section by section (frames count from 1 there).

Not ours, since every clip of ours has the length that was asked for: one clip (`n_clips` 1), which is the whole video
there and the centred window here.
"""

import json

import numpy as np
import pytest

from kinema.clips.windows import random_start
from kinema.inference.windows import clip_frames, evaluation_starts

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def temporal(shared):
    return json.loads((shared / "golden/data/temporal.json").read_text())


def frames_of(start, *, num_frames, length=16, stride=1):
    """Frames of a clip, from 1."""
    return (clip_frames(start, num_frames=num_frames, length=length, stride=stride) + 1).tolist()


def test_every_section_has_a_test(temporal):
    assert set(temporal) == {
        *("sample_clips", "test_chain", "loop_padding", "temporal_stride", "random_crop_ranges", "begin_crop"),
        *("center_crop", "video_order", "segment_41_90_dur32_clips3"),
    }


def test_clip_windows(temporal):
    cases = [case for case in temporal["sample_clips"] if case["n_clips"] != 1]
    assert len(cases) > 20
    for case in cases:
        frames, window = case["n_frames"], case["sample_duration"]
        starts = evaluation_starts(frames, window=window, num_clips=case["n_clips"])
        ours = [[start + 1, min(start + window, frames)] for start in starts]
        assert ours == case["clips_first_last"], case


def test_frames_of_clips(temporal):
    cases = [case for case in temporal["test_chain"] if case["n_clips"] != 1]
    assert len(cases) > 10
    for case in cases:
        frames, stride = case["n_frames"], case["stride"]
        starts = evaluation_starts(frames, window=16 * stride, num_clips=case["n_clips"])
        ours = [frames_of(start, num_frames=frames, stride=stride) for start in starts]
        assert ours == case["frame_indices"], case


def test_one_clip_is_the_whole_video_there_and_the_centred_one_here(temporal):
    for case in temporal["test_chain"]:
        if case["n_clips"] == 1:
            frames, stride = case["n_frames"], case["stride"]
            (start,) = evaluation_starts(frames, window=16 * stride, num_clips=1)
            ours = frames_of(start, num_frames=frames, stride=stride)
            assert len(ours) == 16
            # the same where the window has all of the video
            assert (ours == case["frame_indices"][0]) == (frames <= 16 * stride), case


def test_short_lists_of_frames_loop(temporal):
    for case in temporal["loop_padding"]:
        if case["n"] <= case["size"]:  # there a longer list passes as it is; here a window never is longer
            assert frames_of(0, num_frames=case["n"], length=case["size"]) == case["out"], case


def test_every_stride_th_frame_is_taken(temporal):
    for case in temporal["temporal_stride"]:
        ours = frames_of(0, num_frames=case["n"], length=len(case["out"]), stride=case["stride"])
        assert ours == case["out"], case


def test_random_clips(temporal):
    rng = np.random.default_rng(0)
    for case in temporal["random_crop_ranges"]:
        frames, stride, length = case["n_frames"], case["stride"], case["size"]
        starts = {random_start(frames, window=length * stride, rng=rng) for _ in range(20_000)}
        # plainly wrong there: the last start is never drawn. With a stride its starts lie that far apart.
        last = max(0, frames - length * stride)
        assert starts == set(range(last + 1)), case
        theirs = {first - 1 for first in case["first_frames"]}
        assert theirs == set(range(0, max(1, last), stride)), case
        assert {len(frames_of(start, num_frames=frames, stride=stride)) for start in starts} == set(case["lengths"])
        start = case["example"][0] - 1
        assert frames_of(start, num_frames=frames, stride=stride) == case["example"], case


def test_the_first_of_evenly_spaced_clips_begins_with_the_video(temporal):
    for case in temporal["begin_crop"]:
        first = evaluation_starts(case["n"], window=case["size"], num_clips=3)[0]
        assert frames_of(first, num_frames=case["n"], length=case["size"]) == case["out"], case


def test_the_centred_clip(temporal):
    for case in temporal["center_crop"]:
        (start,) = evaluation_starts(case["n"], window=case["size"], num_clips=1)
        assert frames_of(start, num_frames=case["n"], length=case["size"]) == case["out"], case


def test_the_order_of_videos(temporal):
    # by file name, digits not as numbers; ours (tests/unit/test_clip_index.py) is by the id, which holds the folder too
    names = [path.rpartition("/")[2] for path in temporal["video_order"]]
    assert names == sorted(names)


def test_clips_of_a_part_of_a_video(temporal):
    # frames 41 to 90, which are stored as a video of their own here
    starts = evaluation_starts(50, window=32, num_clips=3)
    assert [[41 + start, 41 + start + 31] for start in starts] == temporal["segment_41_90_dur32_clips3"]
