"""An evaluation -> the lines that its log has."""

from collections.abc import Iterator

from kinema.records.calibration import Calibration
from kinema.records.evaluation import Evaluation, SubsetScores


def told(result: Evaluation) -> Iterator[str]:
    """The accuracy of each subset, what was scored without a label, and how far confidences can be believed."""
    for name, scores in result.subsets.items():
        yield _accuracy(name, scores) + (f"; {result.views.in_words}" if result.views.in_words else "")
    for name, number in result.unlabelled.items():
        yield f"{name}: {number} videos without a label were scored: predictions.parquet has what was said of them"
    if result.calibration:
        yield _calibration(result.calibration)


def _accuracy(name: str, scores: SubsetScores) -> str:
    """The accuracy in a line, with what is to be known beside it."""
    interval, units = scores.intervals.video_top1, scores.intervals.units
    text = f"{name}: video top-1 {scores.video_top1:.4f} over {scores.num_videos} videos, "
    text += f"95 % interval {interval.low:.4f} to {interval.high:.4f}"
    text += f" over {scores.intervals.num_units} groups" if units == "groups" else ""
    share = scores.num_videos * 10_000 // scores.num_annotated / 10_000  # cut off: 1 where all were scored
    text += f", coverage {share:.4f} of {scores.num_annotated} that are listed"
    if scores.trained_on:
        return f"{text}; the model was trained on these very videos"
    return f"{text}; chosen on these very videos ({', '.join(scores.chosen)})" if scores.chosen else text


def _calibration(found: Calibration) -> str:
    text = f"calibration on {found.num_videos} {found.subset} videos"
    if found.temperature:
        text += f", temperature {found.temperature.value:g}"
    if found.threshold:
        text += f", answers from a confidence of {found.threshold.confidence:g}: {found.threshold.accuracy:.4f} of "
        text += f"{found.threshold.num_videos} right"
    return "; ".join([text, *found.notes])
