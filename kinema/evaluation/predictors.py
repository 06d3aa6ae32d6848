"""A PyTorch network as a function of arrays, with the interface of `kinema.inference.predictors`.

So PyTorch and OpenVINO are scored, and compared, by the same code.
"""

from collections.abc import Callable

import numpy as np
import torch

from kinema.inference.predictors.predictor import Predictor
from kinema.models.device import device_of
from kinema.models.recognizer import Recognizer

Watch = Callable[[np.ndarray, np.ndarray], None]
"""Takes logits of clips (B, K) and of their frames (B, F, K), as of `Recognizer.evidence`."""


def torch_predictor(
    model: Recognizer, *, device: str | torch.device | None = None, watch: Watch | None = None
) -> Predictor:
    """Predictor of a PyTorch model in evaluation mode, by default on the GPU where there is one.

    `watch` is given what is computed, call by call, of a model that has evidence.
    """
    device = device or device_of("auto")
    model = model.to(device).eval()

    @torch.inference_mode()
    def predict(clips: np.ndarray) -> np.ndarray:
        on_device = torch.from_numpy(clips).to(device)
        if watch is None:
            return model(on_device).float().cpu().numpy()
        logits, of_frames = (found.float().cpu().numpy() for found in model.evidence(on_device))
        watch(logits, of_frames)
        return logits

    return predict
