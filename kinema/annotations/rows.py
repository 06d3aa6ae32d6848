"""List files -> columns of text, and one line for every row that breaks a rule.

Rows are indexed by (file, line), the first line of a file being 1, so that what is wrong with a row names its place.
"""

import csv
import functools
import io
import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from kinema.annotations.cells import as_text_column, read_parquet
from kinema.annotations.text_files import PACKED, kind_of, read_utf8
from kinema.media.extensions import VIDEO_EXTENSIONS

TEXT = pd.StringDtype("pyarrow")
SHOWN = 10  # problems that are printed
LONGEST = 120  # characters of a line that are printed
# of a video file, in any case
EXTENSION = rf"[.](?i:{'|'.join(extension[1:] for extension in sorted(VIDEO_EXTENSIONS))})"


def read_tables(
    files: Sequence[Path],
    *,
    columns: Sequence[str],
    required: Sequence[str],
    numbers: Sequence[str] = (),
    unit: str = "seconds",
) -> pd.DataFrame:
    """These columns of CSV, TSV or Parquet files one below the other, as stripped text; an empty cell is missing.

    A column that is not required is missing in all rows of a file that lacks it. `numbers` names the columns that count
    `unit`; durations in them become seconds. ValueError names the file, and of a malformed CSV the first ten lines.
    """
    frames = []
    for file in files:
        is_text = file.suffix.lower() != ".parquet"
        whole = read_whole(file)
        table = _text_columns(file, whole, columns, required, dict.fromkeys(numbers, unit))
        frame = table.to_pandas(types_mapper={pa.string(): TEXT}.get)
        frame.index = lines_of(whole, is_text=is_text)
        frame = frame.apply(_stripped).dropna(how="all")
        if is_text:
            _check_quotes(frame, file)
        frames.append(frame)
    return _stacked(files, frames)


def _check_quotes(frame: pd.DataFrame, file: Path) -> None:
    """ValueError where a cell holds whole lines: a quote that is not closed swallows those behind it.

    A line break alone may stand in the name of a file.
    """
    separator = separator_of(file)
    for name in frame:
        holds_more = (frame[name].str.contains(text, regex=False).fillna(False) for text in ("\n", separator))
        broken = functools.reduce(operator.and_, holds_more)
        if broken.any():
            row, cell = frame.index[broken][0], frame[name][broken].iloc[0]
            text = f"column {name} holds more than a line, {_shortened(cell)!r}; is a quote not closed?"
            raise ValueError(f"{file} row {row}: {text}")


def read_whole(file: Path) -> pa.Table:
    """All columns of a CSV, TSV or Parquet file, of text files as text; ValueError where it is none."""
    if file.suffix.lower() == ".parquet":
        return _read_parquet(file)
    try:
        return _read_csv(file, separator_of(file))
    except (pa.ArrowInvalid, csv.Error) as error:
        raise ValueError(f"{file}: cannot be read as a table: {' '.join(str(error).split())}") from None


def read_lines(files: Sequence[Path]) -> pd.Series:
    """Lines of text files, stripped, without empty ones."""
    frames = []
    for file in files:
        text = _decoded(file).split("\n")
        lines = pd.Series(text, index=range(1, len(text) + 1), dtype=TEXT).str.strip()
        frames.append(lines[lines != ""])
    return _stacked(files, frames)


def each_distinct(column: pd.Series, function: Callable[[Any], str | None]) -> pd.Series:
    """A function of every value, called once per distinct value; a missing value stays missing."""
    codes, values = pd.factorize(column)
    results = np.array([*map(function, np.asarray(values, dtype=object)), None], dtype=object)
    return pd.Series(results[codes], index=column.index, dtype=TEXT)


def repeats(rows: pd.DataFrame, ids: pd.Series, *, noun: str = "row") -> pd.Series:
    """For each row whose id an earlier one has: where both stand, and their labels if these differ; else missing.

    `rows` are indexed by (file, line) and have the column `label`; `noun` is what a line of the file is called.
    """
    known, labels = ids.to_numpy(object), rows["label"].to_numpy(object)
    first: dict[str, int] = {}
    found: list[str | None] = [None] * len(rows)
    for position in np.flatnonzero((ids.notna() & ids.duplicated(keep=False)).to_numpy()).tolist():
        earlier = first.setdefault(known[position], position)
        if earlier != position:
            (file, line), (own_file, _) = rows.index[earlier], rows.index[position]
            place = f"{noun} {line}" if file == own_file else f"{file} {noun} {line}"
            found[position] = _both(place, labels[earlier], labels[position])
    return pd.Series(found, index=rows.index, dtype=TEXT)


def _both(place: str, first: Any, label: Any) -> str:
    if pd.isna(first) or pd.isna(label) or first == label:
        return f"in {place} and here"
    return f"as '{first}' in {place} and as '{label}' here"


class Problems:
    """Rows that break a rule, gathered rule by rule and raised as one error."""

    def __init__(self, rows: pd.DataFrame, *, show_line: bool = False) -> None:
        """`show_line`: print what stands in the file, for rules about how a line is written."""
        self._rows, self._show_line = rows, show_line
        self._found: list[tuple[int, int, str]] = []
        self._count = 0

    def report(self, bad: pd.Series, text: str) -> None:
        """Rows where `bad` is true break a rule; `text` may use the row's columns as `{label}`."""
        positions = np.flatnonzero(bad.fillna(False).to_numpy(dtype=bool))
        self._count += len(positions)
        for position in positions[:SHOWN]:
            row = self._rows.iloc[position]
            cells = {name: _shortened(str(cell)) for name, cell in row.astype(object).fillna("").items()}
            self._found.append((int(position), len(self._found), text.format(**cells)))

    def check(self) -> None:
        """ValueError with the first ten problems in the order of the rows; nothing where there are none."""
        if not self._found:
            return
        lines = [self._line(position, text) for position, _, text in sorted(self._found)[:SHOWN]]
        more = [f"... and {self._count - len(lines)} more"] if self._count > len(lines) else []
        raise ValueError("\n".join(lines + more))

    def _line(self, position: int, text: str) -> str:
        file, number = self._rows.index[position]
        if not self._show_line:
            return f"{file} row {number}: {text}"
        line = _decoded(Path(file)).split("\n")[number - 1]
        return f"{file} line {number}: {text}; the line is {_shortened(line)!r}"


def lines_of(table: pa.Table, *, is_text: bool) -> pd.Index:
    """The line on which each row begins, line 1 being the header; cells of a text file may hold line breaks."""
    lines = np.arange(2, len(table) + 2)
    for column in table.columns if is_text else ():
        breaks = pc.count_substring(column, "\n").fill_null(0).to_numpy()
        if breaks.any():
            lines[1:] += breaks.cumsum()[:-1]
    return pd.Index(lines)


def _text_columns(
    file: Path, table: pa.Table, columns: Sequence[str], required: Sequence[str], units: dict[str, str]
) -> pa.Table:
    names = [str(name).strip() for name in table.column_names]
    lacking = [name for name in required if name not in names]
    if lacking:
        optional = ", ".join(name for name in columns if name not in required)
        raise ValueError(
            f"{file}: no column {', '.join(lacking)}; found {', '.join(names)}. "
            f"Expected the columns {', '.join(required)}, and if you like {optional}."
        )
    twice = [name for name in columns if names.count(name) > 1]
    if twice:
        raise ValueError(f"{file}: several columns are called {', '.join(twice)}")
    cells = {name: pa.nulls(len(table), pa.string()) for name in columns}
    for name in set(columns) & set(names):
        try:
            cells[name] = as_text_column(table.column(names.index(name)), unit=units.get(name))
        except ValueError as error:
            raise ValueError(f"{file}: column {name}: {error}") from None
    return pa.table(cells)


def _stacked(files: Sequence[Path], frames: list[Any]) -> Any:
    return pd.concat(frames, keys=[str(file) for file in files], names=["file", "line"])


def _stripped(column: pd.Series) -> pd.Series:
    stripped = column.str.strip()
    return stripped.mask(stripped == "")


def separator_of(file: Path) -> str:
    """What stands between the cells of a text file of this name."""
    endings = [suffix.lower() for suffix in file.suffixes if suffix.lower() not in PACKED]
    return "\t" if endings and endings[-1] in (".tsv", ".tab") else ","


def _read_parquet(file: Path) -> pa.Table:
    try:
        return read_parquet(file)
    except (pa.ArrowException, OSError) as error:
        kind = kind_of(file.read_bytes())
        is_pointer = kind is not None and "LFS" in kind[0]
        what_to_do = kind[1] if kind and is_pointer else "save it as Parquet"
        found = f"this is {kind[0]}; {what_to_do}" if kind else " ".join(str(error).split())
        raise ValueError(f"{file}: cannot be read as a table: {found}") from None


def _read_csv(file: Path, separator: str) -> pa.Table:
    """Every column as text, an empty line as a row of missing cells; a line with more or fewer cells is an error."""
    content = read_utf8(file)
    with io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline="") as first_line:
        header = next(csv.reader(first_line, delimiter=separator), [])
    if not any(map(str.strip, header)) and content.strip():
        raise ValueError(f"{file} line 1: an empty line; the first line has to name the columns, so remove it")
    malformed: list[str] = []

    def note(row: pa_csv.InvalidRow) -> str:
        what = f"expected {row.expected_columns} cells as in the header, found {row.actual_columns}"
        before = content.partition(row.text.encode())[0] if len(malformed) < SHOWN else b""
        malformed.append(f"{file} line {before.count(10) + 1}: {what}; the line is {_shortened(row.text)!r}")
        return "skip"

    table = pa_csv.read_csv(
        pa.BufferReader(content),
        read_options=pa_csv.ReadOptions(use_threads=False),  # else lines have no number
        parse_options=pa_csv.ParseOptions(
            delimiter=separator, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note
        ),
        # only an empty cell is missing: there are videos named NA and labels named null
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )
    if malformed:
        more = [f"... and {len(malformed) - SHOWN} more"] if len(malformed) > SHOWN else []
        hint = "A cell that holds the separator, a quote or a line break is put in quotes."
        raise ValueError("\n".join([*malformed[:SHOWN], *more, hint]))
    return table


def _decoded(file: Path) -> str:
    return read_utf8(file).decode("utf-8-sig")


def _shortened(line: str) -> str:
    line = line.rstrip("\r\n")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}..."
