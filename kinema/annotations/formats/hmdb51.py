"""HMDB-51: one file a class of one official split -> the dialect.

A line is `<file> <use>`: 0 is not of this split, 1 is training, 2 is the test list, our validation subset. Labels are
sorted; an id is the file name without extension.
"""

from collections.abc import Sequence
from pathlib import Path

from kinema.annotations.dialect import Dialect
from kinema.annotations.rows import EXTENSION, Problems, read_lines, repeats
from kinema.annotations.sources import hmdb51_label
from kinema.experiment.data_sections import Annotations

VIDEO_LINE = rf"^(?P<id>.+){EXTENSION}\s+(?P<use>[0-9]+)$"
USES = {"0": None, "1": "training", "2": "validation"}


def read_hmdb51(files: Sequence[Path], settings: Annotations) -> Dialect:
    """Entries of one split; `files` are `<label>_test_split<N>.txt`, one a class."""
    labels = {str(file): hmdb51_label(file) for file in files}
    rows = read_lines(files).str.extract(VIDEO_LINE)
    rows["label"] = rows.index.get_level_values("file").map(labels)
    twice = repeats(rows, rows["id"], noun="line")
    problems = Problems(rows.assign(twice=twice), show_line=True)
    problems.report(rows["id"].isna(), "expected `<video file> <0, 1 or 2>`")
    problems.report(rows["use"].notna() & ~rows["use"].isin(list(USES)), "use {use}; expected 0, 1 or 2")
    problems.report(twice.notna(), "video '{id}' is listed twice, {twice}")
    problems.check()
    rows["subset"] = rows["use"].map(USES)
    return Dialect(sorted(labels.values()), rows[rows["subset"].notna()])
