"""A model's records -> its page, one HTML file that needs no network, and the text of a model card."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinema.experiment.data_sections import Clip
from kinema.files import write_text
from kinema.outcome.export import is_verified
from kinema.outcome.score import fraction, percent
from kinema.outcome.stale import obstacle
from kinema.records.evaluation import Evaluation
from kinema.report.classes import COLUMNS, class_rows
from kinema.report.confusion import confusion_of, counts_of
from kinema.report.curves import curves_of
from kinema.report.made_with import facts_of, settings_of
from kinema.report.model_card import model_card, python_lines
from kinema.report.model_pictures import PictureFiles, Pictures, pictures_of
from kinema.report.model_records import ModelRecords, read_cells, read_records
from kinema.report.template import render
from kinema.report.trust import answers_chart, numbers_of, reliability_chart
from kinema.report.verdict import Verdict, verdict_of

TEMPLATE = "model.html"
SECTIONS = {
    "verdict": "Verdict",
    "curves": "Training",
    "classes": "Classes",
    "confusion": "Confusions",
    "kinds": "Videos",
    "sheet": "What it is fed",
    "trust": "Confidence",
    "data": "Data",
    "made": "Experiment",
    "use": "How to use it",
}
DATASET_FOLDER = "../../"  # as the page reaches it


def write_model_page(
    *,
    folder: Path,
    files: PictureFiles,
    settings: str,
    own_settings: str,
    failed: str,
    page_path: Path,
    card_path: Path,
) -> None:
    """Write both files of what lies in `folder`, `results/<dataset>/<model>`, and in the data set's.

    `settings` are sections of settings behind the training, `own_settings` those of the data set
    (`kinema.experiment.resolve.own_settings`), and `failed` the rules of the export whose last job failed, all as JSON.
    """
    sections = {**json.loads(settings), **json.loads(own_settings)}
    records = read_records(folder, sections=sections, failed=json.loads(failed))
    evaluation = records.evaluation
    verdict = verdict_of(records, counts_of(evaluation.scores.classes) if evaluation else None)
    write_text(page_path, model_page(records, verdict, pictures_of(records, files)))
    write_text(card_path, model_card(records, verdict, clip=_clip_in_words(records)))


def model_page(records: ModelRecords, verdict: Verdict, pictures: Pictures | None = None) -> str:
    """The page; what comes from names and records is text in it, whatever it holds."""
    values = {
        "verdict": verdict,
        "curves": _curves(records),
        **_of_scores(records),
        **(vars(pictures) if pictures else dict.fromkeys(("kinds", "sheet", "data"))),
        "settings": settings_of(records),
        "facts": facts_of(records),
        "versions": records.training.versions,
        "use": _use(records),
    }
    shown = {id: name for id, name in SECTIONS.items() if id not in values or values[id]}
    names = {"dataset": records.dataset, "model": records.model, "folder": DATASET_FOLDER}
    words = {"fraction": fraction, "percent": percent}
    return render(TEMPLATE, sections=list(shown.items()), titles=SECTIONS, **names, **words, **values)


def _curves(records: ModelRecords) -> Any:
    kept = records.training.kept_epoch
    return curves_of(records.history, int(kept["epoch"]) if kept else None)


def _of_scores(records: ModelRecords) -> dict[str, Any]:
    """The parts about scored videos; None each where no scored video has a label."""
    evaluation = records.evaluation
    if evaluation is None:
        return dict.fromkeys(("scores", "subset", "others", "classes", "confusion", "trust"))
    scores, labels = evaluation.scores, list(evaluation.scores.classes)
    return {
        "scores": scores,
        "subset": evaluation.subset,
        "others": {name: found for name, found in evaluation.subsets.items() if name != evaluation.subset},
        "classes": {"rows": class_rows(scores.classes), "columns": COLUMNS},
        "confusion": confusion_of(counts_of(scores.classes), labels, read_cells(records.folder, evaluation)),
        "trust": _trust(evaluation),
    }


def _trust(evaluation: Evaluation) -> dict[str, Any]:
    scores, calibration = evaluation.scores, evaluation.calibration
    return {
        "charts": [reliability_chart(scores), answers_chart(scores, calibration)],
        "numbers": numbers_of(scores),
        "calibration": calibration,
        "above": scores.above_threshold,
    }


def _use(records: ModelRecords) -> dict[str, Any]:
    """Lines to be copied."""
    path = records.folder / "model.xml"
    return {
        "path": str(path),
        "obstacle": obstacle(records.found),
        "is_verified": is_verified(records.found),
        "make": f"snakemake --cores all {shlex.quote(str(path))}",
        "command": f"kinema predict video.mp4 --model {shlex.quote(str(path))}",
        "python": python_lines(str(path)),
        "clip": _clip_in_words(records),
    }


def _clip_in_words(records: ModelRecords) -> str:
    found: Mapping[str, Any] = records.training.settings.get("clip", {})
    clip = Clip.model_validate({key: found[key] for key in ("length", "stride", "fps", "size") if key in found})
    rate = "" if clip.fps is None else f" at {clip.fps:g} frames a second"
    return f"clips of {clip.length} frames at a distance of {clip.stride}{rate}, {clip.size} x {clip.size} pixels"
