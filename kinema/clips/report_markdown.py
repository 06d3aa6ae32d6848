"""The data set report as Markdown: the summary first, then what to mind, then the tables.

Every class is listed; lists of videos are cut off, since dataset_report.json has them whole.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from kinema.clips.rates import of_rates
from kinema.markdown import as_text, table
from kinema.records.dataset_report import Counts, DatasetReport, LabelCounts
from kinema.spelling import counted, told_apart

MAX_ROWS = 50  # of a list of videos or leaks
MAX_ALIKE = 10  # groups of labels
MAX_CHARACTERS = 200  # of what a tool said of a video
SUBSETS = ("training", "validation", "testing")
COUNT_COLUMNS = ["listed", "found", "ok", "ok %", "missing", "failed", "truncated", "hours", "frames", "size"]
LEAK_TITLES = {
    "content": "The same file content in two subsets",
    "group": "Videos of one group in two subsets",
    "source": "Parts of one file in two subsets",
}


def render(report: DatasetReport) -> str:
    """Markdown (GFM) of a report."""
    parts = [
        f"# Data set {as_text(report.dataset)}",
        _summary(report),
        "## To mind\n\n" + ("\n".join(f"- {line}" for line in _remarks(report)) or "Nothing."),
        "## By subset",
        table(["subset", *COUNT_COLUMNS], [[as_text(name), *_cells(counts)] for name, counts in _subsets(report)]),
        "## By class, worst first",
        _classes(report),
        *_reasons(report),
        *_dropped(report),
        *_damaged(report),
        *_leaks(report),
        *_look_alikes(report),
        *_label_conflicts(report),
        *_duplicates(report),
        *_respelled(report),
        *_listed_again(report),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(report: DatasetReport) -> str:
    return (
        f"**{report.ok:,} of {report.listed:,} listed videos can be used ({_percent(report)} %)**: "
        f"{_hours(report.hours)} hours, {report.frames:,} frames in {_size(report.bytes)}. "
        f"No file (missing): {report.missing:,}. Not decoded (failed): {report.failed:,}. "
        f"Used as far as they could be decoded (truncated): {report.truncated:,}."
    )


def _remarks(report: DatasetReport) -> Iterable[str]:
    """One line for each thing that may spoil a training run or its score."""
    for kind, leaks in vars(report.leaks).items():
        if leaks:
            yield f"**Leak**. {LEAK_TITLES[kind]}: {len(leaks):,}. Scores will be too good."
    if report.look_alikes:
        yield (
            f"**Look-alikes**. Pairs of videos in two subsets that look alike: {len(report.look_alikes):,}. "
            "Scores may be too good; `kinema split TABLE --group looks` keeps such videos together."
        )
    elif report.look_alikes_not_searched:
        yield f"Videos were not compared by their looks: {as_text(report.look_alikes_not_searched)}."
    if report.label_conflicts:
        yield f"**Contradiction**. The same file content under two labels: {len(report.label_conflicts):,}. Keep one."
    imbalance = report.imbalance
    if untrained := imbalance.without_training:
        yield f"Classes without a usable training video: {len(untrained):,} ({_some(untrained, 10)})."
    if imbalance.largest and imbalance.smallest:
        most, least = (f"{end.videos:,} ({as_text(end.label)})" for end in (imbalance.largest, imbalance.smallest))
        each = f"{imbalance.largest.videos:,} each" if imbalance.ratio == 1 else f"{most} down to {least}"
        yield f"Training videos a class: {each}, ratio {imbalance.ratio:,.2f}."
    if line := of_rates(report):
        yield f"**Frame rates**. {line}."
    if report.duplicates:
        yield f"Videos that more than one file claims: {len(report.duplicates):,}."
    if report.respelled:
        yield f"Files that have another name than in the list: {len(report.respelled):,}."
    if report.listed_again:
        yield f"Files that the list names more than once: {len(report.listed_again):,}."
    for labels in report.alike_labels[:MAX_ALIKE]:
        yield f"Labels that look alike are separate classes: {as_text(counted(labels, labels))}."
    if (left := len(report.alike_labels) - MAX_ALIKE) > 0:
        yield f"{left:,} more labels that look alike are in dataset_report.json."
    if report.without_class.listed:
        yield f"Videos without a class, which are not scored: {report.without_class.listed:,}."


def _subsets(report: DatasetReport) -> list[tuple[str, Counts]]:
    return [(name, report.subsets[name]) for name in _names(report)] + [("all", report)]


def _names(report: DatasetReport) -> list[str]:
    """Subsets of the report, in the order of their use."""
    return [name for name in SUBSETS if name in report.subsets]


def _classes(report: DatasetReport) -> str:
    """Every class; beside its counts how many of its listed videos each subset can use."""
    names = _names(report)

    def cells(label: str, counts: LabelCounts) -> list[str]:
        parts = [counts.subsets.get(name) for name in names]
        return [as_text(label), *_cells(counts), *(f"{part.ok:,}/{part.listed:,}" if part else "0/0" for part in parts)]

    def badness(item: tuple[str, LabelCounts]) -> tuple:
        label, counts = item
        return counts.coverage or 0, counts.ok - counts.listed, label

    rows = [cells(label, counts) for label, counts in sorted(report.labels.items(), key=badness)]
    return table(["class", *COUNT_COLUMNS, *(f"{name} ok/listed" for name in names)], rows)


def _reasons(report: DatasetReport) -> Iterable[str]:
    names = _names(report)
    reasons = {"missing": report.missing, **report.failed_by_reason}
    rows = [
        [as_text(reason), f"{number:,}", *(f"{_of_reason(report.subsets[name], reason):,}" for name in names)]
        for reason, number in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        if number
    ]
    if rows:
        yield "## Why videos were dropped"
        yield table(["reason", "videos", *names], rows)


def _of_reason(counts: Counts, reason: str) -> int:
    return counts.missing if reason == "missing" else counts.failed_by_reason.get(reason, 0)


def _dropped(report: DatasetReport) -> Iterable[str]:
    columns = ("video", "subset", "label", "reason", "detail")
    rows = [
        [as_text((getattr(row, name) or "")[:MAX_CHARACTERS]) for name in columns] for row in report.dropped[:MAX_ROWS]
    ]
    if rows:
        yield "## Dropped videos"
        yield table(["video", "subset", "class", "reason", "detail"], rows, numbers=False) + _more(report.dropped)


def _damaged(report: DatasetReport) -> Iterable[str]:
    columns, damaged = ("video", "subset", "label", "frames", "detail"), report.damaged
    rows = [[as_text(str(getattr(row, name) or "")[:MAX_CHARACTERS]) for name in columns] for row in damaged[:MAX_ROWS]]
    if rows:
        yield "## Videos that are used as far as they go"
        yield table(["video", "subset", "class", "frames", "detail"], rows, numbers=False) + _more(damaged)


def _leaks(report: DatasetReport) -> Iterable[str]:
    for kind, leaks in vars(report.leaks).items():
        rows = [
            [as_text(getattr(leak, kind)), *(_some(leak.subsets.get(name, []), 3) for name in _names(report))]
            for leak in leaks[:MAX_ROWS]
        ]
        if rows:
            yield f"## {LEAK_TITLES[kind]}"
            yield table([kind, *_names(report)], rows, numbers=False) + _more(leaks)


def _look_alikes(report: DatasetReport) -> Iterable[str]:
    pairs = report.look_alikes
    rows = [
        [
            f"{pair.likeness:.2f}",
            *(
                f"{as_text(name)} ({as_text(label or '-')})"
                for name, label in ((pair.video, pair.label), (pair.other, pair.other_label))
            ),
            f"{pair.subset} / {pair.other_subset}",
        ]
        for pair in pairs[:MAX_ROWS]
    ]
    if rows:
        yield "## Videos in two subsets that look alike"
        yield table(["likeness", "video (class)", "other video (class)", "subsets"], rows, numbers=False) + _more(pairs)


def _label_conflicts(report: DatasetReport) -> Iterable[str]:
    found = report.label_conflicts
    rows = [
        [as_text(row.content), "; ".join(f"{as_text(label)}: {_some(names, 3)}" for label, names in row.labels.items())]
        for row in found[:MAX_ROWS]
    ]
    if rows:
        yield "## The same file content under two labels"
        yield table(["content", "videos by class"], rows, numbers=False) + _more(found)


def _duplicates(report: DatasetReport) -> Iterable[str]:
    duplicates = report.duplicates
    rows = [[as_text(row.video), as_text(row.path or "-"), _some(row.duplicates, 3)] for row in duplicates[:MAX_ROWS]]
    if rows:
        yield "## Files that claim one video"
        yield table(["video", "file used", "files left aside"], rows, numbers=False) + _more(duplicates)


def _respelled(report: DatasetReport) -> Iterable[str]:
    respelled = report.respelled
    rows = [[as_text(name) for name in told_apart((row.video, row.path))] for row in respelled[:MAX_ROWS]]
    if rows:
        yield "## Files of another name than in the list"
        yield table(["video", "file used"], rows, numbers=False) + _more(respelled)


def _listed_again(report: DatasetReport) -> Iterable[str]:
    again = report.listed_again
    rows = [[as_text(row.path), _some(row.videos, 3)] for row in again[:MAX_ROWS]]
    if rows:
        yield "## Files that the list names more than once"
        yield table(["file", "videos"], rows, numbers=False) + _more(again)


def _cells(counts: Counts) -> list[str]:
    """The values of COUNT_COLUMNS."""
    before = [f"{getattr(counts, name):,}" for name in ("listed", "found", "ok")]
    after = [f"{getattr(counts, name):,}" for name in ("missing", "failed", "truncated")]
    stored = [_hours(counts.hours), f"{counts.frames:,}", _size(counts.bytes)]
    return [*before, _percent(counts), *after, *stored]


def _percent(counts: Counts) -> str:
    return f"{100 * counts.coverage:.1f}" if counts.coverage is not None else "-"


def _hours(hours: float) -> str:
    return f"{hours:,.1f}" if hours >= 10 else f"{hours:.2g}"


def _size(num_bytes: int) -> str:
    power = min(3, max(0, (len(str(num_bytes)) - 1) // 3 - 1))
    return f"{num_bytes / 1000 ** (power + 1):,.1f} {('kB', 'MB', 'GB', 'TB')[power]}"


def _some(names: Sequence[str], limit: int) -> str:
    """The first names, and how many more there are."""
    more = [f"{len(names) - limit:,} more"] if len(names) > limit else []
    return ", ".join([*(as_text(name) for name in names[:limit]), *more])


def _more(rows: Sequence[Any]) -> str:
    left = len(rows) - MAX_ROWS
    return f"\n\n{left:,} more are in dataset_report.json." if left > 0 else ""
