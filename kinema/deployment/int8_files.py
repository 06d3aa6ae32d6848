"""What became of the recipes -> an INT8 model and its record, or the record alone and a line that says why."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from kinema.deployment.int8_words import in_words, why_none
from kinema.deployment.ir_files import new_ir, remove_ir, sha256, weights_path
from kinema.deployment.judge import Judge
from kinema.deployment.saving import save_ir
from kinema.deployment.trials import Outcome, Trials
from kinema.evaluation.intervals import intervals_of
from kinema.evaluation.sources import first_rows
from kinema.files import write_text
from kinema.inference.accuracy import Accuracy
from kinema.inference.description import Description
from kinema.inference.predictors.openvino import add_metadata, compiled_network, core, read_openvino
from kinema.input_error import InputError
from kinema.metrics import VideoScores, topk_accuracy
from kinema.records.quantization import Quantization

log = logging.getLogger(__name__)


def remove_int8(xml_paths: Sequence[Path], *others: Path) -> None:
    """Remove what was there of an earlier model."""
    for path in xml_paths:
        remove_ir(path)
    for path in others:
        path.unlink(missing_ok=True)


def write_int8(
    outcome: Outcome,
    trials: Trials,
    *,
    about: Description,
    num_calibration_clips: int,
    model: str,
    xml_paths: Sequence[Path],
    record_path: Path,
    labels_path: Path | None = None,
) -> None:
    """Put the chosen networks there, with a record. InputError, in one line, where none was chosen; the record stays.

    The weights are those that were scored. What the networks say of themselves is new: the accuracy is their own.
    """
    record = record_of(outcome, trials, num_calibration_clips=num_calibration_clips, model=model)
    if outcome.scores is None:
        record.write(record_path)
        raise InputError(f"{record_path.parent}: no INT8 model: {why_none(record)}; {record_path} says more")
    own = accuracy_of(outcome.scores, trials.judge, about.accuracy) if about.accuracy else None
    told = replace(about, accuracy=own)
    digests: dict[str, str] = {}
    with ExitStack() as written:
        for path, place in zip(outcome.paths, xml_paths, strict=True):
            temporary = written.enter_context(new_ir(place))
            network, _ = read_openvino(path)
            add_metadata(network, told.to_metadata(), labels=told.labels)
            save_ir(network, temporary)
            weights = weights_path(temporary)
            assert sha256(weights) == sha256(weights_path(path)), "only what it says of itself is new"
            digests |= {place.name: sha256(temporary), weights_path(place).name: sha256(weights)}
        if labels_path:
            write_text(labels_path, "".join(f"{label}\n" for label in told.labels))
        replace(record, sha256=digests).write(record_path)
    log.info("%s: %s", record_path.parent, in_words(record))


def accuracy_of(scores: VideoScores, judge: Judge, of_pytorch: Accuracy) -> Accuracy:
    """That of the INT8 model on the same videos, with its own interval."""
    groups = judge.dataset.index.rows["group"].take(first_rows(judge.dataset)).to_pylist()
    interval = intervals_of(scores, groups).video_top1
    video_top1 = topk_accuracy(scores.probabilities, scores.labels, 1)
    return replace(of_pytorch, video_top1=video_top1, low=interval.low, high=interval.high)


def record_of(outcome: Outcome, trials: Trials, *, num_calibration_clips: int, model: str) -> Quantization:
    """The record, which knows of no shipped file yet."""
    judge, sample = trials.judge, trials.sample
    compiled = compiled_network(trials.parts[0].network, threads=judge.threads)
    return Quantization(
        chosen=outcome.chosen,
        subset=judge.subset,
        num_videos=len(judge.pytorch.labels),
        pytorch_video_top1=topk_accuracy(judge.pytorch.probabilities, judge.pytorch.labels, 1),
        max_accuracy_drop=trials.settings.max_accuracy_drop,
        num_calibration_clips=num_calibration_clips,
        num_clips=len(sample.clips),
        largest_logit=sample.largest,
        spread=sample.spread,
        num_bytes=outcome.num_bytes,
        milliseconds=outcome.milliseconds,
        precision=compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name(),
        device=str(core().get_property("CPU", "FULL_DEVICE_NAME")),
        threads=judge.threads,
        recipes=outcome.results,
        sha256={},
        model=model,
    )
