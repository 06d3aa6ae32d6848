"""Any predictor + evaluation clips -> logits of every clip: PyTorch and OpenVINO are scored by the same code."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from kinema.clips.dataset import ClipDataset, clips_for
from kinema.clips.loader import ClipLoader
from kinema.clips.table import ClipIndex, labelled_subsets
from kinema.job import progress
from kinema.metrics import ClipScores
from kinema.models.checkpoint import Checkpoint
from kinema.models.recognizer import Recognizer

Predictor = Callable[[np.ndarray], np.ndarray]
"""uint8 clips (B, T, 3, S, S) -> float logits (B, K)."""


def evaluation_subset(clips: Path, wanted: str) -> str:
    """The subset to score: as asked, or with `auto` testing where it has labels, else validation."""
    labelled = labelled_subsets(clips)
    candidates = ["testing", "validation"] if wanted == "auto" else [wanted]
    for subset in candidates:
        if subset in labelled:
            return subset
    raise ValueError(
        f"{clips}: no labelled video in {' or '.join(candidates)}; found {', '.join(labelled)}. "
        "Give some videos the subset validation in the annotation list, or set evaluation.subset."
    )


def evaluation_dataset(clips: Path, trained: Checkpoint, *, subset: str) -> ClipDataset:
    """Labelled clips of a subset as a trained model takes them, checked against its labels."""
    model = trained.model
    index = ClipIndex.load(clips, subset=subset, clip=model.clip, labelled=True)
    if index.labels != trained.labels:
        raise ValueError(
            f"{clips}: its {len(index.labels)} labels are not the {len(trained.labels)} labels of the model; "
            "the annotation has changed since: train again"
        )
    return clips_for(index, model.spec.modality, clip=model.clip)


def score(predict: Predictor, dataset: ClipDataset, *, batch_size: int, num_workers: int = 1) -> ClipScores:
    """Logits of every clip of `dataset`, each counted once, in the order of the index."""
    loader = ClipLoader(dataset, batch_size=batch_size, num_workers=num_workers)
    logits, labels, videos = [], [], []
    for batch in progress(loader, description="scoring", total=len(loader)):
        logits.append(predict(batch["clip"].numpy()))
        labels.append(batch["label"].numpy())
        videos.append(batch["video"].numpy())
    scores = ClipScores(np.concatenate(logits), np.concatenate(labels), np.concatenate(videos))
    assert len(scores.labels) == len(dataset), "every clip is scored exactly once"
    if not np.isfinite(scores.logits).all():
        raise ValueError("the model gives logits that are not finite; its weights are broken: train again")
    return scores


def torch_predictor(model: Recognizer, *, device: str | None = None) -> Predictor:
    """Predictor of a PyTorch model in evaluation mode, by default on the GPU where there is one."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = model.to(device).eval()

    @torch.inference_mode()
    def predict(clips: np.ndarray) -> np.ndarray:
        return model(torch.from_numpy(clips).to(device)).float().cpu().numpy()

    return predict


def read_accuracy(evaluation: Path) -> float:
    """Video top-1 from an evaluation.json."""
    return float(json.loads(evaluation.read_text(encoding="utf-8"))["video_top1"])
