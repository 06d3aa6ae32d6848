"""Folders of numbered pictures as videos: their frames, what of them is damaged, and frames that are links."""

import os
import shutil
import struct
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from media_corpus import Corpus, failing_ffmpeg, make_video

from kinema.experiment.data_sections import Media
from kinema.media.check import check_table
from kinema.media.ffmpeg import find_ffmpeg
from kinema.media.frame_folders import open_folder
from kinema.media.recipe import recipe_of

STORAGES = ["packed", "frames", "video"]
SIZE = (64, 48)
LINKED = Media(storage="frames", short_side=48, link_frames=True)


def media(storage: str = "packed", **changes) -> Media:
    return Media(storage=storage, short_side=48, jpeg_quality=2, video_quality=1, **changes)


def picture(number: int, size=SIZE) -> np.ndarray:
    """A smooth picture, (H, W, 3), another one for each number."""
    noise = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 5), None, 20, 235, cv2.NORM_MINMAX)


def encoded(image: np.ndarray, extension: str = ".jpg", *options: int) -> bytes:
    return cv2.imencode(extension, image, options)[1].tobytes()


def make_folder(folder: Path, count: int = 10, pattern: str = "image_{:05d}.jpg", *, first: int = 1, step: int = 1):
    folder.mkdir(parents=True)
    for number in range(count):
        path = folder / pattern.format(first + number * step)
        path.write_bytes(encoded(picture(number), path.suffix))
    return folder


def shown(corpus: Corpus, name: str = "a") -> list[int]:
    """Which picture each stored frame shows."""
    small = [cv2.resize(picture(number), (8, 6), interpolation=cv2.INTER_AREA)[..., ::-1] for number in range(30)]
    numbers = []
    for frame in corpus.frames(corpus.rows()[name]):
        image = cv2.resize(frame.permute(1, 2, 0).numpy(), (8, 6), interpolation=cv2.INTER_AREA).astype(int)
        distances = [np.abs(image - other).mean() for other in small]
        assert min(distances) < 4
        numbers.append(int(np.argmin(distances)))
    return numbers


@pytest.fixture
def folder(corpus) -> Path:
    """Ten pictures of the video `a`, of label `wave`."""
    return make_folder(corpus.videos / "wave" / "a")


@pytest.mark.slow
@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("pattern", "first", "step"),
    [
        ("image_{:05d}.jpg", 1, 1),
        ("frame_{:06d}.png", 0, 1),
        ("{}.webp", 95, 1),
        ("img{}.bmp", 1, 5),
        ("it's 100%d \\ [x]{:03d}.tiff", 7, 1),
        ("%05d {}.ppm", 9, 1),
    ],
)
def test_a_folder_of_pictures_is_a_video_in_every_storage(corpus, storage, pattern, first, step):
    make_folder(corpus.videos / "wave" / "a", pattern=pattern, first=first, step=step)
    assert corpus.write("a", media(storage)) == {"kept": 0, "decoded": 1, "failed": 0, "missing": 0}
    row = corpus.rows()["a"]
    assert (row["num_frames"], row["height"], row["width"], row["fps"]) == (10, 48, 64, 25.0)
    assert (row["truncated"], row["detail"], row["duration_seconds"]) == (False, None, 0.4)
    assert row["path"] == str(corpus.videos / "wave" / "a")
    assert shown(corpus) == list(range(10))
    assert corpus.write("a", media(storage))["kept"] == 1
    assert list(check_table(corpus.table)) == [None]


@pytest.mark.parametrize("storage", STORAGES)
def test_flow_is_that_of_a_video(corpus, storage):
    folder = corpus.videos / "a"
    folder.mkdir()
    texture = picture(0, (192, 96))
    for number in range(12):
        (folder / f"{number}.png").write_bytes(encoded(np.roll(texture, 4 * number, axis=1), ".png"))
    corpus.write("a", media(storage, modality="flow", flow_bound=10))
    frames = corpus.frames(corpus.rows()["a"])
    assert corpus.rows()["a"]["num_frames"] == len(frames) == 11
    x, y = frames[5][:, 10:38, 40:80].float().mean((1, 2)).tolist()
    assert x == pytest.approx(127.5 + 2 * 12.75, abs=5)  # 4 pixels a frame at half the size
    assert y == pytest.approx(127.5, abs=4)


def test_several_kinds_of_pixels_become_ordinary_frames(corpus):
    deep, image = picture(0).astype(np.uint16) * 257, picture(0)
    clear = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    kinds = {
        "deep": (deep, ".png"),
        "clear": (clear, ".png"),
        "grey": (image[..., 0], ".png"),
        "lumen": (image[..., 0], ".jpg"),
    }
    for name, (pixels, extension) in kinds.items():
        (corpus.videos / name).mkdir()
        for number in range(3):
            (corpus.videos / name / f"{number}{extension}").write_bytes(encoded(pixels, extension))
    corpus.write(list(kinds), media())
    for name, row in corpus.rows().items():
        frames = corpus.frames(row)
        expected = image if kinds[name][0].ndim == 3 else cv2.merge([image[..., 0]] * 3)
        assert len(frames) == 3
        assert np.abs(frames[2].permute(1, 2, 0).numpy()[..., ::-1].astype(int) - expected).mean() < 4


def turned(jpeg: bytes, orientation: int) -> bytes:
    """With an Exif tag that asks for a turn."""
    tag = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(tag) + 2) + tag + jpeg[2:]


def test_pictures_are_turned_upright_and_scaled_to_the_first(corpus):
    for name in ("turned", "mixed"):
        (corpus.videos / name).mkdir()
    for number in range(4):
        lying = encoded(cv2.rotate(picture(number), cv2.ROTATE_90_COUNTERCLOCKWISE))
        (corpus.videos / "turned" / f"{number}.jpg").write_bytes(turned(lying, 6))
        other = picture(number, (96, 96) if number == 2 else SIZE)
        (corpus.videos / "mixed" / f"{number}.jpg").write_bytes(encoded(other))
    corpus.write(["turned", "mixed"], media())
    assert shown(corpus, "turned") == [0, 1, 2, 3]
    row = corpus.rows()["mixed"]
    assert {tuple(frame.shape) for frame in corpus.frames(row)} == {(3, 48, 64)}
    assert (row["num_frames"], row["truncated"]) == (4, False)


BROKEN = {
    "empty": lambda data: b"",
    "cut off": lambda data: data[: len(data) // 2],
    "nothing known among": lambda data: bytes(len(data)),
    "png among mjpeg": lambda data: encoded(picture(0), ".png"),
}


@pytest.mark.parametrize(("storage", "place"), [("packed", 0), ("frames", 4), ("video", 9)])
@pytest.mark.parametrize("reason", BROKEN)
def test_a_broken_picture_is_left_out_and_told(corpus, folder, storage, reason, place):
    path = folder / f"image_{place + 1:05d}.jpg"
    path.write_bytes(BROKEN[reason](path.read_bytes()))
    corpus.write("a", media(storage))
    row = corpus.rows()["a"]
    assert (row["status"], row["truncated"], row["num_frames"]) == ("ok", True, 9)
    assert f"1 of 10 pictures cannot be read, such as '{path.name}' ({reason}" in row["detail"]
    assert shown(corpus) == [number for number in range(10) if number != place]


@pytest.mark.parametrize("extension", [".png", ".webp", ".bmp", ".tiff", ".ppm"])
def test_pictures_of_other_kinds_that_are_cut_off_are_left_out(corpus, extension):
    folder = make_folder(corpus.videos / "a", pattern="{}" + extension)
    path = folder / f"5{extension}"
    path.write_bytes(path.read_bytes()[:-200])
    corpus.write("a", media())
    row = corpus.rows()["a"]
    assert (row["truncated"], row["num_frames"], shown(corpus)) == (True, 9, [0, 1, 2, 3, 5, 6, 7, 8, 9])
    assert row["detail"]


def test_what_a_decoder_drops_without_a_word_is_told(corpus, folder):
    """Each picture is one frame, so that a lost one shows."""
    pictures = open_folder({"path": str(folder)}, media=media(), ffmpeg=find_ffmpeg())
    assert pictures.trouble(8, media=media()) == "2 of 10 pictures cannot be decoded"
    assert pictures.trouble(9, media=media(modality="flow")) == pictures.trouble(8, media=media(fps=20)) == ""


def test_a_number_far_from_the_others_is_no_century_of_frames(corpus, folder):
    (folder / f"image_{10**30}.jpg").write_bytes(encoded(picture(20)))
    corpus.write("a", media())
    assert shown(corpus) == [*range(10), 20]
    assert "are missing, the first between the numbers 10 and 10000" in corpus.rows()["a"]["detail"]


def test_what_goes_wrong_while_pictures_are_read_is_told(corpus, folder, monkeypatch):
    def fail(feeder, file):
        raise RuntimeError("boom")

    monkeypatch.setattr("kinema.media.frame_folders._Feeder._write", fail)
    corpus.write("a", media())
    row = corpus.rows()["a"]
    assert (row["status"], row["reason"], row["detail"]) == ("failed", "unreadable", "RuntimeError: boom")


def test_more_behind_the_end_of_a_picture_is_no_damage(corpus, folder):
    """Phones put a film or a second picture there."""
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes() + b"more \xff\xda" + encoded(picture(20)))
    corpus.write("a", media())
    assert (corpus.rows()["a"]["truncated"], shown(corpus)) == (False, list(range(10)))


@pytest.mark.parametrize("storage", STORAGES)
def test_missing_numbers_are_told(corpus, folder, storage):
    for number in (4, 5, 8):
        (folder / f"image_{number:05d}.jpg").unlink()
    corpus.write("a", media(storage))
    row = corpus.rows()["a"]
    assert (row["truncated"], row["num_frames"]) == (True, 7)
    assert row["detail"] == "3 of 10 pictures are missing, the first between the numbers 3 and 6"
    assert shown(corpus) == [0, 1, 2, 5, 6, 8, 9]


def test_a_stream_that_is_asked_for_is_one_of_files(corpus, folder):
    corpus.write("a", media(stream=1))
    assert shown(corpus) == list(range(10))


def test_a_single_picture_is_a_video_of_one_frame(corpus):
    make_folder(corpus.videos / "a", 1)
    corpus.write("a", media())
    assert (corpus.rows()["a"]["status"], shown(corpus)) == ("ok", [0])


@pytest.mark.parametrize(
    ("content", "reason", "detail"),
    [
        (b"", "no picture can be read", "'image_00001.jpg' is empty or of no known kind"),
        (b"hello", "no picture can be read", "'image_00001.jpg' is empty or of no known kind"),
        (
            b"ffconcat version 1.0\nfile ../b.mp4\n",
            "no picture can be read",
            "'image_00001.jpg' is empty or of no known kind",
        ),
        (encoded(picture(0))[:99], "no picture can be read", "'image_00010.jpg' is cut off"),
    ],
)
def test_a_folder_without_a_good_picture_fails(corpus, folder, content, reason, detail):
    for path in folder.iterdir():
        path.write_bytes(content)
    corpus.write("a", media())
    row = corpus.rows()["a"]
    assert (row["status"], row["reason"], row["detail"]) == ("failed", reason, detail)


def test_too_large_pictures_fail_by_their_limit(corpus, folder):
    corpus.write("a", media(max_megapixels=0.002))
    row = corpus.rows()["a"]
    assert (row["reason"], "64 x 48" in row["detail"]) == ("too large", True)
    corpus.write("a", media())
    assert corpus.rows()["a"]["status"] == "ok"


def test_a_large_picture_among_small_ones_is_not_decoded(corpus, folder):
    (folder / "image_00003.jpg").write_bytes(encoded(picture(0, (800, 800))))
    corpus.write("a", media(max_megapixels=0.1))
    row = corpus.rows()["a"]
    assert (row["truncated"], row["num_frames"]) == (True, 9)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"start": 2, "end": 5, "unit": "frames"}, [2, 3, 5]),
        ({"start": 0.4, "end": 1.2, "unit": "seconds"}, [2, 3, 5]),
        ({"start": 1.41, "end": None, "unit": "seconds"}, [8, 9]),
        ({"start": None, "end": 0.2, "unit": "seconds"}, [0]),
    ],
    ids=str,
)
def test_parts_go_by_the_numbers_and_the_rate(corpus, folder, storage, part, expected):
    """The picture of place 4 is missing, and 5 pictures a second are shown."""
    (folder / "image_00005.jpg").unlink()
    corpus.write({"part": {"video": "a", **part}}, media(storage, frames_fps=5))
    wanted = [2, 3] if part["end"] == 5 else expected
    assert shown(corpus, "part") == wanted
    assert corpus.rows()["part"]["fps"] == 5


def test_a_part_behind_the_end_says_where_the_end_is(corpus, folder):
    corpus.write({"part": {"video": "a", "start": 3.0, "end": 4.0, "unit": "seconds"}}, media(frames_fps=5))
    row = corpus.rows()["part"]
    assert (row["reason"], row["detail"]) == ("too few frames", "its 10 pictures end at 2 s, before the part")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("rate", "wanted", "expected"),
    [(10, 5, [0, 2, 4, 6, 8]), (29.97, 29.97, list(range(10))), (5, 10, [n for n in range(10) for _ in "ab"])],
)
def test_pictures_are_resampled_from_their_rate(corpus, folder, storage, rate, wanted, expected):
    corpus.write("a", media(storage, frames_fps=rate, fps=wanted))
    frames = shown(corpus)
    assert len(frames) in (len(expected), len(expected) + 1)  # the filter may show the last one for longer
    assert frames[: len(expected)] == expected
    assert corpus.rows()["a"]["fps"] == wanted


def test_missing_pictures_take_their_time_where_the_rate_is_constant(corpus, folder):
    for number in (4, 5, 6):
        (folder / f"image_{number:05d}.jpg").unlink()
    corpus.write("a", media(fps=25))
    assert shown(corpus) == [0, 1, 2, 2, 2, 2, 6, 7, 8, 9]


def test_a_changed_folder_is_read_anew_and_a_touched_one_kept(corpus, folder, tmp_path):
    known = tmp_path / "known.tsv"
    corpus.write("a", media(), known=known)
    os.utime(folder)
    assert corpus.write("a", media(), known=known)["kept"] == 1
    (folder / "image_00011.jpg").write_bytes(encoded(picture(15)))
    assert corpus.write("a", media(), known=known)["decoded"] == 1
    assert shown(corpus) == [*range(10), 15]
    shutil.rmtree(folder)
    make_folder(corpus.videos / "b")
    assert corpus.write("ab", media(), known=known) == {"kept": 0, "decoded": 1, "failed": 0, "missing": 1}


def test_equal_folders_have_one_content(corpus, folder):
    make_folder(corpus.videos / "b", pattern="frame {}.jpg", first=0)
    make_folder(corpus.videos / "c", 9)
    corpus.write("abc", media())
    content = {name: row["content"] for name, row in corpus.rows().items()}
    assert content["a"] == content["b"] != content["c"]


def test_a_file_is_preferred_to_the_pictures_of_it(corpus, folder):
    make_video(corpus.videos / "z" / "a.mp4", frames=3)
    corpus.write("a", media(), label="other")
    row = corpus.rows()["a"]
    assert (row["num_frames"], row["duplicates"]) == (3, ["wave/a"])
    corpus.write("a", media(), label="wave")
    assert corpus.rows()["a"]["num_frames"] == 10


def test_a_killed_ffmpeg_and_a_time_limit_end_the_feeding(corpus, folder, tmp_path):
    killed = failing_ffmpeg(tmp_path / "killed", "pictures.mjpeg", times=99)
    corpus.write("a", media(), ffmpeg=killed)
    assert corpus.rows()["a"]["reason"] == "ffmpeg was killed"
    slow = failing_ffmpeg(tmp_path / "slow", "pictures.mjpeg", times=99, how="exec sleep 60")
    corpus.write("a", media(timeout_seconds=0.3), ffmpeg=slow)
    assert corpus.rows()["a"]["reason"] == "timeout"
    assert not [thread for thread in threading.enumerate() if thread.name == "feed"]


def test_a_picture_that_may_not_be_read_is_tried_again(corpus, folder, monkeypatch):
    read = Path.open

    def refuse(path, *args, **options):
        if path.name == "image_00006.jpg":
            raise PermissionError(13, "Permission denied")
        return read(path, *args, **options)

    manifest = corpus.plan("a")
    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("kinema.media.shard.PAUSE_SECONDS", 0)
    monkeypatch.setattr(corpus, "plan", lambda *args: manifest)
    corpus.write("a", media())
    row = corpus.rows()["a"]
    assert (row["status"], row["reason"]) == ("failed", "permission denied")
    monkeypatch.setattr(Path, "open", read)
    assert corpus.write("a", media())["decoded"] == 1


def stored_files(corpus: Corpus) -> list[Path]:
    return sorted(Path(corpus.rows()["a"]["stored"]).iterdir())


def test_good_pictures_are_linked_where_that_is_asked_for(corpus, folder):
    corpus.write("a", LINKED)
    frames = stored_files(corpus)
    assert [path.name for path in frames] == [f"image_{number:05d}.jpg" for number in range(1, 11)]
    assert all(frame.samefile(path) for frame, path in zip(frames, sorted(folder.iterdir()), strict=True))
    row = corpus.rows()["a"]
    assert (row["num_frames"], row["height"], row["width"], row["truncated"]) == (10, 48, 64, False)
    assert row["num_bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert shown(corpus) == list(range(10))
    assert list(check_table(corpus.table)) == [None]
    assert corpus.write("a", LINKED)["kept"] == 1


def test_without_being_asked_for_every_picture_is_encoded(corpus, folder):
    corpus.write("a", Media(storage="frames", short_side=48))
    assert not any(path.stat().st_nlink > 1 for path in stored_files(corpus))


def test_gaps_and_parts_of_linked_pictures(corpus, folder):
    (folder / "image_00003.jpg").unlink()
    corpus.write({"a": {}, "b": {"video": "a", "start": 4, "end": 7, "unit": "frames"}}, LINKED)
    assert (shown(corpus), shown(corpus, "b")) == ([0, 1, *range(3, 10)], [4, 5, 6])
    rows = corpus.rows()
    assert (rows["a"]["truncated"], rows["b"]["truncated"]) == (True, False)
    assert all(path.stat().st_nlink == 3 for path in stored_files(corpus)[3:6])


def test_removing_linked_frames_leaves_the_pictures(corpus, folder):
    corpus.write("a", LINKED, label="wave")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    corpus.write("a", LINKED, label="hug")
    make_folder(corpus.videos / "b")
    corpus.write("b", LINKED)
    assert not list((corpus.root / "frames").rglob("a/*"))
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_linked_frames_outlive_their_source_and_notice_an_edit(corpus, folder):
    corpus.write("a", LINKED)
    shutil.copytree(folder, corpus.root / "kept")
    shutil.rmtree(folder)
    assert shown(corpus) == list(range(10))
    stored_files(corpus)[3].write_bytes(encoded(picture(20)))
    assert [problem for problem in check_table(corpus.table) if problem]


def test_pictures_are_copied_where_links_cannot_be(corpus, folder, monkeypatch):
    def refuse(*args, **options):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr("kinema.media.storages.frames.os.link", refuse)
    corpus.write("a", LINKED)
    for copy, original in zip(stored_files(corpus), sorted(folder.iterdir()), strict=True):
        assert copy.read_bytes() == original.read_bytes()
        assert copy.stat().st_nlink == 1


def test_a_symbolic_link_is_linked_to_what_it_means(corpus, tmp_path):
    store, folder = make_folder(tmp_path / "store"), corpus.videos / "a"
    folder.mkdir()
    for path in store.iterdir():
        (folder / path.name).symlink_to(os.path.relpath(path, folder))
    corpus.write("a", LINKED)
    assert not any(path.is_symlink() for path in stored_files(corpus))
    assert all(path.stat().st_nlink == 2 for path in store.iterdir())


def hole(jpeg: bytes) -> bytes:
    """Without some data, but with its end."""
    return jpeg[:-200] + jpeg[-20:]


@pytest.mark.parametrize(("spoil", "reason"), [(hole, "damaged"), (lambda jpeg: jpeg[:-30], "cut off")])
def test_what_readers_would_refuse_is_not_linked_but_told(corpus, folder, spoil, reason):
    path = folder / "image_00005.jpg"
    path.write_bytes(spoil(path.read_bytes()))
    corpus.write("a", LINKED)
    row = corpus.rows()["a"]
    assert (row["truncated"], row["num_frames"]) == (True, 9)
    assert row["detail"] == f"1 of 10 pictures cannot be read, such as 'image_00005.jpg' ({reason})"
    assert shown(corpus) == [number for number in range(10) if number != 4]
    assert all(frame.stat().st_nlink == 2 for frame in stored_files(corpus))


UNFIT = {
    "another size": lambda number: encoded(picture(number, (80, 60) if number == 4 else SIZE)),
    "too large": lambda number: encoded(picture(number, (128, 96))),
    "an odd side": lambda number: encoded(picture(number, (65, 48))),
    "progressive": lambda number: encoded(picture(number), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "an Exif tag": lambda number: turned(encoded(picture(number)), 1),
    "more behind the end": lambda number: encoded(picture(number)) + b"more",
    "pixels that are not square": lambda number: encoded(picture(number)).replace(
        b"JFIF\0\x01\x01\0\0\x01\0\x01", b"JFIF\0\x01\x01\0\0\x02\0\x01"
    ),
    "png": lambda number: encoded(picture(number), ".png"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_pictures_that_are_no_frames_yet_are_encoded(corpus, case):
    folder = corpus.videos / "a"
    folder.mkdir()
    for number in range(10):
        (folder / f"{number}.jpg").write_bytes(UNFIT[case](number))
    corpus.write("a", LINKED)
    row = corpus.rows()["a"]
    assert row["status"] == "ok"
    assert not any(path.stat().st_nlink > 1 for path in stored_files(corpus))
    assert (row["truncated"], row["num_frames"], len(corpus.frames(row))) == (False, 10, 10)


@pytest.mark.parametrize("changes", [{"storage": "packed"}, {"modality": "flow"}, {"fps": 25}, {"short_side": 32}])
def test_links_are_for_pictures_that_stay_as_they_are(corpus, folder, changes):
    corpus.write("a", LINKED.model_copy(update=changes))
    assert corpus.rows()["a"]["status"] == "ok"
    assert all(path.stat().st_nlink == 1 for path in folder.iterdir())


def test_the_recipe_names_the_rate_and_the_links_where_they_are_set():
    assert recipe_of(LINKED) == "frames-48px-q4-linked"
    assert recipe_of(Media(frames_fps=30)) == "packed-256px-q4-from30fps"
    assert recipe_of(Media(link_frames=True)) == recipe_of(Media()) == "packed-256px-q4"


def test_frames_of_one_recipe_are_a_source_of_another(corpus, folder):
    corpus.write("a", media("frames"))
    again = Corpus(make_root(corpus.root / "again"))
    again.videos.rmdir()
    again.videos.symlink_to(corpus.root / "frames")
    again.write("a", media())
    assert shown(again) == list(range(10))
    assert isinstance(again.frames(again.rows()["a"])[0], torch.Tensor)


def make_root(root: Path) -> Path:
    root.mkdir()
    return root
