"""Evaluation clips against the reference's own lists (1-based there)."""

import json

import pytest

from kinema.clips.windows import clip_frames, evaluation_starts
from kinema.config import Clip

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def temporal(shared):
    return json.loads((shared / "golden/data/temporal.json").read_text())


def test_clip_windows(temporal):
    # one clip is the whole video there; ours is the centred one, so that every clip has the same number of frames
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
        frames, clip = case["n_frames"], Clip(length=16, stride=case["stride"])
        starts = evaluation_starts(frames, window=16 * case["stride"], num_clips=case["n_clips"])
        ours = [(clip_frames(start, num_frames=frames, clip=clip) + 1).tolist() for start in starts]
        assert ours == case["frame_indices"], case
