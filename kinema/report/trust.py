"""Scores -> how far confidences can be believed: the reliability diagram, and coverage against accuracy of answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from kinema.outcome.score import fraction, percent
from kinema.records.calibration import Calibration
from kinema.records.evaluation import ReliabilityBin, SubsetScores
from kinema.report.chart import Chart, Dot, Line, fraction_axis, line, short, ticks


def reliability_chart(scores: SubsetScores) -> Chart:
    """Accuracy by confidence, as the network says it and, where there is a temperature, with it."""
    x, y = fraction_axis(is_x=True), fraction_axis()
    lines = [_bins("as the network says it", "second", scores.reliability)]
    told = f"expected calibration error {fraction(scores.expected_calibration_error, scores.num_videos)}"
    if scores.calibrated:
        lines.insert(0, _bins("with the temperature", "first", scores.calibrated.reliability))
        calibrated = fraction(scores.calibrated.expected_calibration_error, scores.num_videos)
        told += f", with the temperature {calibrated}"
    return Chart(
        title="Reliability",
        told=f"Accuracy of videos by confidence: {told}. A model on the broken line is right as often as it says.",
        x_title="confidence",
        lines=tuple(lines),
        x_ticks=ticks(x),
        y_ticks=ticks(y),
        ideal=(x.place(0), y.place(0), x.place(1), y.place(1)),
    )


@dataclass(frozen=True)
class NumbersTable:
    """The numbers behind a chart."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def numbers_of(scores: SubsetScores) -> list[NumbersTable]:
    """Those of both charts."""
    kinds = [("as the network says it", scores.reliability)]
    kinds += [("with the temperature", scores.calibrated.reliability)] if scores.calibrated else []
    bins = [
        (
            *(name, f"{each.low:.3g} to {each.high:.3g}", f"{each.num_videos:,}"),
            *(fraction(value, each.num_videos) for value in (each.confidence, each.accuracy)),
        )
        for name, found in kinds
        for each in found
    ]
    number = scores.num_videos
    answers = [
        (short(each.confidence), *(fraction(value, number) for value in (each.coverage, each.accuracy)))
        for each in scores.answers
    ]
    return [
        NumbersTable("Reliability", ("which", "confidence", "videos", "mean confidence", "right"), tuple(bins)),
        NumbersTable("Coverage against accuracy", ("confidence from", "answered", "of these right"), tuple(answers)),
    ]


def answers_chart(scores: SubsetScores, calibration: Calibration | None) -> Chart:
    """Accuracy of the answers by the share of the videos that are answered; the threshold is marked."""
    x = fraction_axis(is_x=True)
    y = fraction_axis()
    points = [(point.coverage, point.accuracy) for point in scores.answers]
    above = scores.above_threshold
    mark, text, right = None, "", ""
    if above and calibration and calibration.threshold:
        mark = x.place(above.coverage)
        answered, correct = (percent(value, scores.num_videos) for value in (above.coverage, above.accuracy))
        text = f"confidence {short(calibration.threshold.confidence)}: {answered} % answered"
        right = f". At the stored threshold, {text}, {correct} % of the answers are right"
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
