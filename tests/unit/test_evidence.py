"""What a network says of each frame: its mean is that of the clip, and of a video it is kept with its frames."""

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from corpus import CLIP
from deployed_model import NETWORK, SETTINGS

from kinema.clips.table import ClipIndex, labels_of
from kinema.evaluation.evaluate import EvaluationFiles, evaluate
from kinema.evaluation.evidence import EvidenceCollector
from kinema.evaluation.views import ViewDataset
from kinema.experiment.config import Settings
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Evaluation, Network
from kinema.inference.probabilities import softmax
from kinema.inference.windows import clip_frames
from kinema.media.reader import FrameReader
from kinema.models.loading.checkpoint import save_checkpoint
from kinema.models.registry import create_model

MICRO = Network(encoder_weights="none", embedding=32, num_blocks=2, num_heads=4, feedforward=48, hidden=24)
FAMILIES = [
    "resnet18_vtn",
    "resnet18_lstm",
    "resnet18_attn_lstm",
    "resnet18_baseline",
    "resnet18_vtn_rgbdiff",
    "resnet18_vtn_flow",
    "resnet18_vtn_two_stream",
    "resnet18_baseline_two_stream",
    "resnet18_vtn_two_stream_flow",
]


def model_of(name, clip):
    torch.manual_seed(0)
    return create_model(name, num_classes=5, clip=clip, network=MICRO).eval()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_mean_over_the_frames_is_what_is_said_of_the_clip(name):
    model = model_of(name, Clip(length=5, size=64))
    clips = torch.randint(0, 256, (2, 5, model.spec.channels, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        logits, of_frames = model.evidence(clips)
        assert torch.equal(logits, model(clips)), "to the bit"
    assert model.has_evidence
    assert of_frames.shape == (2, 4 if name.endswith("_rgbdiff") else 5, 5)
    torch.testing.assert_close(of_frames.mean(1), logits)
    assert of_frames.std(1).min() > 1e-6, "frames differ"


def test_only_the_frames_of_a_change_tell_of_it():
    """A baseline sees frames one by one: what is in one of them is in its logits alone."""
    model = model_of("resnet18_baseline", Clip(length=5, size=64))
    clips = torch.randint(0, 256, (1, 5, 3, 64, 64), dtype=torch.uint8)
    changed = clips.clone()
    changed[:, 3] = 255 - changed[:, 3]
    with torch.inference_mode():
        difference = (model.evidence(clips)[1] - model.evidence(changed)[1]).abs().amax((0, 2))
    assert difference[3] > 1e-3
    assert difference[[0, 1, 2, 4]].max() < 1e-5


def test_motion_is_told_of_both_frames_that_it_lies_between():
    model = model_of("resnet18_baseline_two_stream", Clip(length=4, size=64))
    with torch.inference_mode():
        for stream in (model.encoder["rgb"], model.decoder["rgb"]):
            for parameter in stream.parameters():
                parameter.zero_()
        clips = torch.full((1, 4, 3, 64, 64), 100, dtype=torch.uint8)
        moved = clips.clone()
        moved[:, 2:, :, :32] = 200  # between frames 1 and 2
        difference = (model.evidence(clips)[1] - model.evidence(moved)[1]).abs().amax((0, 2))
    first, second, third, fourth = difference.tolist()
    assert second == pytest.approx(third, rel=1e-3)
    assert max(first, fourth) < 1e-5 < second


def test_networks_over_space_and_time_have_none():
    clip = Clip(length=16, size=64)
    model = create_model("r3d_18", num_classes=5, clip=clip, network=MICRO)
    assert not model.has_evidence


def evaluated(made, root, settings, model_name="mobilenetv2_baseline"):
    """Rows of predictions.parquet."""
    if not root.exists():
        shutil.copytree(made.root, root)
    labels = labels_of(made.clips_path)
    torch.manual_seed(0)
    model = create_model(model_name, num_classes=len(labels), clip=CLIP, network=NETWORK)
    save_checkpoint(root / "model.pth", model, labels=labels, settings={})
    evaluate(
        checkpoint_path=root / "model.pth",
        clips_path=made.clips_path,
        settings=settings,
        out=EvaluationFiles.inside(root),
        threads=2,
    )
    return pq.read_table(root / "predictions.parquet").to_pylist()


@pytest.mark.parametrize(
    ("changes", "model_name"),
    [
        ({}, "mobilenetv2_baseline"),
        ({"crops": "ten", "average": "logits", "batch_size": 3}, "mobilenetv2_baseline_rgbdiff"),
    ],
)
def test_what_is_kept_of_a_video(made, tmp_path, changes, model_name):
    settings = Settings.model_validate({"evaluation": {"batch_size": 4} | changes})
    rows = evaluated(made, tmp_path / "model", settings, model_name)
    labels = labels_of(made.clips_path)
    index = ClipIndex.load(made.clips_path, subset="validation", clip=CLIP)
    first = 1 if "rgbdiff" in model_name else 0
    for row in rows:
        found = row["evidence"]
        clips = [number for number in range(len(index)) if index.video(number) == row["video"]]
        video = {"num_frames": int(index.num_frames[clips[0]]), "length": CLIP.length, "stride": CLIP.stride}
        seen = [clip_frames(int(index.start[number]), **video)[first:] for number in clips]
        frames, counts = np.unique(np.concatenate(seen), return_counts=True)
        assert (found["frames"], found["counts"]) == (frames.tolist(), counts.tolist())
        shard = FrameReader()._open(str(index.shard(clips[0])))
        assert found["seconds"] == pytest.approx(frames / shard.find(row["video"]).fps)
        assert found["labels"][:5] == row["top5_labels"]
        assert row["label"] in found["labels"]
        assert len(found["labels"]) == len(found["logits"]) == 5 + (row["label"] not in row["top5_labels"])
        weights = counts / counts.sum()
        means = [np.array(logits) @ weights for logits in found["logits"]]
        assert means == pytest.approx([row["logits"][labels.index(label)] for label in found["labels"]], abs=1e-5)
        shares = np.exp(np.array(found["logits"]) - np.array(found["log_totals"]))
        assert 0.8 < shares.sum(axis=0).min() <= shares.sum(axis=0).max() < 1 + 1e-6, "five or six of six classes"


def test_there_is_none_where_none_is_wanted(made, tmp_path):
    off = Settings.model_validate({"evaluation": {"batch_size": 4, "evidence": False}})
    rows = evaluated(made, tmp_path / "model", off)
    assert [row["evidence"] for row in rows] == [None] * len(rows)
    with_it = evaluated(made, tmp_path / "model", SETTINGS)
    assert [row | {"evidence": None} for row in with_it] == rows, "nothing else depends on it"


def test_frames_of_several_clips_are_told_once(prepared):
    """By hand: three clips of three views that share frames."""
    clip = CLIP.model_copy(update={"length": 2, "stride": 1})
    index = ClipIndex.load(prepared / "clips.parquet", subset="validation", clip=clip)
    dataset = ViewDataset(index, clip=clip, views=Evaluation(crops="three"))
    rows = len(index)
    numbers = [[4, 5] if row % 3 == 0 else [5, 5] for row in range(rows)]
    dataset.frame_numbers = lambda row, rng: np.array(numbers[row])
    collector = EvidenceCollector(dataset)
    of_frames = np.random.default_rng(0).normal(size=(rows * 3, 2, 9)).astype(np.float32)
    of_frames[:, :, int(index.label_index[0])] -= 20  # the true class of the first video is the least probable one
    for start in range(0, rows * 3, 4):  # batches do not end where clips and videos do
        collector.add(of_frames[start : start + 4].mean(1), of_frames[start : start + 4])
    found = collector.found()
    assert len(found) == len(np.unique(index.video_number)) == 6
    first = of_frames[:9].astype(np.float64)  # three clips of the first video
    frame_4, frame_5 = first[:3, 0].mean(axis=0), np.concatenate([first[:3, 1], *first[3:]]).mean(axis=0)
    assert (found[0].frames.tolist(), found[0].counts.tolist()) == ([4, 5], [1, 5])
    probabilities = softmax(of_frames[:9].mean(axis=1)).mean(axis=0)
    assert found[0].classes.tolist() == [*np.argsort(-probabilities)[:5], index.label_index[0]]
    means = np.stack([frame_4, frame_5])
    np.testing.assert_allclose(found[0].logits, means.T[found[0].classes], rtol=1e-5)
    np.testing.assert_allclose(
        np.exp(found[0].logits - found[0].log_totals), softmax(means).T[found[0].classes], rtol=1e-5
    )


def test_views_that_are_lacking_are_an_error_of_ours(prepared):
    index = ClipIndex.load(prepared / "clips.parquet", subset="validation", clip=CLIP)
    collector = EvidenceCollector(ViewDataset(index, clip=CLIP, views=Evaluation()))
    collector.add(np.zeros((2, 3), np.float32), np.zeros((2, 4, 3), np.float32))
    with pytest.raises(AssertionError, match="not all views"):
        collector.found()
