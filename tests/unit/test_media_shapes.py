"""Pictures and frames of odd shapes: stored and readable, or told with their sizes before anything is decoded."""

import random
import re
import subprocess

import pytest
from media_corpus import make_video

from kinema.experiment.data_sections import Media
from kinema.media.ffmpeg import find_ffmpeg, grey_stream
from kinema.media.probe import Probe
from kinema.media.shown import scaled_size

NO_ROOM = ("too large", "too small", "too small for flow")


def make_picture(path, width: int, height: int, *, turned: bool = False):
    """Three pictures without loss; `turned`: to be shown at a right angle to how they are stored."""
    source = ["-f", "lavfi", "-i", f"color=c=red:size={width}x{height}:rate=25:duration=0.12", "-c:v", "png"]
    made = path.with_name(f"stored_{path.name}") if turned else path
    subprocess.run([find_ffmpeg(), "-y", "-loglevel", "error", *source, made], check=True)
    if turned:
        turn = ["-display_rotation", "90", "-i", made, "-c", "copy"]
        subprocess.run([find_ffmpeg(), "-y", "-loglevel", "error", *turn, path], check=True)
        made.unlink()


def size_of_frames(width, height, short_side):
    """What is foretold for a video of that size in pixels."""
    about = Probe(stream=0, duration_seconds=1, fps=25, width=width, height=height, codec="h264", is_indexed=True)
    return scaled_size(about, Media(short_side=short_side))


SIZES = [(1, 1), (1, 40), (40, 1), (2, 2), (3, 300), (15, 40), (16, 40), (17, 33), (4, 4000), (2, 8000), (8000, 2)]
# of the storage `packed` at full size, which leaves the least room
EXPECTED = {
    (1, 1): "1 x 1 pixels become frames of 0 x 0, which have even sides",
    (1, 40): "1 x 40 pixels become frames of 0 x 40, which have even sides",
    (40, 1): "40 x 1 pixels become frames of 40 x 0, which have even sides",
}


@pytest.mark.slow
@pytest.mark.parametrize("short_side", [None, 64])
@pytest.mark.parametrize("modality", ["rgb", "flow"])
@pytest.mark.parametrize("storage", ["packed", pytest.param("video", marks=pytest.mark.slow)])
def test_every_shape_is_stored_or_told_and_ends_no_shard(corpus, storage, modality, short_side):
    for width, height in SIZES:
        make_picture(corpus.videos / f"{width}x{height}.mkv", width, height)
        make_picture(corpus.videos / f"{width}x{height}turned.mov", width, height, turned=True)
    make_video(corpus.videos / "good.mp4", size=(64, 48))
    names = [f"{width}x{height}{turned}" for width, height in SIZES for turned in ("", "turned")]
    corpus.write(["good", *names], Media(storage=storage, modality=modality, short_side=short_side), workers=2)
    rows = corpus.rows()
    assert rows["good"]["status"] == "ok"
    for name in names:
        row, (width, height) = rows[name], map(int, re.findall(r"\d+", name))
        if row["status"] == "failed":
            assert row["reason"] in NO_ROOM, row
            assert re.search(rf"^{width} x {height} pixels become frames of|^flow of \d+ x \d+ pixels", row["detail"])
            continue
        shown = (height, width) if name.endswith("turned") else (width, height)
        assert (row["width"], row["height"]) == size_of_frames(*shown, short_side)
        assert len(corpus.frames(row)) == row["num_frames"] == (2 if modality == "flow" else 3)
    if modality == "rgb" and short_side is None:
        found = {size: rows[f"{size[0]}x{size[1]}"] for size in SIZES}
        assert {size for size, row in found.items() if row["status"] == "failed"} == set(EXPECTED)
        assert all(EXPECTED[size] in found[size]["detail"] for size in EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("storage", "longest"),
    [("packed", 65500), ("frames", 65500), ("video", 16384)],
)
@pytest.mark.parametrize("is_tall", [False, True])
def test_the_longest_side_is_what_can_be_stored_and_read(corpus, storage, longest, is_tall):
    for name, side in (("a", longest), ("b", longest + 2)):
        make_picture(corpus.videos / f"{name}.mkv", *((2, side) if is_tall else (side, 2)))
    corpus.write("ab", Media(storage=storage, short_side=None))
    rows = corpus.rows()
    assert rows["a"]["status"] == "ok"
    assert len(corpus.frames(rows["a"])) == 3
    assert (rows["b"]["status"], rows["b"]["reason"]) == ("failed", "too large")
    assert f"no side of which may have more than {longest}" in rows["b"]["detail"]


@pytest.mark.parametrize("turned", [False, True])
def test_flow_in_a_video_is_twice_as_high_as_its_frames(corpus, turned):
    """Upright or turned upright: 16 x 8192 pixels are 16 x 16384 of flow."""
    for name, side in (("a", 8192), ("b", 8194)):
        size = (side, 16) if turned else (16, side)
        make_picture(corpus.videos / f"{name}.mov", *size, turned=turned)
    corpus.write("ab", Media(storage="video", modality="flow", short_side=None))
    rows = corpus.rows()
    assert (rows["a"]["status"], rows["a"]["height"]) == ("ok", 8192)
    assert corpus.frames(rows["a"])[0].shape == (2, 8192, 16)
    assert (rows["b"]["status"], rows["b"]["reason"]) == ("failed", "too large")
    assert rows["b"]["detail"].startswith(
        "flow of 16 x 8194 pixels, horizontal above vertical, is a picture of 16 x 16388"
    )


def test_the_size_of_frames_is_known_exactly(tmp_path):
    rng = random.Random(3)
    sizes = [(rng.randrange(2, 300), rng.randrange(2, 300), rng.choice([16, 17, 32, 100])) for _ in range(12)]
    # halves are rounded up
    for width, height, short_side in [*sizes, (3, 5, 18), (5, 3, 18), (48, 51, 24), (9, 9, 17)]:
        path = tmp_path / f"{width}x{height}.mkv"
        make_picture(path, width, height)
        grey = next(grey_stream(path, media=Media(short_side=short_side), ffmpeg=find_ffmpeg()))
        assert grey.shape[::-1] == size_of_frames(width, height, short_side)
