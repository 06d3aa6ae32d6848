"""Any predictor + evaluation clips -> logits of every clip: PyTorch and OpenVINO are scored by the same code."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kinema.clips.dataset import stored_modality
from kinema.clips.scored import ORDER, ScoredSubsets, scored_subsets
from kinema.clips.table import ClipIndex, labelled_subsets, subsets_of
from kinema.evaluation.reading import read_batches
from kinema.evaluation.views import ViewDataset
from kinema.experiment.data_sections import Clip
from kinema.experiment.model_sections import Evaluation
from kinema.inference.predictors.predictor import Predictor
from kinema.input_error import InputError
from kinema.job import progress
from kinema.metrics import ClipScores
from kinema.models.loading.checkpoint import Checkpoint


def subsets_to_score(clips_path: Path, wanted: str) -> ScoredSubsets:
    """What is scored by the setting `evaluation.subset`; InputError where that is nothing."""
    labelled = labelled_subsets(clips_path)
    found = scored_subsets(wanted, {name: name in labelled for name in subsets_of(clips_path)})
    if not found.names:
        missing = f"no {wanted} video" if wanted in ORDER else f"no labelled video in {' or '.join(ORDER[:2])}"
        raise InputError(
            f"{clips_path}: {missing}; labelled ones are in {', '.join(labelled)}. Give some videos the subset "
            "validation in the annotation list, or set evaluation.subset."
        )
    return found


def reported_subset(clips_path: Path, wanted: str) -> str:
    """The one that the numbers are of; InputError where none has labels."""
    if (reported := subsets_to_score(clips_path, wanted).reported) is None:
        raise InputError(
            f"{clips_path}: the {wanted} videos have no labels, and no validation video has one; what cannot be scored "
            "cannot be verified. Give some videos the subset validation in the annotation list."
        )
    return reported


def evaluation_dataset(
    clips_path: Path, trained: Checkpoint, *, subset: str, numbers: Clip, views: Evaluation, labelled: bool = True
) -> ViewDataset:
    """Evenly spaced clips of a subset as a trained model takes them, checked against its labels.

    `numbers` says how many clips each video has; a training video has as many as a validation video. `views` says what
    is cut out of each clip. With `labelled` only those of videos with a label.
    """
    model = trained.model
    counts = numbers.model_dump(include={"num_val_clips", "num_test_clips"})
    clip = model.clip.model_copy(update=counts)
    index = ClipIndex.load(clips_path, subset=subset, clip=clip, labelled=labelled, is_spaced=True)
    if index.labels != trained.labels:
        raise ValueError(
            f"{clips_path}: its {len(index.labels)} labels are not the {len(trained.labels)} labels of the model; "
            "the annotation has changed since: train again"
        )
    return ViewDataset(index, modality=stored_modality(index, model.spec.modality), clip=model.clip, views=views)


def score(
    predict: Predictor,
    dataset: ViewDataset,
    *,
    batch_size: int,
    rows: Sequence[int] | None = None,
    num_threads: int = 1,
) -> ClipScores:
    """Logits of every view of the clips of `dataset`, or of these rows of it, each counted once, in this order.

    At most `batch_size` views are predicted at a time. So many threads read clips meanwhile: as many as the network has
    are best.
    """
    rows, num_views = range(len(dataset)) if rows is None else rows, dataset.num_views
    clips_at_a_time = max(1, batch_size // num_views)
    batches = read_batches(dataset, rows, batch_size=clips_at_a_time, num_threads=num_threads)
    logits: list[np.ndarray] = []
    read: list[int] = []
    for numbers, clips in progress(batches, description="scoring", total=-(-len(rows) // clips_at_a_time)):
        logits += [predict(part) for part in _parts(clips.numpy(), batch_size)]
        read += numbers
    scores = ClipScores(
        np.concatenate(logits),
        np.repeat(dataset.index.label_index[read].astype(np.int64), num_views),
        np.repeat(dataset.index.video_number[read].astype(np.int64), num_views),
        num_views=num_views,
        average=dataset.views.average,
    )
    assert len(scores.labels) == len(scores.logits) == len(rows) * num_views, "every view is scored exactly once"
    if not np.isfinite(scores.logits).all():
        raise ValueError(
            "the network gives logits that are not finite: its weights are broken (train again), or too large for the "
            "arithmetic of this device"
        )
    return scores


def _parts(clips: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Views of clips (B, T, V, C, S, S), one by one (N, T, C, S, S) and a clip's together, in parts of equal size."""
    views = clips.swapaxes(1, 2).reshape(-1, clips.shape[1], *clips.shape[3:])
    return np.array_split(views, -(-len(views) // batch_size))
