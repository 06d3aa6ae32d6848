"""Logits and classes -> the loss of a step: cross-entropy, weighed by class, or focal, where the recipe says so.

Classes with many videos decide what an unweighted loss learns. Balanced sampling (`kinema.clips.sampling`) draws the
videos of rare ones more often; weights count them more where they are drawn.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kinema.experiment.model_sections import Training

SURE = 1e-6  # the least 1 - p that focal loss looks at: below it powers under 1 have no gradient that is finite


class ClassLoss(nn.Module):
    """Mean loss of clips; without weights and with `focal_gamma` 0 it is PyTorch's cross-entropy.

    A clip counts as much as the weight of its class says, a mixed one as much as those of its classes by their shares.
    Focal loss multiplies each term by (1 - p)^gamma, so that what is sure already counts less: Lin et al., Focal Loss
    for Dense Object Detection, ICCV 2017, over the classes of a softmax.
    """

    def __init__(self, training: Training, *, class_counts: np.ndarray | None = None):
        """`class_counts` (K,) are the training videos of each class; only weights need them."""
        super().__init__()
        self.smoothing, self.gamma = training.label_smoothing, training.focal_gamma
        weights = None
        if training.class_weights != "none":
            assert class_counts is not None
            weights = torch.from_numpy(class_weights(class_counts, training)).float()
        # no part of the state: it follows from the settings and the data
        self.register_buffer("weights", weights, persistent=False)
        self.weights: Tensor | None

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Logits (B, K) and classes (B,), or the share of each class (B, K) -> the loss ()."""
        if self.weights is None and not self.gamma:
            return F.cross_entropy(logits, target, label_smoothing=self.smoothing)
        num_classes = logits.shape[1]
        shares = F.one_hot(target, num_classes).float() if target.ndim == 1 else target
        smoothed = shares * (1 - self.smoothing) + self.smoothing / num_classes
        log_p = F.log_softmax(logits.float(), dim=1)
        terms = -smoothed * log_p
        if self.gamma:
            terms = terms * (1 - log_p.exp()).clamp(min=SURE) ** self.gamma
        losses = terms.sum(dim=1)
        return (losses if self.weights is None else losses * (shares @ self.weights)).mean()


def class_weights(counts: np.ndarray, training: Training) -> np.ndarray:
    """The weight of each class (K,) by its number of training videos (K,); a class without any has 0.

    Their mean over the training videos is 1, so that a learning rate means what it meant without them. `effective` is
    (1 - beta) / (1 - beta^n): Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019.
    """
    there = counts > 0
    number = counts[there].astype(np.float64)
    beta = training.class_weight_beta
    weights = np.zeros(len(counts))
    weights[there] = {
        "inverse": lambda: 1 / number,
        "sqrt": lambda: number**-0.5,
        "effective": lambda: (1 - beta) / (1 - beta**number),
    }[training.class_weights]()
    return weights / ((weights * counts).sum() / counts.sum())
