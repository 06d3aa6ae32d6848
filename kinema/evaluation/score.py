"""Any predictor + evaluation clips -> logits of every clip: PyTorch and OpenVINO are scored by the same code."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kinema.clips.dataset import ClipDataset, clips_for
from kinema.clips.loader import ClipLoader
from kinema.clips.parts import evaluation_order
from kinema.clips.table import ClipIndex, labelled_subsets
from kinema.experiment.data_sections import Clip
from kinema.inference.predictors.predictor import Predictor
from kinema.job import progress
from kinema.metrics import ClipScores
from kinema.models.loading.checkpoint import Checkpoint


def evaluation_subset(clips_path: Path, wanted: str) -> str:
    """The subset to score: as asked, or with `auto` testing where it has labels, else validation."""
    labelled = labelled_subsets(clips_path)
    candidates = evaluation_order(wanted)
    for subset in candidates:
        if subset in labelled:
            return subset
    raise ValueError(
        f"{clips_path}: no labelled video in {' or '.join(candidates)}; found {', '.join(labelled)}. "
        "Give some videos the subset validation in the annotation list, or set evaluation.subset."
    )


def evaluation_dataset(clips_path: Path, trained: Checkpoint, *, subset: str, numbers: Clip) -> ClipDataset:
    """Labelled clips of a subset as a trained model takes them, checked against its labels.

    `numbers` says how many clips each video has.
    """
    model = trained.model
    counts = numbers.model_dump(include={"num_val_clips", "num_test_clips"})
    index = ClipIndex.load(clips_path, subset=subset, clip=model.clip.model_copy(update=counts), labelled=True)
    if index.labels != trained.labels:
        raise ValueError(
            f"{clips_path}: its {len(index.labels)} labels are not the {len(trained.labels)} labels of the model; "
            "the annotation has changed since: train again"
        )
    return clips_for(index, model.spec.modality, clip=model.clip)


def score(
    predict: Predictor,
    dataset: ClipDataset,
    *,
    batch_size: int,
    rows: Sequence[int] | None = None,
) -> ClipScores:
    """Logits of every clip of `dataset`, or of these rows of it, each counted once, in the order of the index."""
    rows = range(len(dataset)) if rows is None else rows
    loader = ClipLoader(dataset, batch_size=batch_size, num_workers=1, sampler=rows)
    logits, labels, videos = [], [], []
    for batch in progress(loader, description="scoring", total=len(loader)):
        logits.append(predict(batch["clip"].numpy()))
        labels.append(batch["label"].numpy())
        videos.append(batch["video"].numpy())
    scores = ClipScores(np.concatenate(logits), np.concatenate(labels), np.concatenate(videos))
    assert len(scores.labels) == len(rows), "every clip is scored exactly once"
    if not np.isfinite(scores.logits).all():
        raise ValueError(
            "the network gives logits that are not finite: its weights are broken (train again), or too large for the "
            "arithmetic of this device"
        )
    return scores
