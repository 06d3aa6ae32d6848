"""Records -> model_card.md: what a model is, with the front matter that model hubs read.

It says what the records say. Nobody here knows the licence of a model, the language of its labels or what it
may be used for: those keys are left out, and whoever publishes the model adds them. The keys are those of
https://huggingface.co/docs/hub/model-cards and of its `model-index`.
"""

from collections.abc import Iterator
from typing import Any

import yaml

from kinema.markdown import as_text, table
from kinema.outcome.export import is_verified
from kinema.outcome.score import coverage_text, fraction, interval_text
from kinema.outcome.stale import obstacle
from kinema.records.evaluation import Evaluation
from kinema.report.model_records import ModelRecords
from kinema.report.verdict import Verdict

HUB = "https://huggingface.co/"
MOST_LABELS = 60  # that are written out


def model_card(records: ModelRecords, verdict: Verdict, *, clip: str) -> str:
    """The card; `clip` is what the network takes, in words."""
    front = yaml.safe_dump(front_matter(records), sort_keys=False, allow_unicode=True, width=100)
    return f"---\n{front}---\n\n" + "\n\n".join(_parts(records, verdict, clip)) + "\n"


def front_matter(records: ModelRecords) -> dict[str, Any]:
    """The metadata."""
    training, evaluation = records.training, records.evaluation
    formats = ["openvino"] if is_verified(records.found) else []
    matter: dict[str, Any] = {
        "library_name": "kinema",
        "pipeline_tag": "video-classification",
        "tags": ["video-classification", "action-recognition", *formats, "pytorch"],
    }
    if training.published and training.published.source.startswith(HUB):
        matter["base_model"] = training.published.source.removeprefix(HUB).strip("/")
    if evaluation:
        result = {
            "task": {"type": "video-classification", "name": "Video classification"},
            "dataset": {"type": records.dataset, "name": records.dataset, "split": evaluation.subset},
            "metrics": list(_metrics(evaluation)),
        }
        matter["metrics"] = ["accuracy", "f1"]
        matter["model-index"] = [{"name": records.model, "results": [result]}]
    return matter


def _metrics(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    scores = evaluation.scores
    names = {
        "video_top1": ("accuracy", "Top-1 accuracy of videos"),
        "video_top5": ("accuracy", "Top-5 accuracy of videos"),
        "mean_class_accuracy": ("accuracy", "Mean class accuracy"),
        "macro_f1": ("f1", "Macro F1"),
    }
    for key, (kind, name) in names.items():
        yield {"type": kind, "value": round(getattr(scores, key), 6), "name": name}


def _parts(records: ModelRecords, verdict: Verdict, clip: str) -> Iterator[str]:
    training = records.training
    yield f"# {as_text(records.model)} on {as_text(records.dataset)}"
    yield (
        f"A network for action recognition, {as_text(training.model)}, that names one of {len(training.labels)} "
        f"classes for a video. It takes {clip}."
    )
    yield "## How good it is"
    if records.evaluation:
        yield as_text(f"{verdict.number} {verdict.unit}: {verdict.line}")
        yield _scores_table(records.evaluation)
    else:
        yield as_text(f"It was not scored: {verdict.line}.")
    doubts = [remark for remark in verdict.remarks if remark.level in ("bad", "doubt")]
    if doubts:
        yield "\n".join(f"- **{as_text(remark.topic)}**: {as_text(remark.text)}" for remark in doubts)
    if records.evaluation:
        yield "The numbers are of the videos of this data set, and say nothing of videos that look different."
    yield "## Classes"
    named = training.labels[:MOST_LABELS]
    more = f", and {len(training.labels) - len(named)} more: labels.txt" if len(training.labels) > len(named) else ""
    yield ", ".join(as_text(label) for label in named) + more
    yield "## How to use it"
    yield from _use(records)
    yield "## How it was made"
    yield "\n".join(f"- {line}" for line in _made(records))


def _use(records: ModelRecords) -> Iterator[str]:
    """Lines to be copied, or why there are none."""
    if reason := obstacle(records.found):
        yield as_text(f"It cannot be exported: {reason}.")
        yield "`model.pth` is a checkpoint of kinema, which scores it and trains on from it."
        return
    if not is_verified(records.found):
        yield "It is not exported, or its export did not pass both gates. This is how the export will be used."
    yield "```python\n" + python_lines("model.xml") + "\n```"
    yield "`model.xml` and `model.bin` are an OpenVINO IR; labels, preprocessing and normalisation stand inside."


def python_lines(path: str) -> str:
    """How a program uses the model."""
    return f'from kinema.inference import load\n\nmodel = load({path!r})\nprint(model.predict("video.mp4").top(3))'


def _scores_table(evaluation: Evaluation) -> str:
    scores = evaluation.scores
    number = scores.num_videos
    rows = [
        ["videos", f"{number:,} {as_text(evaluation.subset or '')}"],
        ["coverage", coverage_text(evaluation)],
        ["top-1 accuracy", fraction(scores.video_top1, number)],
        ["95 % interval", interval_text(evaluation)],
        ["top-5 accuracy", fraction(scores.video_top5, number)],
        ["mean class accuracy", fraction(scores.mean_class_accuracy, number)],
        ["macro F1", fraction(scores.macro_f1, number)],
        ["expected calibration error", fraction(scores.expected_calibration_error, number)],
    ]
    return table(["measure", "value"], rows)


def _made(records: ModelRecords) -> Iterator[str]:
    training = records.training
    versions = ", ".join(f"{name} {version}" for name, version in training.versions.items())
    yield f"with {as_text(versions)}"
    if training.commit:
        yield f"commit {training.commit}"
    yield f"seed {training.seed}, {training.num_epochs} epochs"
    if published := training.published:
        licence = f" (licence {as_text(published.license)})" if published.license else ""
        yield f"from the published weights {as_text(published.name)}{licence}, {as_text(published.source)}"
