"""What a clip looks like after the transforms: where it was cut, that its frames agree, what flow needs."""

import pickle

import cv2
import numpy as np
import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from kinema.clips.transforms import (
    CornerCrop,
    EvaluationTransform,
    FixedSizeCrop,
    TrainingTransform,
    random_crop,
)
from kinema.experiment.data_sections import Augmentation
from kinema.inference.preprocessing import square_box


def clip_of(transform, images):
    out = torch.empty((len(images), images[0].shape[0], transform.size, transform.size), dtype=torch.uint8)
    return transform(AsRead(images), out=out)


class AsRead:
    """Frames (C, H, W), R, G, B, as the reader gives them: (H, W, C), B, G, R."""

    def __init__(self, images):
        self.images, self.size = images, tuple(images[0].shape[1:])

    def cut(self, box):
        rows, columns = (slice(box[a], box[a] + box[b]) for a, b in (("top", "height"), ("left", "width")))
        for image in self.images:
            image = (image.flip(0) if len(image) == 3 else image).permute(1, 2, 0)
            yield image[rows, columns].contiguous().numpy()


PLAIN = {"horizontal_flip": 0, "brightness": 0, "contrast": 0, "saturation": 0}
CROPS = ("area", "corner", "random")


def frames(count=1, *, height=48, width=64, channels=3):
    """The same smooth random frame, uint8 (C, H, W)."""
    image = torch.rand((1, channels, 8, 8), generator=torch.Generator().manual_seed(0)) * 255
    image = torch.nn.functional.interpolate(image, size=(height, width), mode="bicubic").clamp(0, 255)[0]
    return [image.to(torch.uint8) for _ in range(count)]


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("flip", [0, 1])
def test_a_crop_is_what_torchvision_cuts_resizes_and_flips(crop, flip):
    augmentation = Augmentation(**PLAIN | {"horizontal_flip": flip}, crop=crop)
    images = frames(3)
    for seed in range(20):
        torch.manual_seed(seed)
        clip = clip_of(TrainingTransform(32, augmentation), images)
        torch.manual_seed(seed)
        torch.rand(())  # whether to mirror
        box = random_crop(32, augmentation).make_params([images[0]])
        expected = F.resized_crop(torch.stack(images), **box, size=[32, 32], antialias=False)
        expected = F.horizontal_flip(expected) if flip else expected
        assert (clip.int() - expected.int()).abs().max() <= 1, seed


@pytest.mark.parametrize("position", ["c", "tl", "br"])
def test_what_an_evaluation_crop_does_not_ask_for_is_in_none_of_its_pixels(position):
    """The same as of the whole frame, resized and then cut."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        height, width = (int(side) for side in rng.integers(20, 200, 2))
        size, scale = int(rng.integers(16, 130)), float(rng.choice([1.0, 0.875, 0.6]))
        image = torch.from_numpy(rng.integers(0, 256, (3, height, width), np.uint8))
        transform = EvaluationTransform(size, scale=scale, position=position)
        clip = clip_of(transform, [image])
        sides = [transform.squares.short_side * side // min(height, width) for side in (height, width)]
        whole = cv2.resize(image.permute(1, 2, 0).numpy(), sides[::-1], interpolation=cv2.INTER_LINEAR)
        box = square_box(*sides, side=size, position=position)
        expected = whole[box["top"] : box["top"] + size, box["left"] : box["left"] + size].transpose(2, 0, 1)
        assert np.array_equal(clip[0].numpy(), expected), (height, width, size, scale)


def test_a_crop_without_scaling_is_anywhere_in_the_frame():
    boxes = [FixedSizeCrop(32).make_params(frames(height=40, width=36)) for _ in range(300)]
    assert {(box["height"], box["width"]) for box in boxes} == {(32, 32)}
    assert {box["top"] for box in boxes} == set(range(9))
    assert {box["left"] for box in boxes} == set(range(5))


def test_a_frame_smaller_than_the_crop_is_enlarged():
    assert FixedSizeCrop(64).make_params(frames(height=20, width=30))["height"] == 20
    assert clip_of(TrainingTransform(64, Augmentation(crop="random")), frames(height=20, width=30)).shape == (
        1,
        3,
        64,
        64,
    )


def test_corner_crops_take_every_scale_at_every_position():
    crop = CornerCrop((1.0, 0.5))
    boxes = {tuple(crop.make_params(frames(height=40, width=60)).values()) for _ in range(300)}
    full = {(0, left, 40, 40) for left in (0, 10, 20)}
    half = {(0, 0, 20, 20), (0, 40, 20, 20), (20, 0, 20, 20), (20, 40, 20, 20), (10, 20, 20, 20)}
    assert boxes == full | half


@pytest.mark.parametrize(
    ("position", "corner"), [("c", (16, 58)), ("tl", (0, 0)), ("tr", (0, 116)), ("bl", (32, 0)), ("br", (32, 116))]
)
def test_positions_of_a_square(position, corner):
    box = square_box(256, 340, side=224, position=position)
    assert (box["top"], box["left"]) == corner


CHANGES = [
    *({"crop": crop, "crop_area": (0.2, 0.5), "horizontal_flip": 0.5} for crop in CROPS),
    *({name: 1.0} for name in ("brightness", "contrast", "saturation", "sharpness")),
    {"hue": 0.5},
    {"rand_augment_ops": 2, "rand_augment_magnitude": 20},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(reversed(change)))
def test_every_frame_of_a_clip_is_changed_alike(change):
    transform = TrainingTransform(32, Augmentation(**PLAIN | change))
    clips = []
    for seed in range(6):
        torch.manual_seed(seed)
        clip = clip_of(transform, frames(3))
        assert torch.equal(clip, clip[:1].expand_as(clip)), seed
        clips.append(clip)
    assert any(not torch.equal(clips[0], clip) for clip in clips), "nothing is random"


@pytest.mark.parametrize("operation", sorted(v2.RandAugment._AUGMENTATION_SPACE))
def test_each_operation_of_rand_augment_changes_all_frames_alike(operation, monkeypatch):
    monkeypatch.setattr(
        v2.RandAugment, "_AUGMENTATION_SPACE", {operation: v2.RandAugment._AUGMENTATION_SPACE[operation]}
    )
    clip = clip_of(TrainingTransform(32, Augmentation(**PLAIN, rand_augment_ops=1)), frames(3))
    assert torch.equal(clip, clip[:1].expand_as(clip))


def test_the_mirror_image_of_flow_moves_the_other_way():
    images = frames(2, channels=2)
    whole = {"crop_area": (1.0, 1.0), "crop_aspect": (1.0, 1.0)}
    square = [image[:, :32, :32] for image in images]
    augmentation = Augmentation(**PLAIN | {"horizontal_flip": 1, "brightness": 1}, **whole)
    clip = clip_of(TrainingTransform(32, augmentation, modality="flow"), square)
    mirrored = torch.stack(square).flip(-1)
    assert torch.equal(clip[:, 0], 255 - mirrored[:, 0])
    assert torch.equal(clip[:, 1], mirrored[:, 1])


def test_colours_change_as_torchvision_changes_them():
    augmentation = Augmentation(**PLAIN | {"brightness": 0.2, "contrast": 0.3, "saturation": 0.4}, crop="random")
    # neither black nor white: there torchvision cuts off after every step
    images = [image // 2 + 60 for image in frames(2, height=32, width=32)]
    orders = set()
    for seed in range(30):
        torch.manual_seed(seed)
        clip = clip_of(TrainingTransform(32, augmentation), images)
        torch.manual_seed(seed)
        torch.rand(())
        random_crop(32, augmentation).make_params([images[0]])
        jitter = v2.ColorJitter(augmentation.brightness, augmentation.contrast, augmentation.saturation)
        drawn = jitter.make_params([])
        expected = jitter.transform(torch.stack(images), drawn)
        assert (clip.int() - expected.int()).abs().max() <= 3, seed
        orders.add(tuple(index for index in drawn["fn_idx"].tolist() if index < 3))
    assert len(orders) == 6


def test_colour_leaves_flow_alone():
    images = frames(2, channels=2, height=32, width=32)
    loud = Augmentation(crop="random", horizontal_flip=0, brightness=1, hue=0.5, sharpness=1, rand_augment_ops=3)
    assert torch.equal(clip_of(TrainingTransform(32, loud, modality="flow"), images), torch.stack(images))


def test_transforms_can_be_sent_to_a_spawned_worker():
    transform = TrainingTransform(32, Augmentation(crop="corner", rand_augment_ops=1))
    torch.manual_seed(0)
    expected = clip_of(transform, frames(2))
    torch.manual_seed(0)
    assert torch.equal(clip_of(pickle.loads(pickle.dumps(transform)), frames(2)), expected)
