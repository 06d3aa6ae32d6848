"""Odd and broken real files: in which state each ends, whatever its extension says."""

import pytest

from kinema.experiment.data_sections import Media

pytestmark = pytest.mark.real

# file: frames, truncated, height and width at a short side of 64; or the reason why there are none
STATES = {
    "audio_only__hum01_partial.wav": "no video stream",
    "av1_video.mkv": (125, False, 64, 114),
    "corrupted.mp4": (49, True, 64, 114),
    "flipping_a_pancake.mkv": (310, False, 64, 114),
    "h264__brokensps.mp4": (79, False, 64, 86),  # changes size in mid-stream
    "h264__displaymatrix.mp4": (33, True, 64, 192),  # stored upright with pixels of 1:2, shown lying
    "h264__empty_edit_5s.mp4": (100, True, 64, 86),
    "h264__mov-3elist-encrypted.mp4": "encrypted",
    "h265_10bits.mp4": (30, False, 64, 64),
    "hevc__loewe.mp4": (6, False, 64, 114),
    "img1.gif": (10, False, 82, 64),
    "mpeg4__extended_atom_size_probe.mp4": (1, False, 64, 86),  # pixels of 128:117
    "nasa_13013.mp4": (325, False, 64, 114),
    "prores__prores4444_with_transparency.mp4": (1, False, 64, 114),
    "var_fps_video.mp4": (300, False, 64, 64),  # neither doubled nor dropped
    "video_90.mov": (3, False, 114, 64),  # stored lying, shown upright
    "vp8__frame_size_change.mp4": (300, False, 64, 114),
    "vp9__vp91-2-04-yuv444.mp4": (10, False, 64, 78),
    "wmv3__wmv_drm.wmv": "encrypted",
}


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["packed", "frames", "video"])
def test_every_odd_file_ends_in_its_state(shared, corpus, storage):
    for path in (shared / "real" / "odd").iterdir():
        (corpus.videos / f"{path.name}.mp4").symlink_to(path)
    corpus.write(list(STATES), Media(storage=storage, short_side=64), workers=2)
    found = {}
    for name, row in corpus.rows().items():
        ok = (row["num_frames"], row["truncated"], row["height"], row["width"])
        found[name] = ok if row["status"] == "ok" else row["reason"]
    assert found == STATES
    for row in corpus.rows().values():
        if row["status"] == "ok":
            assert {tuple(frame.shape) for frame in corpus.frames(row)} == {(3, row["height"], row["width"])}
            assert row["truncated"] == (row["detail"] is not None)


def test_a_damaged_file_needs_enough_frames(shared, corpus):
    (corpus.videos / "corrupted.mp4").symlink_to(shared / "real" / "odd" / "corrupted.mp4")
    corpus.write(["corrupted"], Media(short_side=64, min_frames=50))
    row = corpus.rows()["corrupted"]
    assert (row["status"], row["reason"]) == ("failed", "decode error")
    assert row["detail"].startswith("after frame 49: ")
