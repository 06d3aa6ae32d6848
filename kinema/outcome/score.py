"""evaluation.json -> the accuracy with its interval and coverage, and whether guessing could have given it."""

from collections.abc import Iterator

from kinema.outcome.levels import chance_level, majority_level, videos_to_tell
from kinema.records.evaluation import Evaluation, Interval

FEW_CLASSES = 5  # with no more than these, top-5 is 1 of any network
MANY_VIDEOS = 1000  # the third decimal says something


def hits_of(evaluation: Evaluation) -> int:
    """[videos] Those that were named rightly."""
    return round(evaluation.scores.video_top1 * evaluation.scores.num_videos)


def interval_of(evaluation: Evaluation) -> Interval:
    """The 95 % interval of the accuracy; videos count, or groups of them, not clips, which are much alike."""
    return evaluation.scores.intervals.video_top1


def interval_text(evaluation: Evaluation) -> str:
    """The same in words."""
    interval, number = interval_of(evaluation), evaluation.scores.num_videos
    return f"{fraction(interval.low, number)} to {fraction(interval.high, number)}"


def is_grouped(evaluation: Evaluation) -> bool:
    """Whether groups of videos count in the interval, and not videos."""
    return evaluation.scores.intervals.units == "groups"


def coverage_text(evaluation: Evaluation) -> str:
    """The share of the listed videos that were scored, cut off: it is 1 where all were."""
    number = evaluation.scores.num_annotated
    steps = 1000 if number > MANY_VIDEOS else 100
    return fraction(evaluation.scores.num_videos * steps // number / steps, number)


def levels_of(evaluation: Evaluation) -> tuple[float, float]:
    """What two ways of guessing would have right of these videos: any class, and always the largest one."""
    counts = [one.num_videos for one in evaluation.scores.classes.values()]
    return chance_level(len(counts)), majority_level(counts)


def is_above_chance(evaluation: Evaluation) -> bool:
    """Whether the whole interval lies above the better way of guessing."""
    return interval_of(evaluation).low > max(levels_of(evaluation))


def score_lines(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """The accuracy, what guessing gives, and whether the two can be told apart."""
    scores = evaluation.scores
    accuracy, number = scores.video_top1, scores.num_videos
    chance, majority = levels_of(evaluation)
    ends = f"95 % interval {interval_text(evaluation)}"
    ends += f" over {scores.intervals.num_units:,} groups" if is_grouped(evaluation) else ""
    scored = f"coverage {coverage_text(evaluation)}"
    if number != scores.num_annotated:
        scored += f" ({number:,} of {scores.num_annotated:,} that have a class could be scored)"
    scored += f"; {evaluation.views.in_words}" if evaluation.views.in_words else ""
    videos = f"{hits_of(evaluation):,} of {number:,} {evaluation.subset} videos"
    yield "accuracy", f"{fraction(accuracy, number)} (video top-1): {videos}, {ends}, {scored}"
    if len(scores.classes) > FEW_CLASSES:
        yield "", f"{fraction(scores.video_top5, number)} with the right class among the first five (video top-5)"
    always = "or by always naming one" if chance == majority else f"{fraction(majority, number)} by always naming one"
    yield "chance", f"{fraction(chance, number)} by guessing among {len(scores.classes)} classes, {always}"
    yield "", chance_line(evaluation)


def chance_line(evaluation: Evaluation) -> str:
    """Whether the accuracy can be told from guessing; where it cannot, what it would take."""
    scores = evaluation.scores
    accuracy, level, number = scores.video_top1, max(levels_of(evaluation)), scores.num_videos
    shown = fraction(level, number)
    if is_above_chance(evaluation):
        return f"above chance: the whole interval lies above {shown}"
    if accuracy <= level:
        return f"not above chance: guessing has {shown} right"
    if is_grouped(evaluation):
        return f"not above chance: {shown} lies in the interval; more groups of videos would tell"
    return (
        f"not above chance: {shown} lies in the interval; {fraction(accuracy, number)} can be told from it with "
        f"{videos_to_tell(accuracy, level):,} videos or more"
    )


def percent(value: float, num_videos: int) -> str:
    """The same in percent, without the sign."""
    return f"{100 * value:.{1 if num_videos > MANY_VIDEOS else 0}f}"


def fraction(value: float, num_videos: int) -> str:
    """A fraction with as many decimals as so many videos give it."""
    return f"{value:.{3 if num_videos > MANY_VIDEOS else 2}f}"
