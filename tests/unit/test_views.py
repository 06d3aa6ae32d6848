"""The views of clips that are scored: which pixels they have, that each counts once, and what is averaged over them."""

import shutil
import threading
import time
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP
from deployed_model import Deployed

from kinema.clips.dataset import ClipDataset
from kinema.clips.table import ClipIndex
from kinema.clips.transforms import EvaluationTransform
from kinema.evaluation.calibration import LogLoss, fitted_temperature
from kinema.evaluation.evaluate import EvaluationFiles, evaluate
from kinema.evaluation.reading import read_batches
from kinema.evaluation.score import evaluation_dataset, score
from kinema.evaluation.views import ViewDataset, ViewTransform, boxes_of, num_views
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Evaluation
from kinema.inference.predictors.onnxruntime import onnxruntime_predictor
from kinema.inference.predictors.openvino import openvino_predictor
from kinema.inference.probabilities import softmax
from kinema.metrics import ClipScores, by_video
from kinema.models.loading.checkpoint import load_checkpoint

CENTRE = ("c", "tl", "tr", "bl", "br")
NUM_VIEWS = {"centre": 1, "three": 3, "five": 5, "ten": 10, "gaussian": 10}


@dataclass
class Read:
    """Frames (T, H, W, C) of a video that are read already."""

    frames: np.ndarray
    video: str = "a"

    @property
    def size(self):
        return self.frames.shape[1:3]

    def cut(self, box):
        for frame in self.frames:
            yield frame[
                box["top"] : box["top"] + box["height"], box["left"] : box["left"] + box["width"]
            ].copy()  # whoever takes one may write into it


def views_of(frames, *, size, video="a", **settings):
    """Views (T, V, C, size, size) of frames (T, H, W, C)."""
    views = Evaluation(**settings)
    shape = (len(frames), num_views(views), frames.shape[3], size, size)
    transform = ViewTransform(size, views, modality="flow" if frames.shape[3] == 2 else "rgb")
    return transform(Read(frames, video), out=torch.empty(shape, dtype=torch.uint8)).numpy()


def starts(height, width, *, size=4, video="a", **settings):
    """Top and left of each square."""
    boxes = boxes_of(Evaluation(**settings), height, width, size=size, video=video)
    assert {(box["height"], box["width"]) for box in boxes} == {(size, size)}
    return [(box["top"], box["left"]) for box in boxes]


@pytest.mark.parametrize(
    ("crops", "sides", "expected"),
    [
        ("centre", (6, 11), [(1, 4)]),  # half of 7 is rounded to even
        ("three", (4, 10), [(0, 0), (0, 3), (0, 6)]),
        ("three", (6, 10), [(1, 0), (1, 3), (1, 6)]),
        ("three", (10, 4), [(0, 0), (3, 0), (6, 0)]),
        ("three", (6, 6), [(1, 0), (1, 1), (1, 2)]),
        ("five", (6, 10), [(1, 3), (0, 0), (0, 6), (2, 0), (2, 6)]),
        ("ten", (6, 10), [(1, 3), (0, 0), (0, 6), (2, 0), (2, 6)]),
    ],
)
def test_where_the_squares_are(crops, sides, expected):
    assert starts(*sides, crops=crops) == expected


def test_gaussian_squares_are_those_of_the_video():
    drawn = [starts(40, 90, crops="gaussian", size=32, video=f"video {number}") for number in range(400)]
    assert drawn[7] == starts(40, 90, crops="gaussian", size=32, video="video 7")
    assert len({tuple(squares) for squares in drawn}) > 390
    tops, lefts = (np.array(drawn)[..., axis].ravel() for axis in (0, 1))
    assert (tops.min(), tops.max(), lefts.min(), lefts.max()) == (0, 8, 0, 58), "anywhere in the frame, and in it"
    middle = lefts[(lefts > 0) & (lefts < 58)]
    # 29 pixels of room on one side: normal with the deviation 3 sqrt(29) = 16.2, cut off at 1.8 of it
    assert abs(lefts.mean() - 29) < 1.5
    assert abs(middle.std() - 13.6) < 1
    assert starts(32, 32, crops="gaussian", size=32) == [(0, 0)] * 5


def test_ten_crops_of_a_small_picture_by_hand():
    rows, columns = np.mgrid[:3, :5]
    picture = np.stack([10 * rows + columns, 100 + columns, 200 + rows], axis=-1).astype(np.uint8)  # B, G, R
    views = views_of(np.stack([picture, picture + 1]), size=2, scale=2 / 3, crops="ten")
    assert views.shape == (2, 10, 3, 2, 2)
    blue = views[0, :, 2].tolist()
    # the middle of one pixel more in height is at row 0 and of three more in width at column 2: halves go to even
    assert blue[:5] == [
        [[2, 3], [12, 13]],
        [[0, 1], [10, 11]],
        [[3, 4], [13, 14]],
        [[10, 11], [20, 21]],
        [[13, 14], [23, 24]],
    ]
    assert blue[5:] == [[row[::-1] for row in square] for square in blue[:5]]
    assert views[0, 1, 0].tolist() == [[200, 200], [201, 201]], "red comes first"
    assert (views[1] == views[0] + 1).all(), "every frame has the same squares"


def test_a_mirrored_flow_moves_the_other_way():
    flow = np.stack([np.arange(9).reshape(3, 3) + 120, np.arange(9).reshape(3, 3)], axis=-1).astype(np.uint8)
    views = views_of(flow[None], size=2, scale=2 / 3, crops="ten")[0]
    plain, mirrored = views[:5], views[5:]
    assert plain[1].tolist() == [[[120, 121], [123, 124]], [[0, 1], [3, 4]]]
    assert mirrored[1].tolist() == [[[134, 135], [131, 132]], [[1, 0], [4, 3]]]
    assert (mirrored[:, 0] == 255 - plain[:, 0, :, ::-1]).all()
    assert (mirrored[:, 1] == plain[:, 1, :, ::-1]).all()


def test_a_square_is_the_same_alone_and_among_others():
    rng = np.random.default_rng(0)
    for _ in range(20):
        height, width, size = (int(side) for side in rng.integers(20, 150, 3))
        frames, scale = rng.integers(0, 256, (2, height, width, 3), np.uint8), float(rng.choice([1.0, 0.875, 0.6]))
        five = views_of(frames, size=size, scale=scale, crops="five")
        for number, position in enumerate(CENTRE):
            one = views_of(frames, size=size, scale=scale, position=position)[:, 0]
            out = torch.empty(one.shape, dtype=torch.uint8)
            alone = EvaluationTransform(size, scale=scale, position=position)(Read(frames), out=out).numpy()
            assert np.array_equal(one, alone)
            assert np.array_equal(one, five[:, number])


def index_of(prepared, clip=CLIP):
    return ClipIndex.load(prepared / "clips.parquet", subset="validation", clip=clip)


def test_views_of_stored_clips_are_their_crops(prepared):
    # longer than the videos, so that frames come again
    clip = CLIP.model_copy(update={"length": 40, "stride": 3, "num_val_clips": 2})
    index = index_of(prepared, clip)
    views = ViewDataset(index, clip=clip, views=Evaluation(crops="ten", scale=0.8))
    numbers = views.frame_numbers(0, np.random.default_rng())
    assert len(np.unique(numbers)) < len(numbers)
    plain = ClipDataset(index, clip=clip)
    for number, position in enumerate(CENTRE):
        plain.transform = EvaluationTransform(clip.size, scale=0.8, position=position)
        for row in (0, len(index) - 1):
            found, expected = views[row]["clip"], plain[row]["clip"]
            assert torch.equal(found[:, number], expected)
            assert torch.equal(found[:, number + 5], expected.flip(-1))


def test_the_modality_decides_how_views_are_mirrored(prepared):
    for modality, channels in (("rgb", 3), ("flow", 2), ("rgb+flow", 5)):
        dataset = ViewDataset(index_of(prepared), clip=CLIP, views=Evaluation(crops="ten"), modality=modality)
        assert "+".join(dataset.transform.modalities) == modality
        assert dataset.clip_shape == (4, 10, channels, 48, 48)


def test_views_as_they_come_are_the_clips_of_before(prepared):
    index = index_of(prepared)
    views, plain = ViewDataset(index, clip=CLIP, views=Evaluation()), ClipDataset(index, clip=CLIP)
    for row in range(len(index)):
        assert torch.equal(views[row]["clip"].squeeze(1), plain[row]["clip"])


@pytest.mark.parametrize("crops", NUM_VIEWS)
@pytest.mark.parametrize(("batch_size", "num_threads"), [(1, 1), (3, 1), (7, 2), (64, 3)])
def test_each_view_of_each_video_counts_once(prepared, crops, batch_size, num_threads):
    index = index_of(prepared)
    dataset = ViewDataset(index, clip=CLIP, views=Evaluation(crops=crops, scale=0.8))
    sizes = []

    def predict(clips):
        sizes.append(len(clips))
        return clips.mean((1, 3, 4))

    scores = score(predict, dataset, batch_size=batch_size, num_threads=num_threads)
    number = NUM_VIEWS[crops]
    assert dataset.num_views == scores.num_views == number
    assert sum(sizes) == len(scores.logits) == number * len(index)
    assert max(sizes) <= batch_size
    assert scores.videos.tolist() == np.repeat(index.video_number, number).tolist()
    assert scores.labels.tolist() == np.repeat(index.label_index, number).tolist()
    expected = np.stack([dataset[row]["clip"].numpy().mean((0, 3, 4)) for row in range(len(index))])
    np.testing.assert_allclose(scores.logits, expected.reshape(-1, 3), rtol=1e-12)
    videos = by_video(scores)
    assert videos.videos.tolist() == np.unique(index.video_number).tolist()
    assert videos.num_clips.sum() == len(index)


@pytest.mark.parametrize(("batch_size", "num_threads"), [(1, 3), (2, 3), (4, 1), (100, 2)])
def test_so_many_clips_are_read_ahead_as_there_are_threads(prepared, batch_size, num_threads):
    """While a batch is looked at, each thread has a clip to read, however small the batches are."""
    dataset = ViewDataset(index_of(prepared), clip=CLIP, views=Evaluation())
    begun, rows = [], range(len(dataset))
    is_released = threading.Event()

    class Waiting(ViewDataset):
        def read(self, row, *, out):
            begun.append(row)
            if row >= batch_size:
                is_released.wait(60)
            return super().read(row, out=out)

    waiting = Waiting(dataset.index, clip=CLIP, views=Evaluation())
    batches = read_batches(waiting, rows, batch_size=batch_size, num_threads=num_threads)
    numbers, _ = next(batches)
    expected = min(len(rows), len(numbers) + num_threads)
    for _ in range(600):
        if len(begun) >= expected:
            break
        time.sleep(0.05)
    is_released.set()
    assert sorted(begun) == list(range(expected))
    for numbers, clips in batches:
        for row, clip in zip(numbers, clips, strict=True):
            assert torch.equal(clip, dataset[row]["clip"])


def test_of_logits_that_are_averaged_their_mean_is_kept(prepared):
    index, logits = index_of(prepared), np.random.default_rng(0).normal(size=(1000, 4)).astype(np.float32)
    settings, found = {"crops": "three", "scale": 0.8}, {}
    for average in ("probabilities", "logits"):
        begins = [0]

        def predict(clips, begins=begins):
            begins.append(begins[-1] + len(clips))
            return logits[begins[-2] : begins[-1]]

        dataset = ViewDataset(index, clip=CLIP, views=Evaluation(average=average, **settings))
        found[average] = score(predict, dataset, batch_size=4)
    all_views, means = found["probabilities"], found["logits"]
    assert (means.num_views, len(means.logits)) == (1, len(index))
    expected = replace(all_views, average="logits")
    assert means.by_clip()[0] == pytest.approx(expected.by_clip()[0], rel=1e-6, abs=1e-6)
    assert by_video(means).probabilities == pytest.approx(by_video(expected).probabilities, rel=1e-6)
    assert (by_video(means).num_clips == by_video(all_views).num_clips).all()


def test_what_is_averaged():
    logits = np.array([[4, 0], [0, 1], [0, 2], [0, 3], [0, 0], [6, 0]], dtype=np.float32)
    labels, videos = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 1, 1])
    scores = ClipScores(logits, labels, videos, num_views=2)
    clips, clip_labels, clip_videos = scores.by_clip()
    assert clips == pytest.approx(np.stack([softmax(logits[pair]).mean(axis=0) for pair in ([0, 1], [2, 3], [4, 5])]))
    assert (clip_labels.tolist(), clip_videos.tolist()) == ([0, 0, 1], [0, 0, 1])
    found = by_video(scores)
    means = np.stack([softmax(logits[:4]).mean(axis=0), softmax(logits[4:]).mean(axis=0)])
    assert found.probabilities == pytest.approx(means)
    assert (found.num_clips.tolist(), found.labels.tolist()) == ([2, 1], [0, 1])
    of_logits = ClipScores(logits, labels, videos, num_views=2, average="logits")
    assert of_logits.by_clip()[0].tolist() == [[2, 0.5], [0, 2.5], [3, 0]]
    assert by_video(of_logits).probabilities == pytest.approx(softmax(np.array([[1, 1.5], [3, 0]])))
    assert (by_video(of_logits).probabilities[0].argmax(), found.probabilities[0].argmax()) == (1, 1)


def test_a_temperature_is_fitted_to_what_is_averaged():
    """Of many views as well; the loss is that of the probabilities of the videos."""
    rng = np.random.default_rng(3)
    labels = np.repeat(rng.integers(0, 4, 30), 6)
    logits = (rng.normal(size=(180, 4)) * 3).astype(np.float32)
    logits[np.arange(180), labels] += 2
    videos = np.repeat(np.arange(30), 6)
    for average in ("probabilities", "logits"):
        scores, loss = ClipScores(logits, labels, videos, num_views=2, average=average), {}
        for temperature in (0.5, 1.0, 3.0):
            found = by_video(scores, temperature=temperature)
            loss[temperature] = -np.log(found.probabilities[np.arange(30), found.labels]).mean()
            assert LogLoss(scores)(temperature) == pytest.approx(loss[temperature], rel=1e-5)
        fitted = fitted_temperature(scores)
        assert fitted.calibrated_log_loss <= min(loss.values())
        assert (fitted.log_loss, scores.labelled().average) == (pytest.approx(loss[1.0], rel=1e-5), average)
    assert fitted.value != pytest.approx(fitted_temperature(ClipScores(logits, labels, videos)).value, rel=1e-3)


def test_a_position_is_that_of_one_square():
    with pytest.raises(ValueError, match=r"position \(tr\) is of one square, and crops: ten cuts several; take"):
        Evaluation(crops="ten", position="tr")
    with pytest.raises(ValueError, match=r"less than or equal to 1"):
        Evaluation(scale=1.2)


TEN = Settings.model_validate({"evaluation": {"batch_size": 4, "crops": "ten", "scale": 0.75}})


@pytest.fixture(scope="module")
def ten(made, tmp_path_factory):
    """The small model, evaluated with ten crops."""
    root = tmp_path_factory.mktemp("ten") / "model"
    shutil.copytree(made.root, root)
    evaluate(
        checkpoint_path=root / "model.pth",
        clips_path=made.clips_path,
        settings=TEN,
        out=EvaluationFiles.inside(root),
        threads=2,
    )
    deployed = Deployed(root, made.clips_path)
    deployed.convert(weights="float32")  # so that OpenVINO is as near as ONNX Runtime
    return deployed


@pytest.mark.slow
def test_all_libraries_score_the_same_views(ten):
    rows = pq.read_table(ten.root / "predictions.parquet").to_pylist()
    expected = np.array([row["probabilities"] for row in rows])
    trained = load_checkpoint(ten.root / "model.pth")
    dataset = evaluation_dataset(ten.clips_path, trained, subset="validation", numbers=TEN.clip, views=TEN.evaluation)
    for predict in (
        onnxruntime_predictor(ten.root / "converted/model.onnx", threads=2),
        openvino_predictor(ten.root / "converted/model.xml", precision="f32", threads=2),
    ):
        videos = by_video(score(predict, dataset, batch_size=4))
        np.testing.assert_allclose(videos.probabilities, expected, atol=1e-4)
    ten.verify(TEN)
    assert ten.read("verification.json")["num_disagreements"] == 0
    assert (
        ten.read("evaluation.json")["subsets"]["validation"]["num_clips"]
        == sum(row["num_clips"] for row in rows)
        == len(dataset)
    )


def test_ten_crops_say_another_thing_than_one(made, ten):
    one, other = (pq.read_table(model.root / "predictions.parquet")["logits"].to_pylist() for model in (made, ten))
    assert np.abs(np.array(one) - np.array(other)).max() > 1e-3


def test_an_exported_network_is_compared_on_the_views_that_were_scored(ten):
    with pytest.MonkeyPatch.context() as patch:
        seen = []
        patch.setattr(
            "kinema.deployment.judge.score",
            lambda predict, dataset, **options: seen.append(dataset.views) or score(predict, dataset, **options),
        )
        ten.verify(TEN)
    assert {views.crops for views in seen} == {"ten"}


def test_frames_are_decoded_once_for_all_views(prepared, monkeypatch):
    calls = []
    monkeypatch.setattr(
        "kinema.clips.dataset.StoredFrames.cut",
        lambda frames, box: (
            calls.append(box) or frames.reader.read(frames.shard, frames.video, frames.numbers, box=box)
        ),
    )
    ViewDataset(index_of(prepared), clip=CLIP, views=Evaluation(crops="ten"))[0]
    assert len(calls) == 1


def test_what_cannot_be_read_ends_the_scoring(prepared):
    dataset = ViewDataset(index_of(prepared), clip=CLIP, views=Evaluation())
    scored = []

    def predict(clips):
        scored.append(len(clips))
        return clips.mean((1, 3, 4))

    before, broken = set(threading.enumerate()), dataset.index.num_frames.copy()
    broken[-1] = 10_000  # its frames are not there
    dataset.index.num_frames = broken
    dataset.index.start = np.where(broken == 10_000, 9_000, dataset.index.start)
    with pytest.raises(ValueError, match=r"frames 9000\.\.9006 of '.*', which has \d+"):
        score(predict, dataset, batch_size=4, num_threads=2)
    assert sum(scored) < len(dataset)
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("clips")]


def test_short_sides_are_scaled():
    assert ViewTransform(224, Evaluation(scale=0.875), modality="rgb").squares.short_side == 256
    frame = np.random.default_rng(0).integers(0, 256, (1, 90, 120, 3), np.uint8)
    corner = views_of(frame, size=56, scale=0.875, position="tr")[0, 0]
    resized = cv2.resize(frame[0], (85, 64), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(corner, resized[:56, -56:, ::-1].transpose(2, 0, 1))
