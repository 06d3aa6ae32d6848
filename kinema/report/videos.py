"""Scored videos -> cards with moving thumbnails: the very frames that the network saw, what it said, and what is true.

Three kinds are shown: those that the network was most sure of and had wrong, those of which it was least sure, and
right ones.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import pyarrow as pa

from kinema.clips.table import ClipIndex
from kinema.evaluation.sources import stored_values
from kinema.evaluation.views import ViewDataset
from kinema.models.model_name import parse_model_name, split_variant
from kinema.report.choosing import SHOWN, choose_videos
from kinema.report.evidence import Evidence, evidence_lines
from kinema.report.thumbnails import Thumbnail, thumbnail

KINDS = {
    "wrong": (
        "Most confidently wrong",
        "Wrong, and surest of it: mistaken labels and classes that look alike are here.",
    ),
    "unsure": ("Least sure", "The lowest confidence in the answer, whether it is right or not."),
    "right": ("Right", "A draw from all classes."),
}


@dataclass(frozen=True)
class Bar:
    """A class among the five most probable ones, or the true one below them."""

    label: str
    probability: float
    is_true: bool


@dataclass(frozen=True, kw_only=True)
class Card:
    """A video: `clip` is the one in its middle of those that were scored; `rank` is the place of the true class.

    With `is_part` it is a part of its file, and times count from the beginning of that part.
    """

    video: str
    file_name: str
    is_part: bool = False
    label: str
    predicted: str
    probability: float
    rank: int
    group: str | None
    bars: list[Bar]
    clip: Thumbnail
    evidence: Evidence | None

    @property
    def name(self) -> str | None:
        """The video's own name where that of its file does not say it."""
        return None if self.video in (self.file_name, PurePath(self.file_name).stem) else self.video

    @property
    def is_right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.label == self.predicted


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The cards of one kind, with its title and what it is."""

    name: str
    title: str
    hint: str
    cards: list[Card]


def scored_videos(
    rows: pa.Table,
    dataset: ViewDataset,
    *,
    model_name: str,
    stride: int,
    parts: Collection[str] = (),
    number: int = SHOWN,
) -> list[Kind]:
    """The three kinds, at most `number` videos each; kinds without a video are left out.

    `rows` are rows of predictions.parquet that have a label, of one subset; `dataset` has its clips, as they were
    scored: `kinema.evaluation.score.evaluation_dataset`. `parts` are the names of videos that are parts of a file.
    """
    chosen = choose_videos(
        np.array(rows["label"].to_pylist()),
        np.array(rows["correct"].to_pylist(), dtype=bool),
        rows["probability"].to_numpy(),
        number,
    )
    shown = shown_as(model_name, "flow" if dataset.num_channels == 2 else "rgb")
    middle = middle_clips(dataset.index)
    kinds = []
    for name, (title, hint) in KINDS.items():
        numbers = getattr(chosen, name)
        found = rows.take(pa.array(numbers, pa.int64())).to_pylist()
        stored = stored_values(dataset.index, [middle[row["video"]] for row in found], "fps")
        rates = [dataset.clip.fps or rate for rate in stored]
        cards = [
            _card(
                row,
                _clip(dataset, middle[row["video"]], stride=stride, fps=fps, shown=shown),
                parts,
            )
            for row, fps in zip(found, rates, strict=True)
        ]
        if cards:
            kinds.append(Kind(name=name, title=title, hint=hint, cards=cards))
    return kinds


def middle_clips(index: ClipIndex) -> dict[str, int]:
    """The row of the clip in the middle of each video, by its name; of two in the middle the earlier one."""
    numbers, first, counts = np.unique(index.video_number, return_index=True, return_counts=True)
    rows = (first + (counts - 1) // 2).tolist()
    return {index.videos[number].as_py(): row for number, row in zip(numbers.tolist(), rows, strict=True)}


def shown_as(model_name: str, modality: str) -> str:
    """How the clips of a model are shown, as `kinema.report.thumbnails` has it: `rgb`, `rgbdiff` or `flow`."""
    return "rgbdiff" if parse_model_name(split_variant(model_name)[0]).stream == "rgbdiff" else modality


def _clip(dataset: ViewDataset, row: int, *, stride: int, fps: float | None, shown: str) -> Thumbnail:
    """Of several views of a clip, the first."""
    clip = dataset.read(row)["clip"].numpy()[:, 0]
    return thumbnail(clip, stride=stride, fps=fps, shown=shown)


def _card(row: dict, clip: Thumbnail, parts: Collection[str]) -> Card:
    bars = [
        Bar(label, probability, label == row["label"])
        for label, probability in zip(row["top5_labels"], row["top5_probabilities"], strict=True)
    ]
    return Card(
        video=row["video"],
        file_name=PurePath(row["path"]).name,
        is_part=row["video"] in parts,
        label=row["label"],
        predicted=row["predicted"],
        probability=row["probability"],
        rank=row["rank"],
        group=row["group"],
        bars=bars,
        clip=clip,
        evidence=evidence_lines(row.get("evidence"), predicted=row["predicted"], label=row["label"]),
    )
