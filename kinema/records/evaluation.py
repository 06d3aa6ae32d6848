"""evaluation.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.calibration import AnswersAbove, Calibration
from kinema.records.record import Record


@dataclass(frozen=True)
class Interval:
    """A range of fractions, both ends in [0, 1]."""

    low: float
    """[fraction] Its lower end."""
    high: float
    """[fraction] Its upper end."""


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """95 % intervals: how far a number may be off with so few videos. They know of chance alone.

    By 1,000 draws of the units with replacement: what is between the percentiles 2.5 and 97.5 (bootstrap). A fraction
    of videos without groups has the interval of Wilson (1927), and over groups none that is narrower than that.
    """

    units: str
    """What is drawn: `groups` where the group of scored videos is known, since their videos are much alike; else
    `videos`."""
    num_units: int
    """[units] To draw from; a video without a group is one of its own."""
    video_top1: Interval
    """Of `video_top1`."""
    video_top5: Interval
    """Of `video_top5`."""
    mean_class_accuracy: Interval | None
    """Of `mean_class_accuracy`; null where all draws are alike, as they are where every video is right."""
    macro_f1: Interval | None
    """Of `macro_f1`; null likewise."""


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """Scores of the videos of one class."""

    num_videos: int
    """[videos] Of this class, as the list has it: its support."""
    recall: float | None
    """[fraction] Of the videos of this class, those that were called so; null where it has none."""
    precision: float | None
    """[fraction] Of the videos that were called so, those of this class; null where none was."""
    f1: float | None
    """[fraction] Harmonic mean of the two; 0 where one of them is 0 or null, null where both are null."""
    average_precision: float | None
    """[fraction] Area under precision against recall, of all videos ranked by the probability of this class; null where
    it has none."""
    called: dict[str, int]
    """[videos] What the videos of this class were called, the most frequent first: its row of the confusion matrix,
    without zeros."""


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Videos whose confidence, the probability of the predicted class, lies above `low` and not above `high`."""

    low: float
    """[fraction] Its lower edge, which is not in it."""
    high: float
    """[fraction] Its upper edge, which is."""
    num_videos: int
    """[videos] In it, 1 or more."""
    confidence: float
    """[fraction] Their mean confidence."""
    accuracy: float
    """[fraction] Of them, those that are right; as high as `confidence` where the model is honest."""


@dataclass(frozen=True, kw_only=True)
class CalibratedScores:
    """What the temperature of `calibration` makes of these numbers."""

    expected_calibration_error: float
    """[fraction] As without it."""
    brier_score: float
    """As without it."""
    reliability: list[ReliabilityBin]
    """As without it."""


@dataclass(frozen=True, kw_only=True)
class SubsetScores:
    """How well the model does on the videos of one subset that have labels."""

    trained_on: bool
    """Whether the model was trained on these very videos: then all these numbers say what it learned by heart, nothing
    of new videos."""
    chosen: list[str]
    """Settings by which the scored videos chose the epoch or the learning rate of the model, so that all these numbers
    flatter it; empty where they did not. By the model's own training: what weights that it was given have seen is not
    known here."""
    num_clips: int
    """[clips] Scored, each once."""
    num_videos: int
    """[videos] Scored."""
    num_annotated: int
    """[videos] Of the subset and with a class, as the list has them; those that are missing or failed are not
    scored."""
    coverage: float
    """[fraction] `num_videos` of `num_annotated`."""
    clip_top1: float
    """[fraction] Of the clips, those whose class is the most probable one."""
    clip_top5: float
    """[fraction] Of the clips, those whose class is among the five most probable ones; 1 with fewer classes."""
    video_top1: float
    """[fraction] Of the videos, those whose class is the most probable one."""
    video_top5: float
    """[fraction] Of the videos, those whose class is among the five most probable ones; 1 with fewer classes."""
    mean_class_accuracy: float
    """[fraction] Mean of `recall` over the classes that have videos."""
    macro_f1: float
    """[fraction] Mean of `f1` over the classes that have videos."""
    intervals: Intervals
    """How far four of these may be off by chance."""
    expected_calibration_error: float
    """[fraction] Mean difference of confidence, the probability of the predicted class, and accuracy over 15 equal bins
    of confidence (Guo et al. 2017); 0 is a model that is right as often as it says."""
    brier_score: float
    """Mean squared distance of the probabilities to 1 for the true class and 0 for the others (Brier 1950); 0 is best,
    2 is worst."""
    reliability: list[ReliabilityBin]
    """The 15 bins of the calibration error, those without videos left out."""
    calibrated: CalibratedScores | None
    """Null where there is no temperature."""
    answers: list[AnswersAbove]
    """Coverage against accuracy of the answers above a confidence, from the surest video to all of them; at most 50
    points."""
    above_threshold: AnswersAbove | None
    """What the threshold of `calibration` gives on these videos; null where there is none, or where it leaves no
    video."""
    classes: dict[str, ClassScores]
    """By label, in the order of the model's outputs."""


@dataclass(frozen=True, kw_only=True)
class Views:
    """What of each video was scored, as the section `evaluation` of the configuration asks."""

    clips: dict[str, int]
    """[clips] By subset, how many clips of a video were asked for, evenly spaced; 0 and -1 are every start. Short
    videos have fewer."""
    crops: str
    """Squares that are cut out of a clip: `centre`, `three`, `five`, `ten` or `gaussian`."""
    num_views: int
    """[views] Of a clip: its squares, mirrored ones counted."""
    scale: float
    """The short side of the frames was the size of the network's input, divided by this."""
    position: str
    """Where the square of `centre` was: `c`, `tl`, `tr`, `bl` or `br`."""
    average: str
    """What was averaged over the views of a video: `probabilities` or `logits`."""

    @property
    def in_words(self) -> str:
        """What is not as by default; empty where all is."""
        told = [f"{self.num_views} crops a clip ({self.crops})"] if self.num_views > 1 else []
        told += [f"scale {self.scale:g}"] if self.scale != 1 else []
        told += [f"position {self.position}"] if self.position != "c" else []
        told += ["mean of logits"] if self.average == "logits" else []
        return ", ".join(told)

    @property
    def are_of_clients(self) -> bool:
        """Whether clients look at clips so: at the square in their centre, as high as the frame."""
        return (self.crops, self.scale, self.position) == ("centre", 1, "c")


@dataclass(frozen=True, kw_only=True)
class Evaluation(Record):
    """How well a trained model does on the evaluation clips, computed with PyTorch.

    A video's probabilities are the mean of its clips', unless `views` says otherwise. predictions.parquet has them,
    video by video. All numbers but those that are called calibrated are of the network as it is, at temperature 1.
    """

    VERSION: ClassVar[int] = 3

    subset: str | None
    """The subset that is reported, of which leaderboard, gates and `kinema show` speak: as `evaluation.subset` asks;
    with `auto` testing where it has labels, else validation. Null where no scored video has a label."""
    views: Views
    """What of each video was scored."""
    unlabelled: dict[str, int]
    """[videos] By subset, how many videos without a label were scored: predictions.parquet alone tells of them."""
    calibration: Calibration | None
    """How far the confidences can be believed, and from which on an answer is given; null where no video with a label,
    other than training videos, was scored."""
    subsets: dict[str, SubsetScores]
    """The scores of each subset that was scored and has labels, the reported one first."""

    @property
    def scores(self) -> SubsetScores:
        """Those of the reported subset. KeyError where `subset` is null."""
        return self.subsets[self.subset or ""]
