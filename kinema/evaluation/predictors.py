"""Networks as functions of arrays: PyTorch and OpenVINO are scored, and compared, by the same code."""

from collections.abc import Callable

import numpy as np
import torch

from kinema.models.recognizer import Recognizer

Predictor = Callable[[np.ndarray], np.ndarray]
"""uint8 clips (B, T, C, S, S) -> float logits (B, K)."""


def torch_predictor(model: Recognizer, *, device: str | None = None) -> Predictor:
    """Predictor of a PyTorch model in evaluation mode, by default on the GPU where there is one."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()

    @torch.inference_mode()
    def predict(clips: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(clips).to(device)).float().cpu().numpy()

    return predict
