"""Evaluation frames against the reference's own, within one of 255 levels."""

import json

import cv2
import numpy as np
import pytest
import torch

from kinema.clips.transforms import EvaluationTransform
from kinema.evaluation.views import ViewTransform
from kinema.experiment.config import Config
from kinema.experiment.resolve import resolve

pytestmark = pytest.mark.real
NORMS = {
    "none": (np.zeros(3), np.ones(3)),
    "imagenet": (np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])),
    "kinetics": (np.array([0.434, 0.405, 0.378]), np.array([0.152, 0.148, 0.157])),
}


@pytest.fixture(scope="module")
def arrays(shared):
    with np.load(shared / "golden/data/preprocessing.npz") as archive:
        return dict(archive)


def evaluated(image, size, **options):
    """An image (H, W, 3) after our transform, (3, size, size)."""
    out = torch.empty((1, 3, size, size), dtype=torch.uint8)
    return EvaluationTransform(size, **options)(OneFrame(np.ascontiguousarray(image[..., ::-1])), out=out)[0].numpy()


class OneFrame:
    """A clip of one frame that is read already."""

    def __init__(self, image):
        self.image, self.size = image, image.shape[:2]

    def cut(self, box):
        top, left = box["top"], box["left"]
        yield self.image[top : top + box["height"], left : left + box["width"]]


def test_evaluation_frames(shared, arrays):
    cases = json.loads((shared / "golden/data/preprocessing.json").read_text())
    assert len(cases) == 20
    for case in cases:
        scale, position = case.get("scale_in_test", 1.0), case.get("position", "c")
        ours = evaluated(arrays[f"{case['image']}/rgb"], case["size"], scale=scale, position=position)
        assert list(ours.shape) == case["shape"], case
        mean, std = (values[:, None, None] for values in NORMS[case["norm"]])
        theirs = arrays[f"{case['image']}/{case['case']}"] * std + mean
        assert np.abs(ours / 255 - theirs).max() <= 1 / 255, case


def test_scaled_frames(arrays):
    images = {name.split("/")[0] for name in arrays}
    assert len(images) == 4
    for image in images:
        theirs = arrays[f"{image}/scaled224"]
        for position in ("tl", "br"):
            ours = evaluated(arrays[f"{image}/rgb"], 224, position=position).transpose(1, 2, 0)
            expected = theirs[:224, :224] if position == "tl" else theirs[-224:, -224:]
            assert np.array_equal(ours, expected), (image, position)


@pytest.mark.parametrize("position", ["c", "tr"])
def test_scale_and_position_of_the_configuration(shared, arrays, position):
    """The reference's `--scale-in-test 0.875 --crop-position-in-test tr`; its own values are there of the centre."""
    variant = {"evaluation": {"scale": 0.875, "position": position}}
    dataset = {"annotations": {"path": "list.csv"}, "videos": "videos"}
    config = Config.model_validate({"datasets": {"mine": dataset}, "variants": {"reference": variant}})
    settings = resolve(config, "mine", "resnet34_vtn@reference").settings
    transform = ViewTransform(settings.clip.size, settings.evaluation, modality="rgb")
    for image in sorted({name.split("/")[0] for name in arrays}):
        frame = np.ascontiguousarray(arrays[f"{image}/rgb"][..., ::-1])
        out = torch.empty((1, 1, 3, 224, 224), dtype=torch.uint8)
        ours = transform(OneFrame(frame), out=out)[0, 0].numpy()
        assert np.array_equal(ours, evaluated(arrays[f"{image}/rgb"], 224, scale=0.875, position=position))
        height, width = frame.shape[:2]
        whole = cv2.resize(frame, (int(256 * width / min(height, width)), int(256 * height / min(height, width))))
        left, top = (-224, 0) if position == "tr" else (round((side - 224) / 2) for side in whole.shape[1::-1])
        expected = whole[top:, left:][:224, :224, ::-1].transpose(2, 0, 1)
        assert np.array_equal(ours, expected), image
        if position == "c":
            mean, std = (values[:, None, None] for values in NORMS["imagenet"])
            theirs = arrays[f"{image}/corner_c224_s0.875"] * std + mean
            assert np.abs(ours / 255 - theirs).max() <= 1 / 255, image
