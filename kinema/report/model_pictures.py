"""A model, its clips and its data set -> pictures of scored videos and of training clips, and what is in the data."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from kinema.clips.coverage import read_coverage
from kinema.clips.table import labelled_subsets
from kinema.evaluation.score import evaluation_dataset
from kinema.experiment.config import Settings
from kinema.experiment.model_sections import Evaluation
from kinema.models.loading.checkpoint import Checkpoint, load_checkpoint
from kinema.records.dataset_report import DatasetReport
from kinema.report.augmented import ContactSheet, contact_sheet
from kinema.report.data import Data, data_of, with_sizes
from kinema.report.model_records import PREDICTIONS, ModelRecords
from kinema.report.videos import Kind, scored_videos, shown_as

OF_CHANGES = "The network takes the differences of neighbouring frames itself, which is not shown here."
OF_VIEWS = (
    "It was trained on {} fixed views of each clip: the first as evaluation sees it, the others drawn like these."
)
WIDE = ("logits", "probabilities")  # columns of which no card tells


@dataclass(frozen=True, kw_only=True)
class PictureFiles:
    """What a page reads beside the records in the folder of the model."""

    checkpoint_path: Path
    clips_path: Path
    annotation_path: Path
    report_path: Path
    table_paths: Sequence[Path]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Cards of scored videos, none where no scored video has a label; training clips; the data."""

    kinds: list[Kind]
    sheet: ContactSheet | None
    data: Data


def pictures_of(records: ModelRecords, files: PictureFiles) -> Pictures:
    """Read them. Of the settings those of the training count, and what the evaluation says of clips and views."""
    trained = load_checkpoint(files.checkpoint_path)
    settings = Settings.model_validate(trained.settings)
    counts = settings.clip.model_copy(update=dict(records.sections.get("clip", {})))
    views = Evaluation.model_validate(records.sections.get("evaluation", {}))
    sheet = None
    if "training" in labelled_subsets(files.clips_path):
        modality = trained.model.spec.modality
        is_of_changes = shown_as(records.model, modality) == "rgbdiff"
        sheet = sheet_of(files.clips_path, settings, modality=modality, is_of_changes=is_of_changes)
    _, videos = read_coverage(files.annotation_path, files.table_paths)
    parts = set(videos.loc[videos["source"] != videos["video"], "video"])
    scored = settings.model_copy(update={"clip": counts, "evaluation": views})
    report = DatasetReport.read(files.report_path)
    return Pictures(
        kinds=_kinds(records, files.clips_path, trained, scored, parts),
        sheet=sheet,
        data=data_of(report, with_sizes(videos), clip=trained.model.clip),
    )


def sheet_of(clips_path: Path, settings: Settings, *, modality: str, is_of_changes: bool) -> ContactSheet | None:
    """Training clips with what is to be said of them; None where each was seen once, as evaluation sees it."""
    num_views = settings.training.feature_views
    if num_views == 1:
        return None
    notes = [OF_CHANGES] * is_of_changes + [OF_VIEWS.format(num_views)] * bool(num_views)
    return replace(contact_sheet(clips_path, settings, modality=modality), note=" ".join(notes) or None)


def _kinds(
    records: ModelRecords, clips_path: Path, trained: Checkpoint, settings: Settings, parts: Collection[str]
) -> list[Kind]:
    if records.evaluation is None:
        return []
    subset = str(records.evaluation.subset)
    path = records.folder / PREDICTIONS
    columns = [name for name in pq.read_schema(path).names if name not in WIDE]
    rows = pq.read_table(path, columns=columns)
    rows = rows.filter(pc.and_(pc.equal(rows["subset"], subset), pc.is_valid(rows["label"])))
    dataset = evaluation_dataset(clips_path, trained, subset=subset, numbers=settings.clip, views=settings.evaluation)
    stride = trained.model.clip.stride
    return scored_videos(rows, dataset, model_name=records.model, stride=stride, parts=parts)
