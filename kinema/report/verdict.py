"""Records -> what the page says first: how good the model is, what is shipped, and what to doubt."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kinema.outcome.data import leak_lines
from kinema.outcome.export import is_verified, parity_line
from kinema.outcome.fitting import chosen_line, training_line
from kinema.outcome.int8 import int8_found
from kinema.outcome.score import (
    chance_line,
    coverage_text,
    fraction,
    hits_of,
    interval_of,
    interval_text,
    is_above_chance,
    is_grouped,
    levels_of,
)
from kinema.outcome.stale import command, obstacle, stale_lines
from kinema.records.evaluation import Evaluation
from kinema.report.model_records import ModelRecords
from kinema.report.renamed import renamed_in, renamed_line

GOOD, PLAIN, DOUBT, BAD = "good", "plain", "doubt", "bad"
NOT_SCORED = "not scored"
TOLERANCE = 1e-9  # of fractions: a model of one class has what guessing has, and its interval ends a hair below
OF_INT8 = {"passed": GOOD, "none": PLAIN, "doubtful": DOUBT}
SIGNS = {GOOD: "✓", PLAIN: "•", DOUBT: "!", BAD: "✕"}


@dataclass(frozen=True)
class Remark:
    """A line below the verdict; `level` is one of SIGNS."""

    level: str
    topic: str
    text: str

    @property
    def sign(self) -> str:
        """What stands before it."""
        return SIGNS[self.level]


@dataclass(frozen=True)
class Verdict:
    """The accuracy in large with its `unit`, the line beside it, and the remarks, the worst first.

    Where nothing was scored, `number` is NOT_SCORED, has no unit, and `line` says why.
    """

    level: str
    number: str
    unit: str
    line: str
    remarks: tuple[Remark, ...]


def verdict_of(records: ModelRecords, counts: np.ndarray | None) -> Verdict:
    """What is said first; `counts` is the confusion matrix (K, K), None where no scored video has a label."""
    evaluation = records.evaluation
    of_labels = list(_of_labels(evaluation, counts))
    of_files = [*_of_shipping(records), *_of_int8(records)]
    remarks = [*of_labels, *of_files, *_of_doubts(records), *_of_data(records)]
    if not any(remark.level == BAD for remark in of_labels):  # else more data is not what helps
        remarks += _of_training(records)
    order = (BAD, DOUBT, GOOD, PLAIN)
    remarks.sort(key=lambda remark: order.index(remark.level))
    level = remarks[0].level if remarks and remarks[0].level in (BAD, DOUBT) else GOOD
    if evaluation is None:
        unscored = (records.found.unscored or "").removeprefix("none: ")
        return Verdict(PLAIN if level == GOOD else level, NOT_SCORED, "", unscored, tuple(remarks))
    number = fraction(evaluation.scores.video_top1, evaluation.scores.num_videos)
    return Verdict(level, number, "top-1 accuracy", _line(records, evaluation), tuple(remarks))


def _line(records: ModelRecords, evaluation: Evaluation) -> str:
    """The verdict in one line, behind the accuracy."""
    scores, number = evaluation.scores, evaluation.scores.num_videos
    over = f" over {scores.intervals.num_units:,} groups" if is_grouped(evaluation) else ""
    text = f"{hits_of(evaluation):,} of {number:,} {evaluation.subset} videos named rightly · 95 % interval "
    text += f"{interval_text(evaluation)}{over} · coverage {coverage_text(evaluation)} "
    text += f"({number:,} of {scores.num_annotated:,} listed)"
    text += f" · {words}" if (words := evaluation.views.in_words) else ""
    verification = records.found.verification
    if verification and is_verified(records.found):
        text += f" · model.xml (OpenVINO) {fraction(verification.openvino_video_top1, number)}, both gates passed"
    elif obstacle(records.found):
        text += " · cannot be exported"
    elif records.failed:
        text += " · export failed, no verified model.xml" if "export" in records.failed else " · gate failed"
    else:
        text += " · no verified model.xml"
    if scores.trained_on:
        return f"{text} · trained on this subset"
    return f"{text} · chosen on this subset" if scores.chosen else text


def _of_labels(evaluation: Evaluation | None, counts: np.ndarray | None) -> Iterator[Remark]:
    """Whether guessing could have done it, and whether the names are in another order."""
    if evaluation is None or counts is None:
        return
    scores, high = evaluation.scores, interval_of(evaluation).high
    found, labels = renamed_in(counts, above=high), list(scores.classes)
    chance, majority = levels_of(evaluation)
    if max(high, scores.video_top1) < chance - TOLERANCE:
        text = f"{fraction(chance, scores.num_videos)} would be right by guessing, more than the whole interval. "
        hint = "" if found else "Are the labels in another order, or the videos not those that the list means?"
        yield Remark(BAD, "Worse than guessing", text + hint)
    elif is_above_chance(evaluation):
        yield Remark(PLAIN, "Chance", chance_line(evaluation))
    elif scores.video_top1 < majority - TOLERANCE:
        largest = max(labels, key=lambda label: scores.classes[label].num_videos)
        always = f"always naming {largest} has {fraction(majority, scores.num_videos)} right"
        yield Remark(DOUBT, "Chance", f"not above chance: {always}")
    else:
        yield Remark(DOUBT, "Chance", chance_line(evaluation))
    if found:
        yield Remark(BAD, "Labels in another order?", renamed_line(found, labels))


def _of_shipping(records: ModelRecords) -> Iterator[Remark]:
    """The gates."""
    found = records.found
    parity, verification = found.parity, found.verification
    if reason := obstacle(found):
        yield Remark(PLAIN, "Export", f"none: {reason}")
    elif records.failed:
        logs = " and ".join(f"logs/{records.dataset}/{records.model}/{rule}.log" for rule in records.failed)
        what = {"convert": "gate 1 or the conversion", "verify": "gate 2", "export": "the export"}
        names = " and ".join(what.get(rule, rule) for rule in records.failed)
        yield Remark(BAD, "Not shipped", f"{names} failed: {logs} says why")
    elif verification and is_verified(found):
        alike = round(verification.agreement * verification.num_videos)
        number = verification.num_videos
        shipped, trained = verification.openvino_video_top1, verification.pytorch_video_top1
        text = f"PyTorch has {fraction(trained, number)} right, model.xml (OpenVINO) {fraction(shipped, number)}; both "
        text += f"name the same class for {alike:,} of {number:,} videos"
        yield Remark(GOOD, "Gates passed", f"{text}; {parity_line(parity)}" if parity else text)
    elif verification:
        yield Remark(DOUBT, "Not verified", "model.xml beside verification.json is not what passed the gates")
    else:
        yield Remark(PLAIN, "Not exported", f"to export and verify it: {command(found.folder / 'model.xml')}")


def _of_int8(records: ModelRecords) -> Iterator[Remark]:
    """The INT8 models that were tried."""
    for int8 in int8_found(records.found):
        yield Remark(OF_INT8[int8.state], "INT8", int8.line)


def _of_doubts(records: ModelRecords) -> Iterator[Remark]:
    """What flatters the number, and records that are not of each other."""
    found, evaluation = records.found, records.evaluation
    if evaluation and (text := chosen_line(evaluation, found.report, found.validations)):
        topic = "Trained on this subset" if evaluation.scores.trained_on else "Chosen on this subset"
        yield Remark(BAD if evaluation.scores.trained_on else DOUBT, topic, text)
    for text in (*found.damaged, *found.dataset.damaged):
        yield Remark(DOUBT, "Damaged", text)
    for text in stale_lines(found):
        yield Remark(DOUBT, "Stale", text)


def _of_training(records: ModelRecords) -> Iterator[Remark]:
    """Whether it is overfitted or underfitted."""
    if text := training_line(records.training, records.evaluation):
        yield Remark(DOUBT if "fitted" in text else PLAIN, "Training", text)


def _of_data(records: ModelRecords) -> Iterator[Remark]:
    """Leaks, and videos that were not scored."""
    if records.found.report:
        for text in leak_lines(records.found.report, records.training, records.evaluation):
            yield Remark(DOUBT, "Leak", text)
    scores = records.evaluation.scores if records.evaluation else None
    if scores and scores.num_videos < scores.num_annotated:
        lost = scores.num_annotated - scores.num_videos
        yield Remark(DOUBT, "Coverage", f"{lost:,} listed videos are missing or failed, and are not in the number")
