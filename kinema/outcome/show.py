"""Folders of results -> the lines that `kinema show` and the end of a run print."""

import difflib
import os
import shlex
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from kinema.input_error import InputError
from kinema.outcome.crossval import in_words
from kinema.outcome.data import coverage_line, leak_lines
from kinema.outcome.export import MEANING, is_verified, parity_line, verification_line
from kinema.outcome.fitting import chosen_line, training_line
from kinema.outcome.found import (
    CROSSVAL,
    SUMMARY,
    SWEEP,
    SWEPT,
    FoundDataset,
    FoundModel,
    is_dataset_folder,
    is_model_folder,
    is_summed_up,
    is_swept,
    model_folders,
    read_dataset,
    read_model,
)
from kinema.outcome.int8 import int8_found
from kinema.outcome.score import score_lines
from kinema.outcome.stale import missing, obstacle, stale_lines
from kinema.outcome.sweep import best_in_words, rows_of
from kinema.outcome.table import models_table
from kinema.records.crossval import CrossValidation

WIDTH = 110  # characters; commands and paths are not broken
COMMANDS = ("snakemake --cores all", "kinema predict")  # how those begin that are to be copied
PAGE = Path("report/index.html")  # in the folder of a model
TOPIC = 10  # characters of the left column
Line = tuple[str, str]  # topic, empty where it is the one above, and text


def show(path: Path) -> tuple[list[str], bool]:
    """Lines about a model's folder, a data set's, one of data sets, or a file in one of the first two.

    Also whether all records that are there could be read. InputError where it is none of these.
    """
    folder = _folder(path)
    if is_summed_up(folder / CROSSVAL) and not is_model_folder(folder):
        folder /= CROSSVAL
    if CROSSVAL in (folder.name, folder.parent.name):  # a fold is told with the others
        return crossval_lines(folder if folder.name == CROSSVAL else folder.parent), True
    if is_swept(folder):
        return sweep_lines(folder), True
    if is_model_folder(folder):
        found = read_model(folder, read_dataset(Path(os.path.normpath(folder / ".."))))
        return model_lines(found), not (found.damaged or found.dataset.damaged)
    lines: list[str] = []
    is_whole = True
    inner = [folder] if is_dataset_folder(folder) else _dataset_folders(folder)
    for each in inner:
        dataset = read_dataset(each)
        models = [read_model(model, dataset) for model in model_folders(each)]
        lines += [*dataset_lines(dataset, models), *([""] if each != inner[-1] else [])]
        is_whole &= not (dataset.damaged or any(model.damaged for model in models))
    return lines, is_whole


def told_at_the_end(targets: Sequence[str], rules: Mapping[str, Iterable[str]]) -> list[str]:
    """Lines about each model of which Snakemake was asked for something, each once.

    `targets` are files in `results/<dataset>/<model>/`, or names of `rules`, each with its own targets; none stands
    for all rules. What is of no model is left aside.
    """
    files = [file for target in targets or rules for file in rules.get(target, [target])]
    lines: list[str] = []
    places = (Path(os.path.normpath(file)).parent.parts for file in files)
    wanted = [parts for parts in places if len(parts) >= 3 and parts[0] == "results"]
    for folder in dict.fromkeys(Path(*parts[: 4 if _is_of_several(parts) else 3]) for parts in wanted):
        if is_model_folder(folder) or is_summed_up(folder) or is_swept(folder):
            lines += [*([""] if lines else []), *show(folder)[0]]
    return lines


def model_lines(found: FoundModel) -> list[str]:
    """What is known of a model: its score, then what to mind about it, then the export and what to do next."""
    return [str(found.folder), *(line for topic, text in _of_model(found) for line in _wrapped(topic, text))]


def crossval_lines(folder: Path) -> list[str]:
    """What came out of a cross-validation. InputError where its record cannot be read."""
    found = CrossValidation.read(folder / Path(SUMMARY).name)
    pages = [str(folder / name) for name in ("summary.md", "predictions.parquet") if (folder / name).exists()]
    lines = [("accuracy", in_words(found)), *([("next", f"see {' and '.join(pages)}")] if pages else [])]
    return [str(folder), *(line for topic, text in lines for line in _wrapped(topic, text))]


def sweep_lines(folder: Path) -> list[str]:
    """What came out of a sweep. InputError where its table cannot be read."""
    path = folder / SWEPT
    try:
        text = best_in_words(rows_of(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        raise InputError(f"{path}: is no table of a sweep; delete it and run snakemake, which makes it anew") from None
    lines = [("best", text), ("next", f"see {folder / 'summary.md'}")]
    return [str(folder), *(line for topic, text in lines for line in _wrapped(topic, text))]


def _is_of_several(parts: Sequence[str]) -> bool:
    """Whether a folder below `results/<dataset>/<model>` is of a cross-validation or of a sweep."""
    return parts[3:4] == (CROSSVAL,) or any(name.startswith(SWEEP) for name in parts[3:4])


def _of_model(found: FoundModel) -> Iterator[Line]:
    for line in (*found.dataset.damaged, *found.damaged):
        yield "damaged", line
    for line in stale_lines(found):
        yield "stale", line
    if found.evaluation:
        yield from score_lines(found.evaluation)
    yield from _titled("accuracy", found.unscored)
    if found.crossval:
        yield "crossval", in_words(found.crossval)
    if found.training:
        yield from _titled("training", training_line(found.training, found.evaluation))
    if found.evaluation:
        yield from _titled("chosen", chosen_line(found.evaluation, found.report, found.validations))
    if found.report:
        yield "data", coverage_line(found.report)
        for line in leak_lines(found.report, found.training, found.evaluation):
            yield "leak", line
    yield from _of_export(found)
    for int8 in int8_found(found):
        yield "int8", int8.line
    yield from _of_next(found)


def _of_export(found: FoundModel) -> Iterator[Line]:
    if reason := obstacle(found):
        yield "export", f"none: {reason}"
        return
    lines = [parity_line(found.parity)] if found.parity else []
    if is_verified(found) and found.verification:
        lines = [MEANING, *lines, verification_line(found.verification)]
    yield from zip(("export", "", ""), lines, strict=False)


def _of_next(found: FoundModel) -> Iterator[Line]:
    gone, command = missing(found)
    if command:
        yield "missing", f"{', '.join(gone)}: {command}"
    page = found.folder / PAGE
    pages = (page if page.exists() else found.folder / "confusion.png", found.dataset.folder / "dataset_report.md")
    seen = [str(path) for path in pages if path.exists()]
    lines = (
        [f"kinema predict VIDEO --model {shlex.quote(str(found.folder / 'model.xml'))}"] if is_verified(found) else []
    )
    lines += [f"see {' and '.join(seen)}"] if seen else []
    yield from zip(("next", ""), lines, strict=False)


def dataset_lines(dataset: FoundDataset, models: list[FoundModel]) -> list[str]:
    """What is known of a data set, and a table of its models."""
    damaged = [*dataset.damaged, *(line for model in models for line in model.damaged)]
    about = [("damaged", line) for line in damaged]
    if dataset.report:
        about.append(("data", coverage_line(dataset.report)))
        about += [("leak", line) for line in leak_lines(dataset.report)]
    lines = [str(dataset.folder), *(line for topic, text in about for line in _wrapped(topic, text))]
    return [*lines, *(["", *models_table(models)] if models else ["  no models yet"])]


def _titled(topic: str, text: str | None) -> Iterator[Line]:
    if text:
        yield topic, text


def _wrapped(topic: str, text: str) -> list[str]:
    """A topic and its text as lines; commands stay on one line, to be copied."""
    indent = "  " + topic.ljust(TOPIC)
    place = min((text.find(command) for command in COMMANDS if command in text), default=len(text))
    told, command = text[:place].rstrip(), text[place:]
    if not told:
        return [indent + command]
    lines = textwrap.wrap(
        told,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [*lines, *([" " * len(indent) + command] if command else [])]


def _folder(path: Path) -> Path:
    """The folder that is meant by itself, or by a file in it, which need not be there any more."""
    if path.is_dir():
        return path
    if path.parent.is_dir() and (is_model_folder(path.parent) or path.is_file()):
        return path.parent
    raise InputError(f"{path}: no such folder; give results/DATASET/MODEL or results/DATASET{_nearest(path)}")


def _dataset_folders(folder: Path) -> list[Path]:
    folders = sorted(path for path in folder.iterdir() if path.is_dir() and is_dataset_folder(path))
    if not folders:
        raise InputError(f"{folder}: holds no results; give results/DATASET/MODEL or results/DATASET")
    return folders


def _nearest(path: Path) -> str:
    """The folder beside it that may be meant."""
    if not path.parent.is_dir():
        return ""
    names = [other.name for other in path.parent.iterdir() if other.is_dir()]
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean '{path.parent / close[0]}'?" if close else ""
