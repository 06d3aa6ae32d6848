"""Coverage of a data set -> dataset_report.json, complete, and dataset_report.md, the same for a reader.

The report counts by class and subset what was listed, found and dropped, and shows what would make scores too good or a
class unlearnable: leaks, one content under two labels, files that claim one video, imbalance.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from kinema.clips import leaks
from kinema.clips.coverage import read_coverage
from kinema.clips.rates import of_rates, seconds_of
from kinema.clips.report_markdown import render
from kinema.files import write_text
from kinema.job import ON_SCREEN
from kinema.records.dataset_report import (
    ClaimedVideo,
    ClassSize,
    ContentLeak,
    Counts,
    DamagedVideo,
    DatasetReport,
    DroppedVideo,
    GroupLeak,
    Imbalance,
    LabelConflict,
    LabelCounts,
    Leaks,
    RateRange,
    RespelledVideo,
    SharedFile,
    SourceLeak,
)
from kinema.records.look_alikes import LookAlikes
from kinema.spelling import alike

COUNTS = ["listed", "found", "ok", "missing", "failed", "truncated", "frames", "bytes"]
Row = TypeVar("Row", ClaimedVideo, RespelledVideo, DamagedVideo, DroppedVideo)
log = logging.getLogger(__name__)
NOT_SEARCHED = LookAlikes(looked=False, reason="not asked for", threshold=None, num_videos=0, num_pairs=0, pairs=[])


def write_report(
    *,
    dataset: str,
    annotation_path: Path,
    table_paths: Sequence[Path],
    out: Path,
    page_path: Path,
    look_alikes_path: Path | None = None,
    clip_fps: float | None = None,
) -> None:
    """Write dataset_report.json (`out`) and dataset_report.md (`page_path`).

    `look_alikes_path` is look_alikes.json; None where there was no search (`look_alikes_limit`, flow, the demo).
    `clip_fps` is `clip.fps` of the data set.
    """
    labels, videos = read_coverage(annotation_path, table_paths)
    looks = LookAlikes.read(look_alikes_path) if look_alikes_path else NOT_SEARCHED
    report = summarise(dataset, labels, videos, looks, clip_fps=clip_fps)
    report.write(out)
    write_text(page_path, render(report))
    if report.dropped:
        log.warning("%d of %d videos cannot be used; %s says why", len(report.dropped), report.listed, page_path)
    if report.damaged:
        log.warning("%d videos are used as far as they go; %s names them", len(report.damaged), page_path)
    leaks.tell(videos[videos["status"] == "ok"], page_path)
    if line := of_rates(report):
        log.warning("%s; see %s", line, page_path, extra=ON_SCREEN)
    if looks.num_pairs:
        text = "%d pairs of videos in two subsets look alike, such as '%s' and '%s': scores may be too good; see %s"
        log.warning(text, looks.num_pairs, looks.pairs[0].video, looks.pairs[0].other, page_path, extra=ON_SCREEN)


def summarise(
    dataset: str,
    labels: list[str],
    videos: pd.DataFrame,
    look_alikes: LookAlikes = NOT_SEARCHED,
    *,
    clip_fps: float | None = None,
) -> DatasetReport:
    """The report, from the result of `read_coverage`; leaks look at usable videos alone."""
    rows = _measures(videos)
    by_subset, by_label, by_cell = (_counts_by(rows, key) for key in ("subset", "label", ["label", "subset"]))
    nothing = _counts_of(rows.head(0))
    usable = videos[videos["status"] == "ok"]
    dropped = videos.loc[videos["status"] != "ok", ["video", "subset", "label", "status", "reason", "detail"]]
    damaged = usable[(usable["truncated"] == True) | usable["detail"].notna()]  # noqa: E712  null unless ok
    damaged = damaged[["video", "subset", "label", "num_frames", "truncated", "detail"]]
    labelled = {
        label: LabelCounts(
            **vars(by_label.get(label, nothing)),
            subsets={name: by_cell[label, name] for name in by_subset if (label, name) in by_cell},
        )
        for label in labels
    }
    claimed = videos.loc[videos["duplicates"].notna(), ["video", "path", "duplicates"]]
    return DatasetReport(
        **vars(_counts_of(rows)),
        dataset=dataset,
        subsets=by_subset,
        labels=labelled,
        without_class=_counts_of(rows[videos["label_index"] < 0]),
        leaks=_leaks(usable),
        look_alikes=look_alikes.pairs,
        look_alikes_not_searched=look_alikes.reason,
        label_conflicts=[
            LabelConflict(content=content, labels=labels) for content, labels in leaks.conflicts(usable).items()
        ],
        duplicates=_each(ClaimedVideo, claimed),
        respelled=_each(RespelledVideo, videos.loc[_is_respelled(videos), ["video", "path"]]),
        listed_again=_listed_again(videos),
        alike_labels=_alike_labels(labels, videos["label"]),
        imbalance=_imbalance(labels, usable),
        frame_rates=_frame_rates(usable),
        clip_fps=clip_fps,
        untimed=int(usable["is_even"].isna().sum()),
        damaged=_each(DamagedVideo, damaged.rename(columns={"num_frames": "frames"})),
        dropped=_each(DroppedVideo, dropped),
    )


def _measures(videos: pd.DataFrame) -> pd.DataFrame:
    """One row a video with what is to be summed up."""
    status = videos["status"]
    ok = status == "ok"
    return pd.DataFrame(
        {
            "subset": videos["subset"],
            "label": videos["label"],
            "reason": videos["reason"].where(status == "failed"),
            "listed": 1,
            "found": status != "missing",
            "ok": ok,
            "missing": status == "missing",
            "failed": status == "failed",
            "truncated": ok & (videos["truncated"] == True),  # noqa: E712  null unless ok
            "frames": videos["num_frames"].where(ok, 0),
            "bytes": videos["num_bytes"].where(ok, 0),
            "hours": (seconds_of(videos) / 3600).where(ok, 0.0),
        }
    )


def _counts_by(rows: pd.DataFrame, key: str | list[str]) -> dict[Any, Counts]:
    """Counts of each group of rows, in the order of the sorted keys."""
    return {group: _counts_of(part) for group, part in rows.groupby(key)}


def _counts_of(rows: pd.DataFrame) -> Counts:
    counts = {name: int(rows[name].sum()) for name in COUNTS}
    return Counts(
        **counts,
        hours=round(float(rows["hours"].sum()), 4),
        coverage=round(counts["ok"] / counts["listed"], 4) if counts["listed"] else None,
        failed_by_reason={str(reason): int(number) for reason, number in rows["reason"].value_counts().items()},
    )


def _leaks(videos: pd.DataFrame) -> Leaks:
    found = {kind: leaks.shared(videos, kind).items() for kind in leaks.KINDS}
    return Leaks(
        content=[ContentLeak(content=content, subsets=subsets) for content, subsets in found["content"]],
        group=[GroupLeak(group=group, subsets=subsets) for group, subsets in found["group"]],
        source=[SourceLeak(source=source, subsets=subsets) for source, subsets in found["source"]],
    )


def _is_respelled(videos: pd.DataFrame) -> pd.Series:
    """Whether the file has another name than the list says, be it the same characters in another form."""
    pairs = zip(videos["source"].tolist(), videos["path"].fillna("").tolist(), strict=True)  # a fifth of the time
    same = [path.rpartition(".")[0].endswith(name) or path.endswith(name) for name, path in pairs]
    return videos["path"].notna() & ~pd.Series(same, index=videos.index, dtype=bool)


def _listed_again(videos: pd.DataFrame) -> list[SharedFile]:
    """Files that are several videos of the list, each whole, and these."""
    whole = videos.loc[(videos["source"] == videos["video"]) & videos["path"].notna(), ["path", "video"]]
    again = whole[whole["path"].duplicated(keep=False)]
    return [
        SharedFile(path=str(path), videos=list(names)) for path, names in again.groupby("path", sort=False)["video"]
    ]


def _alike_labels(labels: list[str], given: pd.Series) -> list[dict[str, int]]:
    """Labels that people take for one, with the number of listed videos of each."""
    counts = dict.fromkeys(labels, 0) | {str(label): int(number) for label, number in given.value_counts().items()}
    return [{label: counts[label] for label in group} for group in alike(counts)]


def _frame_rates(usable: pd.DataFrame) -> RateRange | None:
    rates = usable["fps"].dropna().to_numpy("float64")
    if not len(rates):
        return None
    low, median, high = (float(rate) for rate in np.percentile(rates, (0, 50, 100), method="nearest"))
    return RateRange(low=low, median=median, high=high)


def _imbalance(labels: list[str], usable: pd.DataFrame) -> Imbalance:
    """Training videos of the largest class and of the smallest that has some, and the classes that have none."""
    counted = usable.loc[usable["subset"] == "training", "label"].value_counts()
    present = {label: int(counted[label]) for label in labels if label in counted.index}
    sizes = [ClassSize(label=label, videos=number) for label, number in present.items()]
    largest, smallest = (choose(sizes, key=lambda size: size.videos, default=None) for choose in (max, min))
    return Imbalance(
        largest=largest,
        smallest=smallest,
        ratio=round(largest.videos / smallest.videos, 2) if largest and smallest else None,
        without_training=[label for label in labels if label not in present],
    )


def _each(kind: type[Row], rows: pd.DataFrame) -> list[Row]:
    """An object of this kind for each row, None where a value is missing."""
    return [kind(**row) for row in json.loads(rows.to_json(orient="records"))]
