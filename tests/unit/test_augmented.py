"""The contact sheet: the clips that the first epoch of a training is fed."""

import cv2
import numpy as np
import pytest
from corpus import CLIP
from webp import frames_of

from kinema.clips.sampling import EpochSampler
from kinema.experiment.config import Settings
from kinema.report.augmented import GAP, SIDE, contact_sheet
from kinema.report.model_pictures import sheet_of
from kinema.training.data import training_loader


def settings(**sections) -> Settings:
    return Settings.model_validate({"clip": CLIP.model_dump(), "training": {"seed": 5, "num_workers": 0}} | sections)


def squares(image: np.ndarray) -> list[np.ndarray]:
    """Centre and corners of an image, as large as can be, enlarged to SIDE."""
    height, width = image.shape[:2]
    side = min(height, width)
    tops, lefts = ({0, (length - side) // 2, length - side} for length in (height, width))
    places = [(top, left) for top in tops for left in lefts]
    return [cv2.resize(image[top : top + side, left : left + side], (SIDE, SIDE)) for top, left in places]


def strip_of(clip: np.ndarray) -> np.ndarray:
    """Frames of a clip (T, C, S, S) side by side."""
    images = [cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for image in clip.transpose(0, 2, 3, 1)]
    return np.hstack([part for image in images for part in (image, np.full((SIDE, GAP, 3), 255, np.uint8))][:-1])


def test_the_clips_are_those_that_the_first_epoch_is_fed(prepared):
    sheet = contact_sheet(prepared / "clips.parquet", settings(), modality="rgb")
    loader = training_loader(prepared / "clips.parquet", settings(), modality="rgb")
    assert isinstance(loader.sampler, EpochSampler)
    fed = {}
    for batch in loader:
        for clip, number in zip(batch["clip"].numpy(), batch["video"].tolist(), strict=True):
            fed[loader.clip_dataset.videos[number].as_py()] = clip
    assert {clip.video for clip in sheet.clips} == set(fed)
    for clip in sheet.clips:
        (shown,) = frames_of(clip.fed)
        assert clip.fed_size == shown.shape[1::-1]
        assert np.abs(shown.astype(int) - strip_of(fed[clip.video])).mean() < 8
        assert clip.label == clip.video.split("_")[0]


def test_a_mirrored_clip_is_seen_beside_the_stored_frame(prepared):
    whole = {"crop": "corner", "crop_scales": [1.0], "brightness": 0, "contrast": 0, "saturation": 0}
    for probability in (0, 1):
        own = settings(augmentation=whole | {"horizontal_flip": probability})
        for clip in contact_sheet(prepared / "clips.parquet", own, modality="rgb", number=2).clips:
            (stored,), (fed,) = frames_of(clip.stored), frames_of(clip.fed)
            assert stored.shape[:2] == (SIDE, clip.stored_size[0])
            first = fed[:, :SIDE][:, :: 1 - 2 * probability].astype(int)
            apart = min(np.abs(first - square).mean() for square in squares(stored))
            assert apart < 10, "it is the stored frame, turned round where it was mirrored"


def test_it_is_said_what_may_be_done_to_a_clip(prepared):
    own = settings(
        augmentation={"horizontal_flip": 0.0, "hue": 0.25, "rand_augment_ops": 2}, training={"mixup_alpha": 0.2}
    )
    sheet = contact_sheet(prepared / "clips.parquet", own, modality="rgb", number=1)
    assert sheet.changes == [
        "cut to 50% to 100% of the area, aspect 0.75 to 1.333",
        "brightness changed by up to 0.2",
        "contrast changed by up to 0.2",
        "saturation changed by up to 0.2",
        "hue changed by up to 0.25",
        "2 operations of RandAugment",
    ]
    assert sheet.mixed == "Clips of a batch are then mixed with each other (mixup), which is not shown."
    assert contact_sheet(prepared / "clips.parquet", settings(), modality="rgb", number=1).mixed is None


def test_clips_of_another_modality_are_refused(prepared):
    with pytest.raises(ValueError, match="its frames are rgb, the model takes flow"):
        contact_sheet(prepared / "clips.parquet", settings(), modality="flow")


def test_of_kept_features_the_views_are_told(prepared):
    def sheet(views):
        own = settings(training={"encoder_lr_factor": 0, "feature_views": views})
        return sheet_of(prepared / "clips.parquet", own, modality="rgb", is_of_changes=False)

    assert sheet(0).note is None
    assert sheet(4).note.startswith("It was trained on 4 fixed views of each clip: the first as evaluation sees it")
    assert sheet(1) is None, "no clip was changed"
