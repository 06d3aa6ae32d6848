"""Real clips on which an IR is compared with PyTorch; no setting of the evaluation has a say in them."""

from pathlib import Path

import numpy as np
import torch

from kinema.clips.dataset import clips_for
from kinema.clips.parts import PARITY_ORDER
from kinema.clips.table import ClipIndex, subsets_of
from kinema.models.recognizer import Recognizer


def parity_clips(clips_path: Path, model: Recognizer, *, count: int) -> np.ndarray:
    """`count` clips, or as many as there are, uint8 (N, T, C, S, S), spread over the first subset that has videos.

    Labels do not matter. Of training videos the clips in the middle are taken.
    """
    present = subsets_of(clips_path)
    subset = next(subset for subset in PARITY_ORDER if subset in present)
    dataset = clips_for(
        ClipIndex.load(clips_path, subset=subset, clip=model.clip), model.spec.modality, clip=model.clip
    )
    rows = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).astype(int))
    return torch.stack([dataset[int(row)]["clip"] for row in rows]).numpy()
