"""Clip networks are the published ones: weights made elsewhere fit, and give the same numbers."""

import logging

import pytest
import torch
import torchvision

from kinema.models.clip_network import create_clip_encoder, pooled
from kinema.models.i3d import MaxPool, same_padded

# Ours -> torchvision's, and the size of its published weights.
PUBLISHED = {
    "r3d_18": ("r3d_18", 112),
    "r2+1d_18": ("r2plus1d_18", 112),
    "mc3_18": ("mc3_18", 112),
    "s3d": ("s3d", 224),
    "swin3d_t": ("swin3d_t", 224),
    "mvit_v2_s": ("mvit_v2_s", 224),
}
FAST = ("r3d_18", "s3d")
HEADS = ("fc", "classifier", "head")


def head_of(network):
    """Name and module of a classifier of torchvision's."""
    return next((name, getattr(network, name)) for name in HEADS if hasattr(network, name))


@pytest.mark.slow
@pytest.mark.parametrize("name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in PUBLISHED])
def test_torchvisions_weights_fit_and_give_its_features(tmp_path, name):
    theirs, size = PUBLISHED[name]
    torch.manual_seed(0)
    network = torchvision.models.get_model(theirs, weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    ours = create_clip_encoder(name, str(tmp_path / "weights.pth")).eval()
    settings = torchvision.models.get_model_weights(theirs).DEFAULT.transforms()
    assert (list(ours.mean), list(ours.std)) == (pytest.approx(settings.mean), pytest.approx(settings.std))
    clips = torch.randn(1, 3, 16, size, size)
    _, head = head_of(network)
    with torch.no_grad():
        features = ours(clips)
        assert features.shape == (1, ours.num_features)
        logits = head(features[:, :, None, None, None]).flatten(1) if name == "s3d" else head(features)
        expected = network(clips)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-4 * float(expected.abs().max()))


def test_what_was_never_published_starts_at_random_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        create_clip_encoder("r3d_34", "auto")
    assert "'r3d_34': no weights are published for it; it starts at random" in caplog.text


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "before", "after"),
    [(16, 7, 2, 2, 3), (15, 7, 2, 3, 3), (224, 3, 2, 0, 1), (7, 3, 1, 1, 1), (8, 1, 1, 0, 0), (5, 2, 2, 0, 1)],
)
def test_same_padding_is_computed_from_the_size(length, kernel, stride, before, after):
    ones = torch.ones(1, 1, length, 1, 1)
    padded = same_padded(ones, (kernel, 1, 1), (stride, 1, 1)).flatten()
    assert len(padded) == before + length + after
    assert padded[before : before + length].all()
    assert MaxPool((kernel, 1, 1), (stride, 1, 1))(ones).shape[2] == -(-length // stride)


def test_pooling_is_that_of_the_published_head():
    maps = torch.randn(2, 3, 5, 7, 7)
    expected = torch.nn.functional.avg_pool3d(maps, (2, 7, 7), stride=1).mean((2, 3, 4))
    torch.testing.assert_close(pooled(maps), expected)
    torch.testing.assert_close(pooled(maps[:, :, :1]), maps[:, :, :1].mean((2, 3, 4)))
