"""Which videos look alike."""

import logging
import sys

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from scenes import scene

from kinema.annotations import grouping
from kinema.annotations.init import init_dataset
from kinema.annotations.joined import joined
from kinema.clips.report import write_report
from kinema.looks import kept as kept_signatures
from kinema.looks.kept import signatures_of
from kinema.looks.likeness import Likeness
from kinema.looks.look_alikes import write_look_alikes
from kinema.looks.pictures import pictures_of
from kinema.looks.signatures import Signatures
from kinema.looks.squares import NUM_PICTURES, SIDE, spread
from kinema.media.probe import MediaError
from kinema.records.dataset_report import DatasetReport
from kinema.records.look_alikes import LookAlikes

NUM_SCENES = 8


@pytest.fixture(scope="module")
def videos(make_once):
    """Of each scene two cuts in two classes, the second in another size or codec."""

    def make(folder):
        for seed in range(NUM_SCENES):
            scene(folder / "wave" / f"{seed}a.mp4", seed)
            other = {"size": (128, 96)} if seed % 2 else {"codec": "mpeg4"}
            scene(folder / "push" / f"{seed}b.mp4", seed, start=40, **other)

    return make_once("looks", make)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/config.yaml").write_text("{}")


def signed(folder, tmp_path):
    paths = sorted(folder.rglob("*.mp4"))
    keys = [path.name for path in paths]
    signatures, seen = signatures_of(
        keys, lambda number: pictures_of(paths[number]), kept_path=tmp_path / "kept/looks.npz"
    )
    return signatures, [keys[number] for number in seen]


@pytest.mark.slow
def test_cuts_of_one_scene_are_alike_in_any_size_and_codec_and_no_others(videos, tmp_path):
    signatures, names = signed(videos, tmp_path)
    found = {tuple(sorted((names[one], names[other]))) for one, other, _ in Likeness(signatures).pairs()}
    assert found == {(f"{seed}a.mp4", f"{seed}b.mp4") for seed in range(NUM_SCENES)}


@pytest.mark.slow
def test_a_split_by_looks_keeps_cuts_of_one_scene_together(videos, project):
    told = init_dataset(videos, name="mine", group="looks", val_fraction=0.25, test_fraction=0.25)
    table = pd.read_csv("data/mine/annotations.csv")
    assert sorted(table["subset"].unique()) == ["testing", "training", "validation"]
    assert (table.groupby(table["video"].str[0])["subset"].nunique() == 1).all()
    assert "8 groups of 16 videos look alike; 0 are like no other" in told


@pytest.mark.slow
def test_videos_are_looked_at_once(videos, project, monkeypatch):
    init_dataset(videos, name="mine", group="looks")
    monkeypatch.setattr("kinema.looks.grouping.pictures_of", lambda path: pytest.fail(f"{path} is looked at again"))
    init_dataset(videos, name="again", group="looks")


def test_signatures_are_kept_those_of_other_lists_too_and_damaged_ones_made_again(tmp_path, caplog):
    squares = {key: np.full((NUM_PICTURES, SIDE, SIDE, 3), 40 * key, np.uint8) for key in range(3)}
    kept = tmp_path / "looks.npz"

    def sign(*numbers):
        looked = []

        def pictures(position):
            looked.append(numbers[position])
            return squares[numbers[position]]

        signatures, _ = signatures_of([str(number) for number in numbers], pictures, kept_path=kept)
        return signatures, looked

    first, looked = sign(0, 1)
    assert looked == [0, 1]
    second, looked = sign(1, 2)
    assert looked == [2]
    np.testing.assert_array_equal(second.parts[0], first.parts[1])
    assert sign(0, 1, 2)[1] == [], "what another list did not ask for has stayed"
    kept.write_bytes(kept.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        assert sign(0)[1] == [0]
    assert "looks.npz: cannot be read" in caplog.text


def test_what_was_seen_before_an_error_is_kept(tmp_path):
    kept = tmp_path / "looks.npz"

    def stopped(number):
        if number == 1:
            raise KeyboardInterrupt
        return np.zeros((NUM_PICTURES, SIDE, SIDE, 3), np.uint8)

    with pytest.raises(KeyboardInterrupt):
        signatures_of(["a", "b"], stopped, kept_path=kept)
    signatures, seen = signatures_of(["a"], lambda _: pytest.fail("it is looked at again"), kept_path=kept)
    assert (len(signatures), seen) == (1, [0])


def test_a_video_without_a_picture_is_told_and_left_alone(videos, project, tmp_path):
    folder = tmp_path / "some"
    for seed in range(NUM_SCENES):
        scene(folder / "wave" / f"{seed}a.mp4", seed)
    scene(folder / "push" / "0b.mp4", 0, start=40)
    (folder / "push/broken.mp4").write_bytes(b"no video")
    told = init_dataset(folder, name="mine", group="looks")
    table = pd.read_csv("data/mine/annotations.csv").set_index("video")
    assert table["group"].dropna().to_dict() == {"0a": table["group"]["0b"], "0b": table["group"]["0b"]}
    assert "1 videos could not be looked at and count as alone" in told


def test_where_the_videos_are_not_known_it_is_told(project):
    from kinema.annotations.grouping import find_groups

    rows = pd.DataFrame({"video": ["a", "b"], "path": ["a", "b"]})
    with pytest.raises(ValueError, match=r"--group looks: it is not known where the videos are; .*--videos"):
        find_groups(rows, pattern="looks")


def test_pictures_lie_in_the_middle_of_equal_parts():
    assert spread(50).tolist() == [4, 14, 24, 34, 44]
    assert spread(1).tolist() == [0] * NUM_PICTURES
    assert spread(3).tolist() == [0, 0, 1, 2, 2]


def test_pictures_of_a_long_video_are_those_of_its_whole_length(tmp_path):
    path = tmp_path / "long.mp4"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 64, "yuv420p", 10
        for number in range(200):
            picture = np.full((64, 64, 3), number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
    found = pictures_of(path).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(found, [20, 60, 100, 140, 180], atol=4)


def test_a_folder_of_pictures_has_them_too(tmp_path):
    for number in range(10):
        cv2.imwrite(str(tmp_path / f"image_{number:05d}.png"), np.full((40, 30, 3), 20 * number, np.uint8))
    assert pictures_of(tmp_path).shape == (NUM_PICTURES, SIDE, SIDE, 3)
    np.testing.assert_allclose(pictures_of(tmp_path)[:, 0, 0, 0], [0, 60, 80, 120, 160], atol=20)
    with pytest.raises(MediaError):
        pictures_of(tmp_path / "image_00001.txt")


def test_a_chain_of_pairs_is_one_cluster():
    assert joined(6, [(0, 3), (3, 5), (1, 2)]).tolist() == [0, 1, 1, 0, 4, 0]


def test_of_three_videos_none_is_called_alike():
    same = Signatures(*(np.ones((3, *shape), np.float16) for shape in ((5, 80), (5, 640), (25, 320))))
    assert list(Likeness(same).pairs()) == []


def test_the_report_lists_look_alikes_of_two_subsets(videos, media_corpus, tmp_path):
    annotation_path, table_paths = media_corpus(videos)
    out, page = tmp_path / "look_alikes.json", tmp_path / "report.md"
    where = {"annotation_path": annotation_path, "table_paths": table_paths}
    write_look_alikes(**where, kept_path=tmp_path / "looks.npz", limit=100, threads=2, out=out)
    found = LookAlikes.read(out)
    assert (found.looked, found.num_videos, found.num_pairs) == (True, 2 * NUM_SCENES, NUM_SCENES)
    named = {(pair.subset, pair.video[0], pair.other_subset, pair.other[0]) for pair in found.pairs}
    assert named == {("training", str(seed), "validation", str(seed)) for seed in range(NUM_SCENES)}
    write_report(dataset="mine", **where, out=tmp_path / "report.json", page_path=page, look_alikes_path=out)
    assert "Pairs of videos in two subsets that look alike: 8. " in page.read_text()
    assert "kinema split TABLE --group looks" in page.read_text()
    assert DatasetReport.read(tmp_path / "report.json").look_alikes == found.pairs

    write_look_alikes(**where, kept_path=tmp_path / "looks.npz", limit=3, threads=2, out=out)
    write_report(dataset="mine", **where, out=tmp_path / "report.json", page_path=page, look_alikes_path=out)
    assert "Videos were not compared by their looks: 16 videos, and look_alikes_limit is 3." in page.read_text()


def test_videos_are_not_looked_at_again_where_their_flow_is_added(prepared, both, tmp_path, monkeypatch):
    out, pictures = tmp_path / "look_alikes.json", sorted(prepared.glob("0*.parquet"))
    where = {"annotation_path": prepared / "annotation.json", "kept_path": tmp_path / "looks.npz", "out": out}
    write_look_alikes(**where, table_paths=pictures, limit=100, threads=1)
    assert LookAlikes.read(out).looked
    monkeypatch.setattr(kept_signatures, "_sign", lambda *_: pytest.fail("they are looked at again"))
    write_look_alikes(**where, table_paths=[*pictures, *sorted(both.glob("0*.parquet"))], limit=100, threads=1)
    assert LookAlikes.read(out).looked


@pytest.fixture
def media_corpus(tmp_path):
    """Annotation and shard tables of the scenes: the first cuts are for training, the second for validation."""
    import json

    from kinema.experiment.data_sections import Media
    from kinema.media.plan import manifest_path, plan_shards
    from kinema.media.shard import write_shard

    def make(folder):
        database = {
            path.stem: {
                "subset": "training" if path.stem.endswith("a") else "validation",
                "annotations": {"label": path.parent.name},
            }
            for path in sorted(folder.rglob("*.mp4"))
        }
        annotation_path, plan = tmp_path / "annotation.json", tmp_path / "plan.json"
        annotation_path.write_text(json.dumps({"labels": ["push", "wave"], "database": database}))
        plan_shards([annotation_path], video_folder=folder, num_shards=1, out=plan)
        table = tmp_path / "shards/0000.parquet"
        table.parent.mkdir()
        media = Media(short_side=64)
        write_shard(manifest_path(plan, "0000"), table_path=table, media=media, ffmpeg=None, workers=2)
        return annotation_path, [table]

    return make


def test_without_pytorch_nothing_is_compared_and_it_is_told(videos, media_corpus, tmp_path, monkeypatch):
    annotation_path, table_paths = media_corpus(videos)
    monkeypatch.setitem(sys.modules, "torch", None)
    out = tmp_path / "look_alikes.json"
    where = {"annotation_path": annotation_path, "table_paths": table_paths, "kept_path": tmp_path / "looks.npz"}
    write_look_alikes(**where, limit=100, threads=1, out=out)
    assert LookAlikes.read(out).reason == "the package torch is not installed"


def test_groups_of_the_list_stay_together_where_looks_are_asked_for(monkeypatch):
    def looks(rows, folder):
        return pd.Series(["like a", "like a", None, None, None, None], dtype="string"), ["1 groups"]

    monkeypatch.setitem(grouping.WAYS, "looks", looks)
    names = list("abcdef")
    given = pd.Series(["anna", None, "anna", "ben", "ben", None], dtype="string")
    rows = pd.DataFrame({"video": names, "path": names, "group": given})
    groups, told = grouping.find_groups(rows, pattern="looks")
    assert groups.fillna("-").tolist() == ["anna", "anna", "anna", "ben", "ben", "-"]
    assert told == ["1 groups", "2 groups of 4 videos are of the column group, which are kept together as well"]
