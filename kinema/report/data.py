"""The report of a data set and the tables of its shards -> what a page says of the data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kinema.clips.rates import of_rates, seconds_of
from kinema.clips.windows import frames_at_pace
from kinema.experiment.data_sections import Clip
from kinema.models.proposed import proposed_model
from kinema.records.dataset_report import Counts, DatasetReport, DroppedVideo, LabelCounts
from kinema.records.look_alikes import LookAlike
from kinema.report.histograms import Bar, binned, most_common, plain_bars, stacked_bars

SUBSETS = ("training", "validation", "testing")
MANY_CLASSES = 40  # above it the largest and the smallest are drawn, and all are in a table
EXTREMES = 10  # classes at either end
MOST_ROWS = 50  # of a list; dataset_report.json has it whole
MOST_NAMES = 3  # videos that are named of each leak in a subset
MOST_SIZES = 8  # of frames
LEAKS = {"content": "The same file content", "group": "One group", "source": "Parts of one file"}


@dataclass(frozen=True)
class Remark:
    """What may spoil a training or its score (`is_warning`), or is good to know; `link` is the section about it."""

    text: str
    is_warning: bool
    link: str


@dataclass(frozen=True)
class Listed:
    """The first rows of a list, and how many more dataset_report.json has."""

    rows: list[list[str]]
    num_more: int


@dataclass(frozen=True, kw_only=True)
class Data:
    """What a page says of the data; templates `data_*.html` show it."""

    dataset: str
    proposed_model: str
    verdict: str
    remarks: list[Remark]
    subsets: list[str]
    counts: list[tuple[str, Counts]]
    reasons: list[tuple[str, int, list[int]]]
    dropped: Listed
    leaks: Listed
    look_alikes: Listed
    class_bars: list[tuple[str, list[Bar]]]
    classes: list[tuple[str, LabelCounts, list[int]]]
    durations: list[Bar]
    rates: list[Bar]
    sizes: list[Bar]
    size_head: str
    num_short: int
    num_usable: int
    window: int


def with_sizes(videos: pd.DataFrame) -> pd.DataFrame:
    """The rows of `read_coverage` with the columns width and height of the stored frames."""
    tables = [pq.read_table(path, columns=["id", "width", "height"]) for path in videos["shard"].unique()]
    return videos.merge(pa.concat_tables(tables).to_pandas(), left_on="video", right_on="id", how="left")


def data_of(report: DatasetReport, videos: pd.DataFrame, *, clip: Clip) -> Data:
    """From the report and the rows of `with_sizes`."""
    usable = videos[videos["status"] == "ok"]
    names = [name for name in SUBSETS if name in report.subsets]
    window = clip.length * clip.stride
    num_frames = usable["num_frames"].to_numpy()
    if clip.fps is not None:
        rates, seconds = (usable[name].to_numpy("float64", na_value=np.nan) for name in ("fps", "seconds"))
        num_frames = frames_at_pace(num_frames, rates, seconds, clip.fps)
    num_short = int((num_frames < window).sum())
    size_head, sizes = _sizes(usable)
    return Data(
        dataset=report.dataset,
        proposed_model=proposed_model(report.subsets["training"].ok if "training" in report.subsets else 0),
        verdict=verdict(report),
        remarks=[*remarks(report), *_short(num_short, len(usable), window)],
        subsets=names,
        counts=[*((name, report.subsets[name]) for name in names), ("all", report)],
        reasons=_reasons(report, names),
        dropped=_listed([_dropped_row(row) for row in report.dropped]),
        leaks=_listed(list(_leak_rows(report))),
        look_alikes=_listed([_alike_row(row) for row in report.look_alikes]),
        class_bars=_class_bars(report),
        classes=[(label, counts, _usable_by_subset(counts, names)) for label, counts in report.labels.items()],
        durations=plain_bars(binned(seconds_of(usable).dropna().to_numpy())),
        rates=plain_bars(most_common(_rates(usable))),
        sizes=plain_bars(sizes),
        size_head=size_head,
        num_short=num_short,
        num_usable=len(usable),
        window=window,
    )


def verdict(report: DatasetReport) -> str:
    """How much of what is listed can be used."""
    if not report.ok:
        return f"None of the {report.listed:,} listed videos can be used."
    hours = f"{report.hours:,.1f} hours" if report.hours >= 1 else f"{60 * report.hours:,.1f} minutes"
    return f"{report.ok:,} of {report.listed:,} listed videos can be used: {hours}, {report.frames:,} frames."


def remarks(report: DatasetReport) -> Iterator[Remark]:
    """What to mind, the worst first."""
    for kind, found in vars(report.leaks).items():
        if found:
            text = f"{LEAKS[kind]} in two subsets: {len(found):,}. Scores will be too good."
            yield Remark(text, True, "leaks")
    if report.look_alikes:
        text = f"Pairs of videos in two subsets that look alike: {len(report.look_alikes):,}. Scores may be too good."
        yield Remark(text, True, "leaks")
    if report.label_conflicts:
        text = f"The same file content under two labels: {len(report.label_conflicts):,}. Keep one."
        yield Remark(text, True, "leaks")
    if untrained := report.imbalance.without_training:
        some = ", ".join(untrained[:5]) + (", ..." if len(untrained) > 5 else "")
        yield Remark(f"Classes without a usable training video: {len(untrained):,} ({some}).", True, "classes")
    if lost := report.missing + report.failed:
        text = f"Videos that cannot be used: {lost:,} ({report.missing:,} missing, {report.failed:,} failed)."
        yield Remark(text, True, "videos")
    if report.truncated:
        yield Remark(f"Cut off, used as far as they go: {report.truncated:,}.", True, "videos")
    if line := of_rates(report):
        yield Remark(f"{line}.", True, "videos")
    for labels in report.alike_labels[:MOST_NAMES]:
        both = ", ".join(f"'{label}' ({number:,})" for label, number in labels.items())
        yield Remark(f"Labels that look alike are separate classes: {both}.", True, "classes")
    ends = report.imbalance
    if ends.largest and ends.smallest and ends.ratio:
        text = (
            f"{ends.largest.videos:,} ({ends.largest.label}) down to {ends.smallest.videos:,} ({ends.smallest.label})"
        )
        each = f"{ends.largest.videos:,} each" if ends.ratio == 1 else f"{text}, ratio {ends.ratio:,.2f}"
        yield Remark(f"Training videos a class: {each}.", False, "classes")
    if report.look_alikes_not_searched:
        text = f"Videos were not compared by their looks: {report.look_alikes_not_searched}."
        yield Remark(text, False, "leaks")


def _short(number: int, of: int, window: int) -> Iterator[Remark]:
    if number:
        text = f"{number:,} of {of:,} videos have fewer frames than the {window:,} that a clip spans: it repeats them."
        yield Remark(text, False, "pictures")


def _reasons(report: DatasetReport, names: Sequence[str]) -> list[tuple[str, int, list[int]]]:
    """Reasons with the number of videos, of all and of each subset, the most frequent first."""

    def numbers(counts: Counts) -> dict[str, int]:
        return {"missing": counts.missing, **counts.failed_by_reason}

    by_subset = [numbers(report.subsets[name]) for name in names]
    found = sorted(numbers(report).items(), key=lambda item: (-item[1], item[0]))
    return [(reason, number, [of.get(reason, 0) for of in by_subset]) for reason, number in found if number]


def _listed(rows: list[list[str]]) -> Listed:
    return Listed(rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))


def _dropped_row(row: DroppedVideo) -> list[str]:
    return [row.video, row.subset, row.label or "", row.reason, row.detail or ""]


def _leak_rows(report: DatasetReport) -> Iterator[list[str]]:
    """What is shared, which, and the videos; content goes by a digest that says nothing to a reader."""
    for kind, found in vars(report.leaks).items():
        for leak in found:
            name = "" if kind == "content" else getattr(leak, kind)
            yield [LEAKS[kind], name, "; ".join(f"{subset}: {_some(of)}" for subset, of in leak.subsets.items())]
    for conflict in report.label_conflicts:
        by_label = "; ".join(f"{label}: {_some(of)}" for label, of in conflict.labels.items())
        yield ["The same content, two labels", "", by_label]


def _alike_row(row: LookAlike) -> list[str]:
    both = ((row.video, row.subset, row.label), (row.other, row.other_subset, row.other_label))
    return [f"{row.likeness:.3f}", *(f"{name} ({', '.join(filter(None, more))})" for name, *more in both)]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else "")


def _class_bars(report: DatasetReport) -> list[tuple[str, list[Bar]]]:
    """Bars by class, usable videos by subset and those that cannot be used; of many classes both ends."""
    rows = [(label, _shares(counts)) for label, counts in report.labels.items()]
    if len(rows) <= MANY_CLASSES:
        return [("", stacked_bars(rows))]
    by_size = sorted(rows, key=lambda row: (-(row[1].get("training", 0)), row[0]))
    bars = dict(zip((label for label, _ in by_size), stacked_bars(by_size), strict=True))
    ends = {"Most training videos": by_size[:EXTREMES], "Fewest training videos": by_size[: -EXTREMES - 1 : -1]}
    return [(title, [bars[label] for label, _ in end]) for title, end in ends.items()]


def _shares(counts: LabelCounts) -> dict[str, int]:
    """Videos of a class by what becomes of them."""
    return {name: counts.subsets[name].ok if name in counts.subsets else 0 for name in SUBSETS} | {
        "lost": counts.listed - counts.ok
    }


def _usable_by_subset(counts: LabelCounts, names: Iterable[str]) -> list[int]:
    return [counts.subsets[name].ok if name in counts.subsets else 0 for name in names]


def _rates(videos: pd.DataFrame) -> list[str]:
    rates = videos["fps"].astype("float64")
    return ["unknown" if np.isnan(rate) else f"{rate:.2f}".rstrip("0").rstrip(".") for rate in rates]


def _sizes(videos: pd.DataFrame) -> tuple[str, list[tuple[str, int]]]:
    """What is counted of the stored frames of these videos, their size or, of many sizes, their shape; and how many."""
    widths, heights = (videos[name].astype("float64") for name in ("width", "height"))
    sizes = [f"{width:.0f} x {height:.0f}" for width, height in zip(widths, heights, strict=True)]
    if len(set(sizes)) <= MOST_SIZES:
        return "pixels", most_common(sizes)
    return "width / height", binned((widths / heights).to_numpy())
