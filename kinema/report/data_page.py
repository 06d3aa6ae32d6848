"""A data set's report, annotation and shards -> results/<dataset>/report/index.html: the data before any training."""

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from kinema.clips.coverage import read_coverage
from kinema.clips.table import VIDEO_SCHEMA, write_clips
from kinema.experiment.config import Settings
from kinema.files import write_text
from kinema.job import ON_SCREEN
from kinema.records.dataset_report import DatasetReport
from kinema.report.augmented import ContactSheet, contact_sheet
from kinema.report.data import Data, data_of, with_sizes
from kinema.report.template import render

log = logging.getLogger(__name__)
TEMPLATE = "dataset.html"
TITLES = {
    "summary": "In short",
    "fed": "What a network is fed",
    "videos": "What became of the videos",
    "leaks": "What subsets share",
    "classes": "Classes",
    "pictures": "Durations, frame rates and sizes",
    "next": "What comes next",
}
FOLDER = "../"  # of the data set, as the page reaches it


def write_data_page(
    *,
    report_path: Path,
    annotation_path: Path,
    table_paths: Sequence[Path],
    settings: Settings,
    modality: str,
    out: Path,
) -> None:
    """Write the page. Of the settings, which hold for the whole data set, `clip`, `augmentation` and `training` count.

    It needs no index of the clips, so it is there where too many videos were dropped for one.
    """
    labels, videos = read_coverage(annotation_path, table_paths)
    data = data_of(DatasetReport.read(report_path), with_sizes(videos), clip=settings.clip)
    page = as_page(data, training_sheet(labels, videos, settings, modality=modality))
    write_text(out, page)
    minded = sum(remark.is_warning for remark in data.remarks)
    log.info("%s: %s To mind: %d.", out, data.verdict, minded, extra=ON_SCREEN)


def as_page(data: Data, sheet: ContactSheet | None) -> str:
    """The page; without training clips it says so."""
    no_sheet = "No training video with a label can be used, so there is nothing to show."
    return render(
        TEMPLATE,
        data=data,
        sheet=sheet,
        no_sheet=no_sheet,
        sections=list(TITLES.items()),
        titles=TITLES,
        folder=FOLDER,
    )


def training_sheet(
    labels: list[str], videos: pd.DataFrame, settings: Settings, *, modality: str
) -> ContactSheet | None:
    """The contact sheet of a data set that has no index, from the result of `read_coverage`.

    None where no training video with a label is usable.
    """
    is_shown = (videos["status"] == "ok") & (videos["subset"] == "training") & (videos["label_index"] >= 0)
    if not is_shown.any():
        return None
    rows = pa.Table.from_pandas(videos.loc[is_shown, VIDEO_SCHEMA.names], schema=VIDEO_SCHEMA, preserve_index=False)
    with tempfile.TemporaryDirectory(prefix="kinema-clips-") as folder:
        clips_path = Path(folder) / "clips.parquet"
        write_clips(rows, clips_path, labels=labels, clip=settings.clip)
        return contact_sheet(clips_path, settings, modality=modality)
