"""A PyTorch network as a function of arrays, with the interface of `kinema.inference.predictors`.

So PyTorch and OpenVINO are scored, and compared, by the same code.
"""

import numpy as np
import torch

from kinema.inference.predictors.predictor import Predictor
from kinema.models.device import device_of
from kinema.models.recognizer import Recognizer


def torch_predictor(model: Recognizer, *, device: str | torch.device | None = None) -> Predictor:
    """Predictor of a PyTorch model in evaluation mode, by default on the GPU where there is one."""
    device = device or device_of("auto")
    model = model.to(device).eval()

    @torch.inference_mode()
    def predict(clips: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(clips).to(device)).float().cpu().numpy()

    return predict
