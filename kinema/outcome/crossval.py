"""summary.json of a cross-validation -> a sentence."""

from kinema.outcome.score import fraction
from kinema.records.crossval import CrossValidation
from kinema.records.evaluation import Interval


def in_words(found: CrossValidation) -> str:
    """The accuracy with what is to be known beside it."""
    number, interval = found.num_videos, found.intervals.video_top1
    text = f"{found.model} has {fraction(found.video_top1.mean, number)} of {number:,} videos right (95 % interval "
    text += f"{interval_text(found, interval)} over {found.intervals.num_units:,} {found.intervals.units}"
    text += f", {found.num_folds} folds"
    if found.video_top1.seed_deviation is not None:
        text += f", {len(found.seeds)} seeds that deviate by {found.video_top1.seed_deviation:.3f}"
    return f"{text}); always naming one class has {fraction(found.majority, number)}"


def interval_text(found: CrossValidation, interval: Interval) -> str:
    """The ends of an interval, with as many decimals as the videos give it."""
    return f"{fraction(interval.low, found.num_videos)} to {fraction(interval.high, found.num_videos)}"
