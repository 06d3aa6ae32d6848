"""Frames -> a few small square pictures, spread over the length of a video."""

from collections.abc import Sequence

import cv2
import numpy as np

NUM_PICTURES = 5
FEWEST = 4  # videos; what three have in common cannot be told from what they look like
SIDE = 160  # pixels; the encoder's maps then have 5 x 5 places


def spread(number: int) -> np.ndarray:
    """Numbers of `NUM_PICTURES` frames out of so many, in the middle of equal parts; some twice where there are few."""
    middle = (np.arange(NUM_PICTURES) + 0.5) / NUM_PICTURES * number - 0.5
    return np.clip(np.round(middle), 0, number - 1).astype(int)


def squares(frames_BGR: Sequence[np.ndarray]) -> np.ndarray:
    """Frames uint8 (H, W, 3) in the order B, G, R -> (N, SIDE, SIDE, 3) uint8 R, G, B, squeezed to squares."""
    small = [cv2.resize(frame, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for frame in frames_BGR]
    return np.stack(small)[..., ::-1]
