"""Scores -> how far confidences can be believed: the reliability diagram, and coverage against accuracy of answers."""

from collections.abc import Sequence

from kinema.records.calibration import Calibration
from kinema.records.evaluation import ReliabilityBin, SubsetScores
from kinema.report.chart import Chart, Dot, Line, fraction_axis, line, short, ticks


def reliability_chart(scores: SubsetScores) -> Chart:
    """Accuracy by confidence, as the network says it and, where there is a temperature, with it."""
    x, y = fraction_axis(is_x=True), fraction_axis()
    lines = [_bins("as the network says it", "second", scores.reliability)]
    told = f"expected calibration error {short(scores.expected_calibration_error)}"
    if scores.calibrated:
        lines.insert(0, _bins("with the temperature", "first", scores.calibrated.reliability))
        told += f", with the temperature {short(scores.calibrated.expected_calibration_error)}"
    return Chart(
        title="Reliability",
        told=f"Accuracy of videos by confidence: {told}. A model on the broken line is right as often as it says.",
        x_title="confidence",
        lines=tuple(lines),
        x_ticks=ticks(x),
        y_ticks=ticks(y),
        ideal=(x.place(0), y.place(0), x.place(1), y.place(1)),
    )


def answers_chart(scores: SubsetScores, calibration: Calibration | None) -> Chart:
    """Accuracy of the answers by the share of the videos that are answered; the threshold is marked."""
    x = fraction_axis(is_x=True)
    y = fraction_axis()
    points = [(point.coverage, point.accuracy) for point in scores.answers]
    above = scores.above_threshold
    mark, text, right = None, "", ""
    if above and calibration and calibration.threshold:
        mark = x.place(above.coverage)
        text = f"confidence {short(calibration.threshold.confidence)}: {above.coverage:.0%} answered"
        right = f". At the stored threshold, {text}, {above.accuracy:.1%} of the answers are right"
    return Chart(
        title="Coverage against accuracy",
        told=f"Accuracy of the answers above a confidence, by the share of the videos that are answered{right}",
        x_title="share of the videos that are answered",
        lines=(line("accuracy of the answers", "first", points, x, y, x_word="answered"),),
        x_ticks=ticks(x),
        y_ticks=ticks(y),
        mark=mark,
        mark_text=text,
    )


def _bins(name: str, kind: str, bins: Sequence[ReliabilityBin]) -> Line:
    x, y = fraction_axis(is_x=True), fraction_axis()
    return Line(name, kind, tuple(Dot(x.place(each.confidence), y.place(each.accuracy), _told(each)) for each in bins))


def _told(each: ReliabilityBin) -> str:
    return f"confidence {short(each.confidence)}: {short(each.accuracy)} of {each.num_videos:,} videos are right"
