"""The interface of every network that can be run; PyTorch's is in `kinema.evaluation.predictors`."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

INPUT, OUTPUT = "clips", "logits"  # names in an exported network

Predictor = Callable[[np.ndarray], np.ndarray]
"""uint8 clips (B, T, C, S, S), R, G, B -> float logits (B, K)."""

Sizes = list[int | None]
"""Shape of a tensor; None is a size that may differ."""


class Form(NamedTuple):
    """Shapes of what a network takes and gives."""

    inputs: list[Sizes]
    outputs: list[Sizes]
