"""What Open Model Zoo's action recognition demo does with an encoder, a decoder and labels; it knows nothing of kinema.

Pictures as OpenCV reads them, B, G, R, of any size: the short side to that of the encoder, the middle, planes, no mean.
"""

from pathlib import Path

import cv2
import numpy as np
import openvino as ov


class ZooDemo:
    def __init__(self, core: ov.Core, folder: Path):
        options = {"INFERENCE_PRECISION_HINT": "f32"}
        self.encoder = core.compile_model(folder / "encoder.xml", "CPU", options)
        self.decoder = core.compile_model(folder / "decoder.xml", "CPU", options)
        assert [len(part.inputs) + len(part.outputs) for part in (self.encoder, self.decoder)] == [2, 2]
        self.size = self.encoder.input(0).shape[-1]
        _, self.length, self.width = self.decoder.input(0).shape
        self.labels = (folder / "labels.txt").read_text().splitlines()
        self.kept: list[np.ndarray] = []

    def planes(self, picture: np.ndarray) -> np.ndarray:
        scale = self.size / min(picture.shape[:2])
        picture = cv2.resize(picture, (0, 0), fx=scale, fy=scale) if scale != 1 else picture
        top, left = ((side - self.size) // 2 for side in picture.shape[:2])
        return picture[top : top + self.size, left : left + self.size].transpose(2, 0, 1)[None]

    def seen(self, given: np.ndarray) -> dict[str, float] | None:
        """Probabilities of the classes when as many embeddings are there as the decoder takes."""
        self.kept.append(self.encoder(given)[0].reshape(1, -1))
        if len(self.kept) < self.length:
            return None
        clip = np.concatenate(self.kept[-self.length :]).reshape(1, self.length, self.width)
        logits = self.decoder(clip)[0][0]
        probabilities = np.exp(logits - logits.max())
        return dict(zip(self.labels, probabilities / probabilities.sum(), strict=True))
