"""Made-up scores of a subset, for tests of what reads them."""

from kinema.evaluation.wilson import wilson_interval
from kinema.records.evaluation import ClassScores, Evaluation, Intervals, SubsetScores, Views


def class_scores(num_videos: int) -> ClassScores:
    """A class of which nothing but the number of videos is known."""
    return ClassScores(num_videos=num_videos, recall=None, precision=None, f1=None, average_precision=None, called={})


def scores(hits: int, counts: dict[str, int], **values) -> SubsetScores:
    """So many videos right, of classes of so many; `values` are other fields."""
    number = sum(counts.values())
    interval = wilson_interval(hits, number)
    defaults = {
        "trained_on": False,
        "chosen": [],
        "num_clips": number,
        "num_videos": number,
        "num_annotated": number,
        "coverage": 1.0,
        "clip_top1": hits / number,
        "clip_top5": 1.0,
        "video_top1": hits / number,
        "video_top5": 1.0,
        "mean_class_accuracy": hits / number,
        "macro_f1": hits / number,
        "intervals": Intervals(
            units="videos",
            num_units=number,
            video_top1=interval,
            video_top5=interval,
            mean_class_accuracy=None,
            macro_f1=None,
        ),
        "expected_calibration_error": 0.1,
        "brier_score": 0.2,
        "reliability": [],
        "calibrated": None,
        "answers": [],
        "above_threshold": None,
        "classes": {label: class_scores(count) for label, count in counts.items()},
    }
    return SubsetScores(**defaults | values)


def views(**values) -> Views:
    """The centre of each clip, unless values say otherwise."""
    plain = {"crops": "centre", "num_views": 1, "scale": 1.0, "position": "c", "average": "probabilities"}
    return Views(**{"clips": {"validation": 3, "testing": 10}} | plain | values)


def evaluation(subset: str, found: SubsetScores, **values) -> Evaluation:
    """An evaluation of one subset, without calibration; `values` are those of its views."""
    return Evaluation(subset=subset, views=views(**values), unlabelled={}, calibration=None, subsets={subset: found})
