"""dataset_report.json."""

from dataclasses import dataclass
from typing import ClassVar

from kinema.records.look_alikes import LookAlike
from kinema.records.record import Record


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What became of some listed videos."""

    listed: int
    """[videos] In the annotation list."""
    found: int
    """[videos] That have a file."""
    ok: int
    """[videos] That can be used."""
    missing: int
    """[videos] That have no file."""
    failed: int
    """[videos] That have a file of which no frames can be used."""
    truncated: int
    """[videos] Among `ok`, used as far as they could be decoded."""
    frames: int
    """[frames] Of those that are `ok`."""
    bytes: int
    """[bytes] Of these frames."""
    hours: float
    """[hours] That these frames last."""
    coverage: float | None
    """[fraction] `ok` of `listed`; null where nothing is listed."""
    failed_by_reason: dict[str, int]
    """[videos] Those that are `failed`, by reason."""


@dataclass(frozen=True, kw_only=True)
class LabelCounts(Counts):
    """What became of the listed videos of a class."""

    subsets: dict[str, Counts]
    """The same by subset, of those in which the class is listed."""


@dataclass(frozen=True, kw_only=True)
class ContentLeak:
    """Files of the same content in more than one subset."""

    content: str
    """Digest of the file's content."""
    subsets: dict[str, list[str]]
    """Its videos by subset."""


@dataclass(frozen=True, kw_only=True)
class GroupLeak:
    """A group in more than one subset."""

    group: str
    """Name of the group."""
    subsets: dict[str, list[str]]
    """Its videos by subset."""


@dataclass(frozen=True, kw_only=True)
class SourceLeak:
    """Parts of one file in more than one subset."""

    source: str
    """Name of the file, as the list has it."""
    subsets: dict[str, list[str]]
    """Its videos by subset."""


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """What usable videos of two subsets share, each a list; scores are too good where one is not empty."""

    content: list[ContentLeak]
    """The same bytes in two files; parts of one file are under `source`."""
    group: list[GroupLeak]
    """The same group, of the list or, where it has none, out of the file names."""
    source: list[SourceLeak]
    """Parts of the same file."""


@dataclass(frozen=True, kw_only=True)
class LabelConflict:
    """Files of the same content, or the same part of such files, under more than one label."""

    content: str
    """Digest of the file's content."""
    labels: dict[str, list[str]]
    """Its videos by label."""


@dataclass(frozen=True, kw_only=True)
class ClaimedVideo:
    """A video that more than one file claims."""

    video: str
    """Its id."""
    path: str | None
    """The file that is used; null where it went away meanwhile."""
    duplicates: list[str]
    """The files that are left aside."""


@dataclass(frozen=True, kw_only=True)
class RespelledVideo:
    """A video whose file has another name than the list says."""

    video: str
    """Its id."""
    path: str
    """The file that is used."""


@dataclass(frozen=True, kw_only=True)
class SharedFile:
    """A file that is several videos of the list, each of them whole."""

    path: str
    """The file."""
    videos: list[str]
    """Their ids."""


@dataclass(frozen=True, kw_only=True)
class ClassSize:
    """How many usable training videos a class has."""

    label: str
    """The class."""
    videos: int
    """[videos] Usable and in the subset training."""


@dataclass(frozen=True, kw_only=True)
class Imbalance:
    """How different classes are in size."""

    largest: ClassSize | None
    """The class with the most usable training videos; null where there are none at all."""
    smallest: ClassSize | None
    """Of the classes that have some, the one with the fewest; null where there are none at all."""
    ratio: float | None
    """The first of these two divided by the second; null where there are none at all."""
    without_training: list[str]
    """Classes without a usable training video."""


@dataclass(frozen=True, kw_only=True)
class DamagedVideo:
    """A video that is used as far as it goes, or of which a tool complained."""

    video: str
    """Its id."""
    subset: str
    """Its subset."""
    label: str | None
    """Its label; null where it has none."""
    frames: int
    """[frames] That it gave."""
    truncated: bool
    """Whether frames are lost."""
    detail: str | None
    """What is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class DroppedVideo:
    """A video that cannot be used."""

    video: str
    """Its id."""
    subset: str
    """Its subset."""
    label: str | None
    """Its label; null where it has none."""
    status: str
    """`missing` or `failed`."""
    reason: str
    """Why, one of [these](adding-a-dataset.md#what-became-of-the-videos). Of a missing one, `missing`."""
    detail: str | None
    """More of it, such as a tool's own words or a file that may be meant."""


@dataclass(frozen=True, kw_only=True)
class RateRange:
    """Frame rates of stored videos."""

    low: float
    """[frames per second] The lowest."""
    median: float
    """[frames per second] That of the video in the middle."""
    high: float
    """[frames per second] The highest."""


@dataclass(frozen=True, kw_only=True)
class DatasetReport(Counts, Record):
    """What became of every video of a data set: counts, first of all, and what would spoil a training or its score.

    dataset_report.md shows the same to a reader, with long lists cut off.
    """

    VERSION: ClassVar[int] = 4

    dataset: str
    """Name of the data set."""
    subsets: dict[str, Counts]
    """By subset."""
    labels: dict[str, LabelCounts]
    """By label, all classes in the order of the model's outputs."""
    without_class: Counts
    """Of the videos whose label is no class, or that have none; they are not scored."""
    leaks: Leaks
    """What two subsets share."""
    look_alikes: list[LookAlike]
    """Usable videos of two subsets that look alike: look_alikes.json."""
    look_alikes_not_searched: str | None
    """Why there was no search for them; null where there was."""
    label_conflicts: list[LabelConflict]
    """Usable videos of the same bytes under two labels, in one subset or in two."""
    duplicates: list[ClaimedVideo]
    """Videos that more than one file claims."""
    respelled: list[RespelledVideo]
    """Videos whose file has another name than the list says, be it the same characters in another form."""
    listed_again: list[SharedFile]
    """Files that the list names more than once."""
    alike_labels: list[dict[str, int]]
    """[videos] Groups of labels that people take for one, each with its number of listed videos."""
    imbalance: Imbalance
    """The largest class and the smallest."""
    frame_rates: RateRange | None
    """Of usable videos whose rate is known; null without any."""
    clip_fps: float | None
    """[frames per second] At which clips look at all videos, `clip.fps` of the data set; null: each at its own."""
    untimed: int
    """[videos] Usable ones of which it is not known when their frames are shown: `clip.fps` takes them as if that were
    at a constant rate."""
    damaged: list[DamagedVideo]
    """Videos that are used as far as they go."""
    dropped: list[DroppedVideo]
    """Videos that are missing or failed, all of them."""
