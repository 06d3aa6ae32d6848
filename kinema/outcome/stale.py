"""Records that do not belong together, or are not there: what is wrong, and the command that makes them."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from kinema.models.names import EXPORT_OBSTACLES
from kinema.outcome.export import unlike
from kinema.outcome.found import EVALUATION, OF_MODEL, PARITY, REPORT, VERIFICATION, FoundModel
from kinema.records.dataset_report import DatasetReport
from kinema.records.evaluation import Evaluation


def target(path: Path) -> str:
    """What Snakemake calls a file in `results/`, in whatever project that lies; any other path stays as it is."""
    parts = Path(os.path.normpath(path.absolute())).parts
    places = [number for number, part in enumerate(parts) if part == "results"]
    return "/".join(parts[places[-1] :]) if places else str(path)


def command(*paths: Path) -> str:
    """The command that makes these files."""
    return f"snakemake --cores all {' '.join(shlex.quote(target(path)) for path in paths)}"


def missing(found: FoundModel) -> tuple[list[str], str | None]:
    """Names of what is not there, and the command that makes it; what another one is made of comes with that."""
    paths = {name: found.folder / name for name in OF_MODEL} | {REPORT: found.dataset.folder / REPORT}
    paths["model.xml"] = found.folder / "model.xml"
    gone = [name for name, path in paths.items() if not path.exists()]
    if obstacle(found):
        gone = [name for name in gone if name not in (PARITY, VERIFICATION, "model.xml")]
    if "model.xml" in gone and VERIFICATION not in gone:
        wanted = [name for name in gone if name != PARITY]
    elif VERIFICATION in gone:
        wanted = ["model.xml", *(name for name in gone if name not in (EVALUATION, PARITY, VERIFICATION, "model.xml"))]
    else:
        wanted = gone
    return gone, command(*(paths[name] for name in wanted)) if wanted else None


def obstacle(found: FoundModel) -> str | None:
    """Why this model cannot be exported."""
    return EXPORT_OBSTACLES.get(found.training.model) if found.training else None


def stale_lines(found: FoundModel) -> Iterator[str]:
    """Records that were made of something else than what lies beside them."""
    evaluation, verification = found.evaluation, found.verification
    if evaluation and found.training and list(evaluation.scores.classes) != found.training.labels:
        yield _of_another(found.folder / EVALUATION, "its classes are not those of training.json")
    if evaluation and found.report and (text := _other_videos(evaluation, found.report)):
        yield _of_another(found.folder / EVALUATION, text)
    if evaluation and verification:
        then = (verification.subset, verification.num_videos, verification.pytorch_video_top1)
        if then != (evaluation.subset, evaluation.scores.num_videos, evaluation.scores.video_top1):
            yield _of_another(found.folder / VERIFICATION, "it is of another evaluation than evaluation.json")
    if verification and (found.folder / "model.xml").exists() and (names := unlike(found.folder, verification)):
        yield _of_another(
            found.folder / VERIFICATION, f"{', '.join(names)} beside it {'are' if names[1:] else 'is'} not what passed"
        )


def _other_videos(evaluation: Evaluation, report: DatasetReport) -> str | None:
    """Each usable video of the subset that has a class is scored."""
    subset = evaluation.subset or ""
    counted = {label: counts.subsets.get(subset) for label, counts in report.labels.items()}
    usable = {label: counts.ok if counts else 0 for label, counts in counted.items()}
    scored = {label: scores.num_videos for label, scores in evaluation.scores.classes.items()}
    if usable == scored:
        return None
    if usable.keys() != scored.keys():
        return "its classes are not those of the data set's report"
    return (
        f"{sum(scored.values()):,} {subset} videos were scored, and the data set's report now has "
        f"{sum(usable.values()):,}"
    )


def _of_another(path: Path, text: str) -> str:
    return f"{path.name}: {text}; delete it and run: {command(path)}"
