"""Logits of clips -> probabilities of classes, and the highest of them."""

from typing import Literal

import numpy as np

Average = Literal["probabilities", "logits"]


def softmax(logits: np.ndarray, *, temperature: float = 1.0) -> np.ndarray:
    """Softmax of logits / temperature over the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    shifted = np.exp(shifted / temperature)
    return shifted / shifted.sum(axis=-1, keepdims=True)


def highest(scores: np.ndarray, k: int) -> np.ndarray:
    """Positions of the `k` highest scores along the last axis, the highest first; of equal ones the first."""
    return np.argsort(-scores, axis=-1, kind="stable")[..., :k]


def averaged(logits: np.ndarray, *, average: Average = "probabilities", temperature: float = 1.0) -> np.ndarray:
    """Probabilities (K,) of a video of whose clips these are the logits (N, K).

    Classes are ranked by those without a temperature: where clips disagree, one can raise another class to the top.
    """
    if average == "logits":
        return softmax(logits.mean(axis=0, dtype=np.float64), temperature=temperature)
    return softmax(logits, temperature=temperature).mean(axis=0)


def average_named(name: str) -> Average:
    """ValueError for what is no name of an average."""
    if name == "probabilities":
        return "probabilities"
    if name == "logits":
        return "logits"
    raise ValueError(f"average is {name:.20}, expected probabilities or logits")
