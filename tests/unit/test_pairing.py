"""Data sets with pictures and optical flow: what a clip of both is, what is dropped, what becomes stale by it."""

import json
import pickle
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP, build, entry, write_annotation, write_corpus
from media_corpus import make_video
from test_media_storage import moving

from kinema.clips.coverage import read_coverage
from kinema.clips.dataset import ClipDataset, clips_for
from kinema.clips.local_copy import read_files
from kinema.clips.pairing import UNLIKE
from kinema.clips.table import ClipIndex, mapped_path
from kinema.deployment.about import flow_bound_of
from kinema.evaluation.views import ViewDataset
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Augmentation, Media
from kinema.experiment.model_sections import Evaluation
from kinema.inference.clips import read_clips
from kinema.inference.description import Description
from kinema.inference.flow import flow_at_pace
from kinema.inference.frame_rates import FrameRates
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.sampling import Sampling, sampling_of
from kinema.inference.spec import CHANNELS, InputSpec
from kinema.inference.video import Video
from kinema.media.probe import MediaError
from kinema.media.reader import FrameReader
from kinema.media.recipe import frames_json, recipe_of
from kinema.report.augmented import GAP, SIDE, contact_sheet

STILL = {"brightness": 0, "contrast": 0, "saturation": 0}


def index_of(root, subset="training", clip=CLIP):
    return ClipIndex.load(root / "clips.parquet", subset=subset, clip=clip)


def test_a_clip_has_pictures_and_the_flow_of_the_same_instants(both):
    dataset = clips_for(index_of(both), "rgb+flow", clip=CLIP)
    alone = {name: clips_for(index_of(both), name, clip=CLIP) for name in ("rgb", "flow")}
    reader = FrameReader()
    for row in range(len(dataset)):
        clip = dataset[row]["clip"]
        assert clip.shape == (4, 5, 48, 48)
        assert torch.equal(clip[:, :3], alone["rgb"][row]["clip"])
        assert torch.equal(clip[:, 3:], alone["flow"][row]["clip"])
        numbers = dataset.frame_numbers(row, np.random.default_rng()).tolist()
        parts = dataset._read_frames(row, np.array(numbers))
        assert [reader.media(part.shard).modality for part in parts] == ["rgb", "flow"]
        assert [part.numbers for part in parts] == [numbers] * 2
        assert parts[0].size == parts[1].size


def test_the_flow_of_a_clip_is_the_motion_from_its_pictures_to_the_next(both):
    """Pictures that are moved by the flow beside them come nearer to the pictures that follow."""
    index, reader, nearer = index_of(both), FrameReader(), []
    for row in range(len(index)):
        video = index.video(row)
        before, after = reader.read(index.table(row, "rgb"), video, [4, 5])
        (flow,) = reader.read(index.table(row, "flow"), video, [4])
        x, y = ((flow[..., axis].astype(np.float32) - 127.5) * (20 / 127.5) for axis in (0, 1))
        (rows, columns), (height, width) = np.mgrid[: flow.shape[0], : flow.shape[1]], flow.shape[:2]
        places = (
            np.rint(rows + y).clip(0, height - 1).astype(int),
            np.rint(columns + x).clip(0, width - 1).astype(int),
        )
        moved, still = (np.abs(one.astype(float) - before).mean() for one in (after[places], after))
        nearer.append(moved < still)
    assert all(nearer)


def test_a_clip_of_both_has_as_many_frames_as_its_flow(prepared, both):
    rows, pictures = (pq.read_table(root / "clips.parquet").to_pandas() for root in (both, prepared))
    assert rows["video"].unique().tolist() == pictures["video"].unique().tolist()
    counts = [frame.groupby("video")["num_frames"].first() for frame in (rows, pictures)]
    assert (counts[0] + 1 == counts[1]).all()
    assert pictures["flow_shard"].isna().all()
    assert not index_of(prepared).has_both


@pytest.mark.parametrize("effects", [{}, {"hue": 0.3, "sharpness": 0.9}], ids=["plain", "effects"])
def test_a_training_clip_is_cut_and_mirrored_alike_in_both(both, effects):
    """Each part is what a network of it alone is fed; the mirror image of flow moves the other way."""
    augmentation = Augmentation(horizontal_flip=0.5, **STILL)
    index, loud = index_of(both), augmentation.model_copy(update=effects)
    of_both = ClipDataset(index, clip=CLIP, augmentation=loud, modality="rgb+flow")
    pictures = ClipDataset(index, clip=CLIP, augmentation=loud)
    flow = ClipDataset(index, clip=CLIP, augmentation=augmentation, modality="flow")
    mirrored = set()
    for epoch in range(4):
        for row in range(len(index)):
            clip = of_both.read((epoch, row))["clip"]
            assert torch.equal(clip[:, :3], pictures.read((epoch, row))["clip"])
            assert torch.equal(clip[:, 3:], flow.read((epoch, row))["clip"])
            mirrored.add(of_both.transform.mirrored)
    assert mirrored == {False, True}


def test_colours_are_those_of_the_pictures_alone(both):
    index, loud = index_of(both), Augmentation(horizontal_flip=0, brightness=0.9, rand_augment_ops=2)
    found = ClipDataset(index, clip=CLIP, augmentation=loud, modality="rgb+flow")
    plain = ClipDataset(index, clip=CLIP, augmentation=Augmentation(horizontal_flip=0, **STILL), modality="rgb+flow")
    clips = [(dataset[0]["clip"]) for dataset in (found, plain)]
    assert torch.equal(clips[0][:, 3:], clips[1][:, 3:])
    assert not torch.equal(clips[0][:, :3], clips[1][:, :3])


def test_views_of_both_are_those_of_each(both):
    options = {"clip": CLIP, "views": Evaluation(crops="ten", scale=0.8)}
    index = index_of(both, "validation")
    whole, *parts = (ViewDataset(index, modality=name, **options) for name in ("rgb+flow", "rgb", "flow"))
    clip = whole[0]["clip"]
    assert clip.shape == (4, 10, 5, 48, 48)
    assert torch.equal(clip[:, :, :3], parts[0][0]["clip"])
    assert torch.equal(clip[:, :, 3:], parts[1][0]["clip"])
    assert torch.equal(clip[:, 5:, 3], 255 - clip[:, :5, 3].flip(-1))


def test_a_loader_process_reads_both(both):
    index = index_of(both)
    dataset = clips_for(index, "rgb+flow", clip=CLIP)
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[0]["clip"], dataset[0]["clip"])


@pytest.mark.parametrize("modality", ["rgb", "flow", "rgb+flow"])
def test_copies_of_the_frames_are_of_what_a_model_reads(both, prepared, modality):
    roots = {"rgb": prepared, "flow": both}
    names = [f"{shard}.{ending}" for shard in ("0000", "0001") for ending in ("arrow", "tar")]
    expected = [roots[part] / name for part in modality.split("+") for name in names]
    assert sorted(read_files(both / "clips.parquet", modality)) == sorted(expected)


def write_both(root, database, became):
    """Tables of pictures and of flow; `became` says of a video what differs, of the pictures and of the flow."""
    tables = []
    for place, modality in enumerate(("rgb", "flow")):
        (root / modality).mkdir()
        counts = {video: {"num_frames": 50 - place} for video in database}
        own = {video: counts[video] | became.get(video, ({}, {}))[place] for video in database}
        write_corpus(root / modality, database, own, modality=modality)
        tables += [root / modality / "0000.parquet", root / modality / "0001.parquet"]
    write_annotation(root, database)
    return tables


FEW = {"status": "failed", "reason": "too few frames", "detail": "0 of 1"}
BROKEN = {"status": "failed", "reason": "decode error", "detail": "partial file"}


@pytest.mark.parametrize(
    ("became", "expected"),
    [
        (({}, FEW), ("failed", "too few frames", "flow alone; 0 of 1")),
        (({}, FEW | {"detail": None}), ("failed", "too few frames", "flow alone")),
        ((FEW, {}), ("failed", "too few frames", "pictures alone; 0 of 1")),
        ((BROKEN, BROKEN), ("failed", "decode error", "partial file")),
        ((BROKEN, FEW), ("failed", "decode error", "partial file; flow: too few frames; 0 of 1")),
        (({"status": "missing"}, {"status": "missing"}), ("missing", "missing", None)),
        (({"status": "missing"}, {}), ("missing", "missing", "pictures alone")),
        (({}, {"num_frames": 48}), ("failed", UNLIKE, "50 pictures, 48 frames of flow")),
        (({}, {"content": "another"}), ("failed", UNLIKE, "50 pictures, 49 frames of flow")),
    ],
)
def test_a_video_that_one_of_them_lacks_is_dropped_and_the_report_says_for_which(tmp_path, became, expected):
    tables = write_both(tmp_path, {"a": entry("training"), "b": entry("training")}, {"b": became})
    for given in (tables, tables[::-1]):
        _, videos = read_coverage(tmp_path / "annotation.json", given)
        found = videos.set_index("video").loc["b", ["status", "reason", "detail"]]
        assert tuple(found.where(found.notna(), None)) == expected
    build(tmp_path, allowed=0.5, table_paths=tables)
    index = ClipIndex(mapped_path(tmp_path / "clips.parquet"), "training")
    assert [index.video(row) for row in range(len(index))] == ["a"]
    assert index.num_frames.tolist() == [49]
    row = pq.read_table(tmp_path / "clips.parquet").to_pylist()[0]
    assert row["frames_digest"] == "frames of a+frames of a"
    assert [row["shard"], row["flow_shard"]] == [
        str(tmp_path / name / f"{index.shard(0).stem}.parquet") for name in ("rgb", "flow")
    ]


def test_damage_of_either_is_told(tmp_path):
    damage = {"truncated": True, "detail": "after frame 50: cut off"}
    became = {"a": (damage, damage | {"detail": "after frame 49: cut off"}), "b": ({}, damage)}
    tables = write_both(tmp_path, {"a": entry("training"), "b": entry("training"), "c": entry("training")}, became)
    _, videos = read_coverage(tmp_path / "annotation.json", tables)
    assert videos["truncated"].tolist() == [True, True, False]
    assert videos["detail"].fillna("").tolist() == ["after frame 50: cut off", "after frame 50: cut off", ""]
    assert videos["num_bytes"].tolist() == [2000] * 3


def test_nothing_usable_is_told_as_ever(tmp_path):
    gone = {"status": "missing"}
    tables = write_both(tmp_path, {"a": entry("training")}, {"a": (gone, gone)})
    with pytest.raises(ValueError, match="1 of 1 videos are missing or failed"):
        build(tmp_path, allowed=0.5, table_paths=tables)


def test_each_modality_is_made_with_its_own_settings():
    """So nothing is decoded anew, and no shard looked at, where a data set becomes one of both, or shares a corpus."""
    shared = {"short_side": 64, "min_frames": 4}
    media = Media(modality="rgb+flow", flow_bound=8, link_frames=True, **shared)
    pictures, flow = media.recipes
    assert frames_json(pictures) == frames_json(Media(link_frames=True, **shared))
    assert frames_json(flow) == frames_json(Media(modality="flow", flow_bound=8, **shared))
    assert [recipe_of(one) for one in media.recipes] == ["packed-64px-q4", "packed-64px-q4-flow8"]
    for modality, of_both in zip(("rgb", "flow"), media.recipes, strict=True):
        assert media.model_copy(update={"modality": modality}).recipes == [of_both]


def test_the_data_of_one_modality_have_the_digests_of_before(prepared, both):
    """Of the columns that a training depends on, none is new."""
    found = [json.loads((root / "clips.json").read_text())["parts"]["training"] for root in (prepared, both)]
    assert found[0].keys() == found[1].keys()
    assert found[0]["digest"] != found[1]["digest"]
    assert found[0]["groups"] == found[1]["groups"]


@pytest.mark.parametrize("modality", ["flow", "rgb+flow"])
@pytest.mark.parametrize("fps", [None, 5.0])
def test_a_client_computes_the_flow_of_a_training(both, prepared, modality, fps):
    """The same clips of a video but for the loss of JPEG, by number and in time."""
    clip = CLIP.model_copy(update={"fps": fps, "stride": 1})
    dataset = clips_for(index_of(both, "validation", clip), modality, clip=clip)
    ones = (1,) * len(CHANNELS[modality])
    options = {"modality": modality, "color_order": CHANNELS[modality], "mean": ones, "std": ones}
    spec = InputSpec(num_frames=clip.length, stride=clip.stride, size=clip.size, fps=fps, **options)
    for number in np.unique(dataset.index.video_number):
        rows = np.flatnonzero(dataset.index.video_number == number)
        (path,) = (prepared / "videos").rglob(f"{dataset.index.video(int(rows[0]))}.*")
        video = Video(path, frames=FrameSpec(short_side=64))
        found = read_clips(video, spec, num_clips=clip.num_val_clips, flow_bound=20.0).pixels
        stored = np.stack([dataset[int(row)]["clip"].numpy() for row in rows])
        assert found.shape == stored.shape
        off = np.abs(found.astype(int) - stored)
        assert off.mean() < 2
        assert np.abs(stored[:, :, -2:].astype(int) - 128).mean() > off[:, :, -2:].mean()


FLOW_SPEC = InputSpec(num_frames=2, stride=1, size=32, modality="flow", color_order="XY", mean=(1, 1), std=(1, 1))


def test_flow_at_the_pace_of_a_training_goes_to_the_next_picture_at_that_pace(tmp_path):
    video = Video(make_video(tmp_path / "a.mp4", frames=12))
    flows = [flow_at_pace(video, Sampling(25.0, rate), FLOW_SPEC, bound=20) for rate in (None, 12.5)]
    assert [[flow.numbers.tolist(), flow.following.tolist(), flow.bound] for flow in flows] == [
        [list(range(11)), list(range(1, 12)), 20],
        [[0, 2, 4, 6, 8], [2, 4, 6, 8, 10], 20],
    ]
    in_time = replace(FLOW_SPEC, fps=12.5)
    for pace in (12.5, 50.0):  # trained in time, on the flow of neighbours
        flow = flow_at_pace(video, Sampling(25.0, pace), in_time, bound=20)
        assert (flow.following - flow.numbers == 1).all()
        assert flow.bound == 20
    with pytest.raises(MediaError, match="too few frames"):
        flow_at_pace(video, Sampling(25.0, 1.0), FLOW_SPEC, bound=20)


@pytest.mark.parametrize(("fps", "step"), [(25, 3), (12.5, 6), (50, 1.5)])
def test_a_motion_is_as_long_at_every_frame_rate(tmp_path, fps, step):
    """A square moves 3 pixels in a 25th of a second, whatever the rate of the video; no frame of it stands still."""
    path = moving(tmp_path / "a.mp4", frames=round(fps / 2), step=step, rate=Fraction(fps))
    video = Video(path, frames=FrameSpec(short_side=96))
    flow = flow_at_pace(video, sampling_of(fps, FrameRates(median=25, low=25, high=25)), FLOW_SPEC, bound=20.0)
    whole = dict(zip(("top", "left", "height", "width"), (0, 0, *video.size), strict=True))
    assert len(flow.numbers) >= 10
    for number, picture in zip(flow.numbers, flow.cut(whole), strict=True):
        left = round(10 + step * number)
        inside = picture[32:64, left + 16 : left + 48].astype(float) * (40 / 255) - 20
        assert np.median(inside, axis=(0, 1)) == pytest.approx([3, 0], abs=0.3)


def test_an_exported_model_says_the_bound_of_its_flow(both, prepared):
    assert flow_bound_of(both / "clips.parquet") == 20
    spec = InputSpec(num_frames=2, stride=1, size=32, modality="flow", color_order="XY", mean=(1, 1), std=(1, 1))
    about = Description("a_vtn_flow", ("wave",), spec, "1.0", flow_bound=8.5)
    assert Description.from_metadata(about.to_metadata(), where="here") == about


def test_the_page_shows_pictures_and_the_flow_below_them(both):
    settings = Settings(clip=CLIP)
    sheets = {name: contact_sheet(both / "clips.parquet", settings, modality=name) for name in ("rgb", "rgb+flow")}
    sizes = {name: sheet.clips[0].fed_size for name, sheet in sheets.items()}
    assert sizes["rgb+flow"] == (sizes["rgb"][0], 2 * SIDE + GAP)
    assert sheets["rgb+flow"].changes == sheets["rgb"].changes
    assert sheets["rgb+flow"].clips[0].stored == sheets["rgb"].clips[0].stored


@pytest.mark.parametrize("modality", ["flow", "rgb+flow"])
def test_what_the_shards_lack_is_told(prepared, modality):
    with pytest.raises(ValueError, match=rf"are rgb, the model takes {modality.replace('+', '.')}; choose a model"):
        clips_for(index_of(prepared), modality, clip=CLIP)
