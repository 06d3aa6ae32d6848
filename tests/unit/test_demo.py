"""The demo is honest: twins are time reversals of each other in the files themselves, and subsets share no scene."""

import csv
from itertools import pairwise

import av
import numpy as np
import pytest

from kinema.demo.dataset import Scene, demo_scenes, draw_twins, render_demo
from kinema.demo.scenes import CLASSES, TWINS, _states
from kinema.experiment.config import Demo

SETTINGS = Demo(train_videos_per_class=2, val_videos_per_class=1)


def decoded(path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    root = tmp_path_factory.mktemp("demo")
    render_demo(table_path=root / "demo.csv", video_folder=root / "videos", settings=SETTINGS)
    return root


def test_the_table_lists_every_class_in_both_subsets(demo):
    with (demo / "demo.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len({row["video"] for row in rows}) == len(rows) == 6 * 3
    for label in CLASSES:
        subsets = [row["subset"] for row in rows if row["label"] == label]
        assert sorted(subsets) == ["training", "training", "validation"]
    assert all((demo / "videos" / row["label"] / f"{row['video']}.mp4").is_file() for row in rows)


@pytest.mark.parametrize("pair", TWINS)
def test_twins_are_time_reversals_in_every_decoded_pixel(demo, pair):
    for name in ("train_000", "train_001", "val_000"):
        forward, backward = (decoded(demo / "videos" / label / f"{label}_{name}.mp4") for label in pair)
        assert np.array_equal(forward, backward[::-1])
        assert len(forward) in (10, 12)


def test_rendering_is_deterministic(demo, tmp_path):
    render_demo(table_path=tmp_path / "demo.csv", video_folder=tmp_path / "videos", settings=SETTINGS)
    paths = sorted((demo / "videos").rglob("*.mp4"))
    assert len(paths) == 6 * 3
    assert all(path.read_bytes() == (tmp_path / path.relative_to(demo)).read_bytes() for path in paths)


def test_no_two_scenes_are_alike(demo):
    scenes = list(demo_scenes(SETTINGS))
    first_frames = [next(iter(draw_twins(scene, seed=7).values()))[0].tobytes() for scene in scenes]
    assert len(set(first_frames)) == len(scenes) == 9
    assert draw_twins(scenes[0], seed=8)[scenes[0].pair[0]][0].tobytes() not in first_frames


@pytest.mark.parametrize("pair", TWINS)
def test_something_moves_in_every_quarter_of_a_clip(pair):
    for number in range(6):
        frames = draw_twins(Scene(pair=pair, subset="training", number=number), seed=3)[pair[0]].astype(int)
        quarters = frames[np.linspace(0, len(frames) - 1, 5).astype(int)]
        assert all((np.abs(after - before).max(2) > 40).mean() > 0.002 for before, after in pairwise(quarters))


def test_the_motion_goes_one_way_over_most_of_its_range():
    courses = [_states(40, np.random.default_rng(seed)) for seed in range(200)]
    assert all((np.diff(course) > 0).all() for course in courses)
    assert all(course[0] >= 0 and course[-1] <= 1 and course[-1] - course[0] > 0.5 for course in courses)
