"""dataset_report.json -> how many videos are used, and whether subsets share what makes a score too high."""

from collections.abc import Iterator

from kinema.outcome.fitting import choosing_of
from kinema.records.dataset_report import DatasetReport
from kinema.records.evaluation import Evaluation
from kinema.records.training import Training

SHARED = {"content": ("file content", "file contents"), "group": ("group", "groups"), "source": ("file", "files")}


def coverage_line(report: DatasetReport) -> str:
    """How many of the listed videos can be used."""
    lost = {"missing": report.missing, "failed": report.failed, "cut short": report.truncated}
    named = ", ".join(f"{number:,} {kind}" for kind, number in lost.items() if number)
    return f"{report.ok:,} of {report.listed:,} listed videos can be used{f' ({named})' if named else ''}"


def leak_lines(
    report: DatasetReport, training: Training | None = None, evaluation: Evaluation | None = None
) -> Iterator[str]:
    """What scored videos share with those that decided the weights; without an evaluation, any two subsets."""
    scored = evaluation.subset if evaluation else None
    deciding = {"training"} | ({"validation"} if training and choosing_of(training) else set())
    for kind, leaks in vars(report.leaks).items():
        subsets = [leak.subsets for leak in leaks]
        if scored:
            subsets = [found for found in subsets if scored in found and deciding & (found.keys() - {scored})]
        if not subsets:
            continue
        one, many = SHARED.get(kind, (kind, kind))
        what = f"1 {one} lies" if len(subsets) == 1 else f"{len(subsets):,} {many} lie"
        if scored:
            videos = len({video for found in subsets for video in found[scored]})
            yield f"{what} in two subsets, with {videos:,} of the {scored} videos: the number is too high"
        else:
            yield f"{what} in two subsets: a score is too high"
    yield from _alike_lines(report, deciding, scored)


def _alike_lines(report: DatasetReport, deciding: set[str], scored: str | None) -> Iterator[str]:
    found = set()
    for pair in report.look_alikes:
        videos = {pair.subset: pair.video, pair.other_subset: pair.other}
        if scored is None or (scored in videos and deciding & (videos.keys() - {scored})):
            found.add(videos[scored or pair.other_subset])
    if found and scored:
        whose = f"{len(found):,} of the {scored} videos look like others that decided the weights"
        yield f"{whose}: the number may be too high"
    elif found:
        yield f"{len(found):,} videos look like others in another subset: a score may be too high"
