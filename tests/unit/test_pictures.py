"""Which folders of pictures are videos, in which order their pictures come, and when one counts as changed."""

import logging
import os
import shutil
import time
from pathlib import Path

import pytest

from kinema.media import samples, walk
from kinema.media.listing import known_tokens, list_videos, listing_digest, scan_videos
from kinema.media.pictures import numbered


def plant(root: Path, *names: str, content: bytes = b"x") -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def images(folder: str, count: int = 5, pattern: str = "image_{:05d}.jpg", first: int = 1) -> list[str]:
    return [f"{folder}/{pattern.format(first + number)}" for number in range(count)]


@pytest.mark.parametrize(
    "names",
    [
        ["image_00001.jpg", "image_00002.jpg", "image_00010.jpg"],
        ["frame_000000.png", "frame_000001.png"],
        ["img7.JPG", "img8.jpg", "img9.jpeg"],
        ["1.webp", "2.webp", "10.webp", "100.webp"],
        ["x 9.bmp", "x 10.bmp"],
        ["v1.2-5.tif", "v1.2-10.tiff"],
        ["20240101_0001.ppm"],
        ["99999999999999999999.png", "100000000000000000000.png"],
    ],
    ids=lambda names: names[0],
)
def test_pictures_come_in_the_order_of_their_numbers(names):
    assert list(numbered(names[::-1]).names) == names
    assert list(numbered([*names[::-1], "cover.jpg", "poster_a.png"]).names) == names


@pytest.mark.parametrize(
    ("names", "prefix"),
    [
        (["image_1.jpg", "flow_x_1.jpg", "flow_y_1.jpg"], "image_"),
        (["v_17-1.png", "flow_x_1.jpg", "flow_y_1.jpg"], "v_17-"),
        (["img_1.jpg", "x_1.jpg", "y_1.jpg"], "img_"),
        (["rgb_1.png", "depth_1.png", "mask_1.png"], "rgb_"),
        (["u1.jpg"], "u"),
    ],
    ids=str,
)
def test_flow_and_other_maps_beside_the_pictures_are_left_aside(names, prefix):
    assert list(numbered(names).names) == [names[0]]
    assert names[0].startswith(prefix)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["v1_0001.jpg", "v1_0002.jpg", "v2_0001.jpg"], "several numberings"),
        (["image_1.jpg", "rgb_1.jpg"], "several numberings"),
        (["image_1.jpg", "image_2.png"], "several numberings"),
        (["flow_x_1.jpg", "flow_y_1.jpg"], "several numberings"),
        (["v_1.jpg", "w_1.jpg"], "several numberings"),
        (["image_1.jpg", "image_01.jpg"], "two pictures of one number"),
        (["cat.jpg", "dog.jpg"], "do not end in a number"),
        (["a\n1.jpg", "b\t1.jpg"], "do not end in a number"),
    ],
    ids=str,
)
def test_what_may_be_several_videos_is_not_guessed(names, reason):
    found = numbered(names)
    assert not found.names
    assert reason in found.reason


def test_a_folder_of_pictures_is_a_video_of_its_name(tmp_path):
    plant(tmp_path, *images("wave/v.1", 3), *images("run/clip.mp4", 4), "wave/v2.mp4", "wave/more/deep/0.png")
    plant(tmp_path, "wave/v.1/._image_00009.jpg", "wave/v.1/notes.txt", "wave/v.1/cover.jpg")
    (tmp_path / "wave/v.1/image_00007.jpg").symlink_to("nowhere")
    (tmp_path / "wave/v.1/image_00008.jpg").mkdir()
    found, others = scan_videos(tmp_path)
    listed = list_videos(tmp_path)
    assert found == list(listed) == ["run/clip.mp4", "wave/more/deep", "wave/v.1", "wave/v2.mp4"]
    assert others == ["wave/v.1/._image_00009.jpg", "wave/v.1/image_00007.jpg", "wave/v.1/notes.txt"]
    assert [file.size for file in listed.values()] == [4, 1, 3, 1]


def test_pictures_that_are_no_video_are_told(tmp_path, caplog):
    plant(tmp_path, "0001.jpg", "0002.jpg", "wave/v1_1.jpg", "wave/v2_1.jpg", "photos/cat.jpg", "photos/dog.jpg")
    plant(tmp_path, "both/thumb_1.jpg", "both/a.mp4", *images("run/v1"), "run/preview.jpg")
    plant(tmp_path, "previews/clip_1.mp4", "previews/clip_1.jpg", "previews/clip_2.mp4", "previews/clip_2.jpg")
    videos = ["both/a.mp4", "previews/clip_1.mp4", "previews/clip_2.mp4", "run/v1"]
    assert list(list_videos(tmp_path)) == videos
    for text in (
        "numbered pictures without a folder of their own: '.'",
        "numbered pictures that lie beside videos: 'both/'",
        "several numberings of pictures, each of which may be a video: 'wave/'",
        "pictures whose names do not end in a number: 'photos/'",
    ):
        assert text in caplog.text
    assert "run/" not in caplog.text
    assert "previews/" not in caplog.text


def test_a_folder_of_pictures_may_hold_others(tmp_path):
    plant(tmp_path, *images("run/v1"), *images("run/v1/flow/x"), "run/v1/flow/x/more/a.mp4")
    assert list(list_videos(tmp_path)) == ["run/v1", "run/v1/flow/x", "run/v1/flow/x/more/a.mp4"]


class Folder:
    """One folder of 40 pictures, listed long after it was written."""

    def __init__(self, root: Path):
        self.root, self.known = root / "videos", root / "known.tsv"
        self.video = plant(self.root, *images("wave/v1", 40)) / "wave/v1"

    def token(self) -> str:
        return list_videos(self.root, known=self.known)["wave/v1"].token

    def grow_old(self) -> None:
        self.token()
        later = time.time_ns() + 10**10
        os.utime(self.known, ns=(later, later))


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


def overwrite(path: Path, content: bytes = b"y") -> None:
    """In place and under the old time stamps: the folder does not change."""
    stamps = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        lambda video: (video / "image_00041.jpg").write_bytes(b"x"),
        lambda video: (video / "image_00009.jpg").unlink(),
        lambda video: (video / "image_00009.jpg").rename(video / "image_00900.jpg"),
        lambda video: (video / "new").write_bytes(b"y") and (video / "new").replace(video / "image_00009.jpg"),
        lambda video: [overwrite(path) for path in video.iterdir()],
        lambda video: overwrite(video / "image_00001.jpg"),
        lambda video: overwrite(video / "image_00021.jpg"),
        lambda video: overwrite(video / "image_00040.jpg"),
        lambda video: os.utime(video),  # what makes any change seen
    ],
    ids=["added", "removed", "renamed", "one replaced", "all overwritten", "first", "middle", "last", "touched"],
)
def test_a_changed_folder_has_another_token(folder, change):
    folder.grow_old()
    before = folder.token()
    change(folder.video)
    after = folder.token()
    assert after != before
    assert folder.token() == after


def test_a_copy_has_the_same_token(folder, tmp_path):
    before = listing_digest(folder.root)
    shutil.copytree(folder.root, tmp_path / "copy", copy_function=shutil.copy)
    assert listing_digest(tmp_path / "copy") == before
    (tmp_path / "copy/wave/v1").rename(tmp_path / "copy/wave/v2")
    assert listing_digest(tmp_path / "copy") != before


def test_an_unchanged_folder_is_not_read(folder, monkeypatch):
    read = []
    scandir = os.scandir
    monkeypatch.setattr(walk.os, "scandir", lambda path: read.append(Path(path).name) or scandir(path))
    folder.grow_old()
    assert "v1" in read
    read.clear()
    folder.token()
    assert read == ["videos", "wave"]
    plant(folder.root, *images("wave/v1/inner"))
    folder.grow_old()
    read.clear()
    folder.token()
    assert "v1" in read  # a folder below it may have changed


def test_the_memory_survives_odd_lines_and_a_lost_picture(folder):
    folder.grow_old()
    lines = folder.known.read_text()
    for line in (
        lines.replace("image_00021", "image_0002\0"),
        lines.replace("\t40\t", "\tforty\t"),
        "/\t1\t1\t1\tx\twave/v1\n",
    ):
        folder.known.write_text(line)
        os.utime(folder.known, (2**32, 2**32))
        assert folder.token()
    folder.grow_old()
    (folder.video / "image_00021.jpg").unlink()
    assert list_videos(folder.root, known=folder.known)["wave/v1"].size == 39


def test_a_picture_that_may_not_be_read_is_tried_again(folder, monkeypatch):
    sample = samples.sample_of

    def refuse(root, relative):
        return samples.UNREADABLE if relative.endswith("00001.jpg") else sample(root, relative)

    monkeypatch.setattr(samples, "sample_of", refuse)
    assert folder.token() == samples.UNREADABLE
    monkeypatch.undo()
    assert folder.token() != samples.UNREADABLE


def test_links_to_folders_of_pictures_are_followed_once(tmp_path, caplog):
    plant(tmp_path, *images("store/v1"))
    (tmp_path / "videos/wave").mkdir(parents=True)
    (tmp_path / "videos/wave/one").symlink_to(tmp_path / "store/v1")
    (tmp_path / "videos/wave/two").symlink_to(tmp_path / "store/v1")
    with caplog.at_level(logging.WARNING):
        assert len(list_videos(tmp_path / "videos", known=known_tokens(tmp_path))) == 1
    assert "links to a folder that is listed already" in caplog.text
