"""What a frozen encoder says of clips is computed once, kept, and trained on as the clips would be."""

import dataclasses
import json
import logging

import pandas as pd
import pytest
import torch
from corpus import CLIP
from training_runs import outputs_in, result_in, settings

from kinema.clips.dataset import ClipDataset
from kinema.clips.parts import parts_digests
from kinema.clips.table import ClipIndex, parts_path
from kinema.crossval.folds import write_fold
from kinema.experiment.data_sections import Augmentation, CrossValidation
from kinema.experiment.model_sections import Network
from kinema.experiment.params import training_parts
from kinema.input_error import InputError
from kinema.models.names import DECODERS, INSEPARABLE
from kinema.models.recognizer import Recognizer
from kinema.models.registry import create_model
from kinema.training.features.keeping import KeptFeatures
from kinema.training.features.store import FeatureStore
from kinema.training.features.views import ClipViews
from kinema.training.run import TrainingInputs, train
from kinema.watching.training import TrainingWatch

PLAIN = Augmentation(
    crop_area=(1, 1), crop_aspect=(1, 1), horizontal_flip=0, brightness=0, contrast=0, saturation=0
)
SMALL = Network(
    encoder_weights="none", embedding=16, num_blocks=2, num_heads=2, feedforward=16, hidden=16, dropout=0
)
SEPARABLE = sorted(set(DECODERS) - set(INSEPARABLE))


def recipe(*, views: int, augmentation: Augmentation = PLAIN, **training):
    made = settings(encoder_lr_factor=0, feature_views=views, checkpoint_minutes=10, **training)
    return made.model_copy(update={"augmentation": augmentation})


def trained(prepared, folder, made, *, model="test_efficientnet_vtn", features=None):
    folder.mkdir(exist_ok=True)
    inputs = TrainingInputs(
        clips_path=prepared / "clips.parquet",
        model_name=model,
        settings=made,
        starts={},
        data=parts_digests(parts_path(prepared / "clips.parquet"), training_parts(made.training)),
        code="1",
        features_folder=features or folder / "features",
        encoder_code="1",
    )
    outputs = outputs_in(folder)
    train(inputs, outputs, watch=TrainingWatch(outputs), threads=1)
    return result_in(folder)


@pytest.fixture
def seen(monkeypatch):
    """How many clips went through an encoder to become features."""
    counted = []
    features = Recognizer.features

    def counting(self, clips):
        counted.append(len(clips))
        return features(self, clips)

    monkeypatch.setattr(Recognizer, "features", counting)
    return counted


def network(name: str) -> Recognizer:
    torch.manual_seed(0)
    return create_model(name, num_classes=3, clip=CLIP, network=SMALL).eval()


@pytest.mark.parametrize("name", [*(f"test_efficientnet_{name}" for name in SEPARABLE), "r3d_18"])
def test_features_give_the_logits_of_their_clips(name):
    model = network(name)
    clips = torch.randint(0, 256, (2, 4, 3, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(model.from_features(model.features(clips)), model(clips), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stream", ["rgbdiff", "flow", "two_stream", "two_stream_flow"])
@pytest.mark.parametrize("decoder", ["vtn", "attn_pool"])
def test_those_of_every_stream(decoder, stream):
    model = network(f"test_efficientnet_{decoder}_{stream}")
    clips = torch.randint(0, 256, (2, 4, model.spec.channels, 48, 48), dtype=torch.uint8)
    with torch.no_grad():
        torch.testing.assert_close(model.from_features(model.features(clips)), model(clips), rtol=1e-5, atol=1e-6)


def test_a_training_on_features_is_that_on_clips(prepared, tmp_path):
    with_clips = trained(prepared, tmp_path / "clips", recipe(views=0))
    with_features = trained(prepared, tmp_path / "features", recipe(views=1))
    (model, curve), (expected, expected_curve) = with_features, with_clips
    columns = ["train_loss", "val_video_top1", "val_clip_top1"]
    pd.testing.assert_frame_equal(curve[columns], expected_curve[columns], rtol=1e-5)
    for name, tensor in model.model.state_dict().items():
        torch.testing.assert_close(tensor, expected.model.state_dict()[name], rtol=1e-4, atol=1e-5)


