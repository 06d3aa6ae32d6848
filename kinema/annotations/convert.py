"""A list of videos and labels in any format -> annotation.json: the one door of this package."""

import logging
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from kinema.annotations.checks import check_dialect
from kinema.annotations.dialect import Dialect, write_dialect
from kinema.annotations.formats.as_dialect import as_dialect
from kinema.annotations.formats.hmdb51 import read_hmdb51
from kinema.annotations.formats.imported import IMPORTERS, read_imported
from kinema.annotations.formats.kinetics import read_kinetics, read_mini_kinetics
from kinema.annotations.formats.reference_json import read_json
from kinema.annotations.formats.table import read_table
from kinema.annotations.formats.ucf101 import read_ucf101
from kinema.experiment.data_sections import Annotations
from kinema.input_error import InputError

READERS: dict[str, Callable[[Sequence[Path], Annotations], Dialect]] = {
    "table": read_table,
    "kinetics": read_kinetics,
    "mini_kinetics": read_mini_kinetics,
    "ucf101": read_ucf101,
    "hmdb51": read_hmdb51,
    "json": read_json,
}
log = logging.getLogger(__name__)


def convert(files: Sequence[Path], *, settings: Annotations, out: Path, scored: Sequence[Sequence[str]] = ()) -> None:
    """Write the annotation JSON of the files of one list (`kinema.annotations.sources` names them).

    `scored` holds for each model that is to be scored the subsets of which one is needed. InputError lists the first
    ten bad rows, or says why no model can come of the list.
    """
    source = _named(files)
    try:
        dialect = read_list(files, settings)
        redraw = f"kinema split {shlex.quote(str(files[0]))}" if settings.format == "table" and len(files) == 1 else ""
        check_dialect(dialect, source=source, scored=scored, redraw=redraw)
    except ValueError as error:
        if type(error) is not ValueError:  # of a library, and none of our checks
            raise
        raise InputError(str(error)) from error
    write_dialect(dialect, out)
    log.info("%s: %d videos, %d labels", source, len(dialect.entries), len(dialect.labels))


def read_list(files: Sequence[Path], settings: Annotations) -> Dialect:
    """The labels and entries of the files of one list; ValueError lists the first ten bad rows."""
    if settings.format in IMPORTERS:
        return as_dialect(read_imported(files, settings), fps=settings.fps, source=_named(files))
    return READERS[settings.format](files, settings)


def _named(files: Sequence[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
