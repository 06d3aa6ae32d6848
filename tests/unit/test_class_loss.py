"""Losses for long-tailed data: weights of classes, and focal loss."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kinema.experiment.model_sections import Training
from kinema.training.class_loss import ClassLoss, class_weights

COUNTS = np.array([90, 9, 1, 0])


def batch(number=12):
    torch.manual_seed(0)
    logits = torch.randn(number, 4, requires_grad=True)
    return logits, torch.arange(number) % 3


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_without_settings_it_is_cross_entropy_of_labels_and_of_mixed_ones(smoothing):
    logits, labels = batch()
    loss = ClassLoss(Training(label_smoothing=smoothing), class_counts=COUNTS)
    expected = nn.CrossEntropyLoss(label_smoothing=smoothing)
    mixed = torch.softmax(torch.randn(12, 4), dim=1)
    for target in (labels, mixed):
        assert torch.equal(loss(logits, target), expected(logits, target))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"class_weights": "inverse"}, [1 / 90, 1 / 9, 1.0]),
        ({"class_weights": "sqrt"}, [90**-0.5, 1 / 3, 1.0]),
        ({"class_weights": "effective", "class_weight_beta": 0.9}, [0.1 / (1 - 0.9**n) for n in (90, 9, 1)]),
        ({"class_weights": "effective", "class_weight_beta": 0.0}, [1.0, 1.0, 1.0]),
    ],
)
def test_weights_follow_from_the_number_of_videos_and_are_1_on_average(settings, expected):
    weights = class_weights(COUNTS, Training(**settings))
    assert weights[:3] / weights[2] == pytest.approx(np.array(expected) / expected[2])
    assert weights[3] == 0, "no video, no weight"
    assert (weights * COUNTS).sum() / COUNTS.sum() == pytest.approx(1)


def test_a_clip_counts_as_much_as_its_class_says_a_mixed_one_by_its_shares():
    logits, labels = batch()
    training = Training(class_weights="inverse", label_smoothing=0.1)
    loss, weights = ClassLoss(training, class_counts=COUNTS), torch.tensor(class_weights(COUNTS, training)).float()
    single = F.cross_entropy(logits, labels, reduction="none", label_smoothing=0.1)
    assert loss(logits, labels).item() == pytest.approx((single * weights[labels]).mean().item())
    shares = F.one_hot(labels, 4).float()
    assert loss(logits, shares).item() == pytest.approx(loss(logits, labels).item())
    halves = (shares + shares.roll(1, dims=0)) / 2
    assert loss(logits, halves).isfinite()


def test_focal_loss_counts_what_is_sure_less():
    logits, labels = batch()
    p = F.softmax(logits, dim=1)[torch.arange(12), labels]
    focal = ClassLoss(Training(focal_gamma=2.0))
    assert focal(logits, labels).item() == pytest.approx((-((1 - p) ** 2) * p.log()).mean().item(), rel=1e-5)
    weak = ClassLoss(Training(focal_gamma=1e-6))
    assert weak(logits, labels).item() == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-4)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_gradient_of_an_answer_that_is_entirely_sure_is_finite(gamma):
    logits = torch.tensor([[100.0, 0, 0, 0], [0.0, 100, 0, 0]], requires_grad=True)
    ClassLoss(Training(focal_gamma=gamma))(logits, torch.tensor([0, 0])).backward()
    assert logits.grad.isfinite().all()


def test_weights_are_no_part_of_a_resume_point():
    assert not ClassLoss(Training(class_weights="sqrt"), class_counts=COUNTS).state_dict()
