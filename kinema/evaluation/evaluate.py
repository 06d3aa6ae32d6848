"""model.pth + clips.parquet -> evaluation.json, predictions.parquet, calibration.json and a picture of confusions."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from kinema.clips.parts import num_annotated
from kinema.clips.scored import ScoredSubsets
from kinema.clips.table import parts_path
from kinema.clips.windows import num_clips_asked
from kinema.digests import file_digest
from kinema.evaluation.calibration import calibrated
from kinema.evaluation.class_scores import confusion_matrix
from kinema.evaluation.confusion import plot_confusion
from kinema.evaluation.evidence import EvidenceCollector, as_rows
from kinema.evaluation.predictions import write_predictions
from kinema.evaluation.predictors import torch_predictor
from kinema.evaluation.score import evaluation_dataset, score, subsets_to_score
from kinema.evaluation.sources import sources_of
from kinema.evaluation.subset_scores import ScoredSubset, subset_scores
from kinema.evaluation.told import notes_of_views, told
from kinema.evaluation.views import num_views
from kinema.experiment.choosing import chosen_by, is_trained_on
from kinema.experiment.config import Settings
from kinema.models.device import device_of
from kinema.models.loading.checkpoint import Checkpoint, load_checkpoint
from kinema.models.made_of import remove_what_is_of_another
from kinema.records.calibration import Calibration, CalibrationFile
from kinema.records.evaluation import Evaluation, SubsetScores, Views

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EvaluationFiles:
    """What an evaluation writes."""

    evaluation_path: Path
    predictions_path: Path
    calibration_path: Path
    confusion_path: Path

    @classmethod
    def inside(cls, folder: Path) -> "EvaluationFiles":
        """As the workflow names them in the folder of a model."""
        names = ("evaluation.json", "predictions.parquet", "calibration.json", "confusion.png")
        return cls(*(folder / name for name in names))


def evaluate(
    *,
    checkpoint_path: Path,
    clips_path: Path,
    settings: Settings,
    out: EvaluationFiles,
    threads: int,
    accelerator: str = "auto",
) -> None:
    """Score the model on every evaluation clip and write the outputs.

    Of the settings, `evaluation` counts, and the numbers of clips a video: those of the training were for its own ends.
    `accelerator` is where PyTorch computes (`training.accelerator`).
    """
    torch.set_num_threads(threads)
    remove_what_is_of_another(checkpoint_path)
    trained = load_checkpoint(checkpoint_path)
    subsets, device = subsets_to_score(clips_path, settings.evaluation.subset), device_of(accelerator)
    views = views_of(settings, subsets.names)
    scored = {
        name: scored_subset(name, trained, clips_path=clips_path, settings=settings, device=device, threads=threads)
        for name in subsets.names
    }
    scored, calibration = with_calibration(scored, subsets, views, precision=settings.evaluation.precision)
    result = Evaluation(
        subset=subsets.reported,
        views=views,
        unlabelled={name: int((~one.is_labelled).sum()) for name, one in scored.items() if not one.is_labelled.all()},
        calibration=calibration,
        subsets=scores_of(scored, trained, calibration, clips_path=clips_path),
    )
    write_scores(result, scored, labels=trained.labels, model=file_digest(checkpoint_path), out=out)
    for line in told(result):
        log.info("%s", line)


def write_scores(
    result: Evaluation, scored: dict[str, ScoredSubset], *, labels: list[str], model: str, out: EvaluationFiles
) -> None:
    """Write the outputs; `model` is the digest of the model.pth that they are of."""
    write_predictions(out.predictions_path, list(scored.values()), labels=labels)
    plot_confusion(out.confusion_path, confusions(scored, result.subset, labels), labels)
    average, calibration = result.views.average, result.calibration
    exported = CalibrationFile.of(calibration, model=model, average=average, notes=notes_of_views(result))
    exported.write(out.calibration_path)
    result.write(out.evaluation_path)


def scored_subset(
    name: str, trained: Checkpoint, *, clips_path: Path, settings: Settings, device: torch.device, threads: int
) -> ScoredSubset:
    """Score the clips of a subset, those of videos without a label as well."""
    views = settings.evaluation
    dataset = evaluation_dataset(clips_path, trained, subset=name, numbers=settings.clip, views=views, labelled=False)
    collector = EvidenceCollector(dataset) if views.evidence and trained.model.has_evidence else None
    predict = torch_predictor(trained.model, device=device, watch=collector.add if collector else None)
    clips = score(predict, dataset, batch_size=views.batch_size, num_threads=threads)
    evidence = as_rows(collector.found(), dataset, trained.labels) if collector else None
    return ScoredSubset.of(name, clips, sources_of(dataset), evidence=evidence)


def views_of(settings: Settings, names: Sequence[str]) -> Views:
    """What the record says of how these subsets were scored."""
    asked = settings.evaluation
    return Views(
        clips={name: num_clips_asked(name, settings.clip, is_spaced=True) for name in names},
        crops=asked.crops,
        num_views=num_views(asked),
        scale=asked.scale,
        position=asked.position,
        average=asked.average,
    )


def with_calibration(
    scored: dict[str, ScoredSubset], subsets: ScoredSubsets, views: Views, *, precision: float
) -> tuple[dict[str, ScoredSubset], Calibration | None]:
    """All subsets at the temperature of the calibrating one, and what that says; as they are, and None, without one."""
    name = subsets.calibrating
    if name is None:
        return scored, None
    one, found = calibrated(
        scored[name], num_clips=views.clips[name], is_reported=name == subsets.reported, precision=precision
    )
    if found.temperature is None:
        return scored, found
    temperature = found.temperature.value
    return {other: one if other == name else each.at(temperature) for other, each in scored.items()}, found


def scores_of(
    scored: dict[str, ScoredSubset], trained: Checkpoint, calibration: Calibration | None, *, clips_path: Path
) -> dict[str, SubsetScores]:
    """The numbers of each subset that has labels."""
    return {
        name: subset_scores(
            one,
            labels=trained.labels,
            calibration=calibration,
            num_annotated=num_annotated(parts_path(clips_path), name),
            trained_on=is_trained_on(trained.settings, name),
            chosen=chosen_by(trained.settings, name),
        )
        for name, one in scored.items()
        if one.is_labelled.any()
    }


def confusions(scored: dict[str, ScoredSubset], reported: str | None, labels: Sequence[str]) -> np.ndarray:
    """The confusion matrix of the reported subset, all 0 where there is none."""
    if reported is None:
        return np.zeros((len(labels), len(labels)), dtype=np.int64)
    return confusion_matrix(scored[reported].labelled().videos, len(labels))
