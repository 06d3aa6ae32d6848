"""What an exported model says of itself, out of the files of its training and evaluation."""

from dataclasses import dataclass
from pathlib import Path

import kinema
from kinema.clips.parts import parts_digests
from kinema.clips.table import ClipIndex, mapped_path, parts_path, subsets_of
from kinema.clips.transforms import modalities
from kinema.deployment.frame_rates import training_rates
from kinema.digests import file_digest
from kinema.inference.accuracy import Accuracy
from kinema.inference.description import Description
from kinema.inference.frame_spec import FrameSpec
from kinema.inference.probabilities import average_named
from kinema.input_error import InputError
from kinema.media.reader import FrameReader
from kinema.models.loading.checkpoint import Checkpoint
from kinema.records.calibration import CalibrationFile
from kinema.records.evaluation import Evaluation


@dataclass(frozen=True)
class ModelFiles:
    """A model and what rule evaluate writes of it."""

    checkpoint_path: Path
    evaluation_path: Path
    predictions_path: Path
    calibration_path: Path


def describe(trained: Checkpoint, files: ModelFiles, *, clips_path: Path) -> Description:
    """Everything; InputError where calibration.json is of another model."""
    calibration = calibration_of(files.checkpoint_path, files.calibration_path)
    evaluation = Evaluation.read(files.evaluation_path)
    data = parts_digests(parts_path(clips_path), ["training", evaluation.subset])
    return Description(
        model_name=trained.model.name,
        labels=tuple(trained.labels),
        spec=trained.model.spec,
        kinema_version=kinema.__version__,
        frames=frames_of(clips_path),
        temperature=calibration.temperature,
        threshold=calibration.threshold,
        num_clips=calibration.num_clips,
        average=average_named(calibration.average),
        frame_rates=training_rates(clips_path),
        accuracy=accuracy_of(evaluation),
        digests={"model": file_digest(files.checkpoint_path), **data},
        flow_bound=flow_bound_of(clips_path) if "flow" in modalities(trained.model.spec.modality) else None,
    )


def calibration_of(checkpoint_path: Path, calibration_path: Path) -> CalibrationFile:
    """What the evaluation of this model found; InputError where the file is of another model."""
    found = CalibrationFile.read(calibration_path)
    if found.model != file_digest(checkpoint_path):
        raise InputError(f"{calibration_path}: is not of {checkpoint_path}; {CalibrationFile.AGAIN}")
    return found


def accuracy_of(evaluation: Evaluation) -> Accuracy | None:
    """That of the reported subset; None where nothing could be scored."""
    if evaluation.subset is None:
        return None
    scores = evaluation.scores
    return Accuracy(
        subset=evaluation.subset,
        num_videos=scores.num_videos,
        coverage=scores.coverage,
        video_top1=scores.video_top1,
        low=scores.intervals.video_top1.low,
        high=scores.intervals.video_top1.high,
        trained_on=scores.trained_on,
    )


def frames_of(clips_path: Path) -> FrameSpec:
    """How the frames of a data set were made; its shards are all of one recipe, or of one a modality."""
    index = ClipIndex(mapped_path(clips_path), subsets_of(clips_path)[0])
    return FrameSpec.of(FrameReader().media(index.shard(0)))


def flow_bound_of(clips_path: Path) -> float:
    """That of the optical flow of a data set that has some."""
    index = ClipIndex(mapped_path(clips_path), subsets_of(clips_path)[0])
    return FrameReader().media(index.table(0, "flow")).flow_bound
