"""Any predictor + evaluation clips -> logits of every clip: PyTorch and OpenVINO are scored by the same code."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kinema.clips.dataset import checked_modality
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

NOT_FINITE = (
    "the network gives logits that are not finite: its weights are broken (train again), or too large for the "
    "arithmetic of this device"
)


def subsets_to_score(clips_path: Path, wanted: str) -> ScoredSubsets:
    """What is scored by the setting `evaluation.subset`; InputError where that is nothing."""
    labelled = labelled_subsets(clips_path)
    found = scored_subsets(wanted, {name: name in labelled for name in subsets_of(clips_path)})
    if not found.names:
        missing = f"no {wanted} video" if wanted in ORDER else f"no labelled video in {' or '.join(ORDER[:2])}"
        raise InputError(
            f"{clips_path}: {missing}, which evaluation.subset: {wanted} asks for; labelled ones are in "
            f"{', '.join(labelled)}. Give some videos the subset {wanted if wanted in ORDER else 'validation'} in the "
            "annotation list, or set another evaluation.subset."
        )
    return found


def reported_subset(clips_path: Path, wanted: str) -> str:
    """The one that the numbers are of; InputError where none has labels."""
    if (reported := subsets_to_score(clips_path, wanted).reported) is None:
        raise InputError(
            f"{clips_path}: the {wanted} videos have no labels, and no validation video has one; what cannot be scored "
            f"cannot be verified. Give {wanted} videos labels in the annotation list, or some videos the subset "
            "validation."
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
    return ViewDataset(index, modality=checked_modality(index, model.spec.modality), clip=model.clip, views=views)


def score(
    predict: Predictor,
    dataset: ViewDataset,
    *,
    batch_size: int,
    rows: Sequence[int] | None = None,
    num_threads: int = 1,
) -> ClipScores:
    """Logits of every view of the clips of `dataset`, or of these rows of it, each counted once, in this order.

    With `average: logits` those of a clip are their mean over its views: no more is needed.

    At most `batch_size` views are predicted at a time. So many threads read clips meanwhile: as many as the network has
    are best.
    """
    rows = range(len(dataset)) if rows is None else rows
    clips_at_a_time = max(1, batch_size // dataset.num_views)
    batches = read_batches(dataset, rows, batch_size=clips_at_a_time, num_threads=num_threads)
    # made whole with the first batch: parts that are joined at the end would need twice the memory
    kept, begin, read = np.empty((0, 0), np.float32), 0, list[int]()
    for numbers, clips in progress(batches, description="scoring", total=-(-len(rows) // clips_at_a_time)):
        part = _kept(np.concatenate([predict(part) for part in _parts(clips.numpy(), batch_size)]), dataset)
        if not read:
            kept = np.empty((len(part) // len(numbers) * len(rows), part.shape[1]), part.dtype)
        kept[begin : begin + len(part)] = part
        begin += len(part)
        read += numbers
    assert len(read) == len(rows), "every clip is scored exactly once"
    assert begin == len(kept), "every view is scored exactly once"
    return _scores(kept, read, dataset)


def _kept(logits: np.ndarray, dataset: ViewDataset) -> np.ndarray:
    """Of the logits of whole clips what is needed later: of those that are averaged, their mean over the views."""
    if not np.isfinite(logits).all():
        raise ValueError(NOT_FINITE)
    if dataset.views.average == "probabilities" or dataset.num_views == 1:
        return logits
    views = logits.reshape(-1, dataset.num_views, logits.shape[1])
    return views.mean(axis=1, dtype=np.float64).astype(np.float32)


def _scores(logits: np.ndarray, read: Sequence[int], dataset: ViewDataset) -> ClipScores:
    num_views = len(logits) // len(read)
    labels, videos = dataset.index.label_index[read], dataset.index.video_number[read]
    return ClipScores(
        logits,
        np.repeat(labels.astype(np.int64), num_views),
        np.repeat(videos.astype(np.int64), num_views),
        num_views=num_views,
        average=dataset.views.average,
    )


def _parts(clips: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Views of clips (B, T, V, C, S, S), one by one (N, T, C, S, S) and a clip's together, in parts of equal size."""
    views = clips.swapaxes(1, 2).reshape(-1, clips.shape[1], *clips.shape[3:])
    return np.array_split(views, -(-len(views) // batch_size))
