"""UCF-101: classInd.txt and the lists of one official split -> the dialect.

A line is `<class folder>/<file>`, in training lists with the number of the class behind it. Labels are numbered as in
classInd.txt; the test list is the validation subset; an id is the file name without extension.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from kinema.annotations.dialect import Dialect
from kinema.annotations.rows import EXTENSION, Problems, read_lines, repeats
from kinema.experiment.data_sections import Annotations

CLASS_LINE = r"^(?P<number>[0-9]+)\s+(?P<label>\S+)$"
VIDEO_LINE = rf"^(?P<label>[^/]+)/(?P<id>[^/]+){EXTENSION}(?:\s+(?P<number>[0-9]+))?$"


def read_ucf101(files: Sequence[Path], settings: Annotations) -> Dialect:
    """Entries of one split; `files` are classInd.txt, the training list and the test list, CRLF or LF."""
    class_file, train_file, test_file = files
    numbers = _read_classes(class_file)
    rows = read_lines([train_file, test_file]).str.extract(VIDEO_LINE)
    _check(rows, numbers)
    of_training = rows.index.get_level_values("file") == str(train_file)
    rows["subset"] = pd.Series(of_training, index=rows.index).map({True: "training", False: "validation"})
    return Dialect(list(numbers), rows)


def _read_classes(file: Path) -> dict[str, str]:
    """Number of every label, as text, in the order of the file."""
    rows = read_lines([file]).str.extract(CLASS_LINE)
    problems = Problems(rows, show_line=True)
    problems.report(rows["label"].isna(), "expected `<number> <class>`")
    problems.report(rows["label"].notna() & rows["label"].duplicated(), "class '{label}' is listed twice")
    problems.report(rows["number"].notna() & rows["number"].duplicated(), "number {number} is listed twice")
    problems.check()
    return dict(zip(rows["label"], rows["number"], strict=True))


def _check(rows: pd.DataFrame, numbers: dict[str, str]) -> None:
    twice = repeats(rows, rows["id"], noun="line")
    problems = Problems(rows.assign(twice=twice), show_line=True)
    known = rows["label"].isin(list(numbers))
    of_folder = rows["label"].map(numbers)
    problems.report(rows["label"].isna(), "expected `<class folder>/<video file>`, and in a training list its number")
    problems.report(rows["label"].notna() & ~known, "the folder '{label}' is no class of classInd.txt")
    contradicts = known & rows["number"].notna() & (rows["number"] != of_folder)
    problems.report(contradicts, "the class number {number} is not that of '{label}' in classInd.txt")
    problems.report(twice.notna(), "video '{id}' is listed twice, {twice}")
    problems.check()
