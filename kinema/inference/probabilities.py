"""Logits of clips -> probabilities of classes, and the highest of them."""

import numpy as np


def softmax(logits: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Softmax of logits / temperature over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    shifted = np.exp(shifted / temperature)
    return shifted / shifted.sum(axis=-1, keepdims=True)


def highest(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the `k` highest scores along the last axis, the highest first; of equal ones the first."""
    return np.argsort(-scores, axis=-1, kind="stable")[..., :k]
