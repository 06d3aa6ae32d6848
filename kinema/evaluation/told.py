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
        yield "; ".join([_calibration(result.calibration), *notes_of_views(result), *notes_of_clips(result)])


def notes_of_views(result: Evaluation) -> list[str]:
    """Where the temperature and the threshold were found on views of clips that clients do not take."""
    if result.calibration is None or result.views.are_of_clients:
        return []
    return [f"found on other views than those of clients, the centre of each clip: {result.views.in_words}"]


def notes_of_clips(result: Evaluation) -> list[str]:
    """Where the reported videos were scored on another number of clips than those that tell of the confidences."""
    clips, found = result.views.clips, result.calibration
    if found is None or result.subset is None or clips[result.subset] == found.num_clips:
        return []
    return [
        f"found on {_clips(found.num_clips)} of a video, while {result.subset} videos were scored on "
        f"{_clips(clips[result.subset])}: of these the calibrated confidences are a little off"
    ]


def _clips(number: int) -> str:
    return f"{number} clip{'' if number == 1 else 's'}" if number > 0 else "every clip"


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
